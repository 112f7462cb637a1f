//! Corrects rows cell by cell and imports them again, as a file with the mapping of the import's file.

use std::{collections::BTreeMap, io, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::HeaderMap,
};
use futures_util::stream;
use serde::{Deserialize, Serialize};

use super::{
    Service,
    controls::{Created, file_of_rows, import_rows, understood},
    message::RowBody,
    service::ServiceError,
};
use crate::server::store::{
    correctable_rows::{CorrectableRow, CorrectableRows},
    monitor_imports::MonitorImport,
};

const MAX_ROWS: usize = 100;

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    #[default]
    Failed,
    Warning,
}

#[derive(Debug, Deserialize)]
pub(super) struct CellsQuery {
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    page: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct CellsBody {
    columns: Vec<ColumnBody>,
    items: Vec<CellsOfRow>,
    page: u64,
    pages: u64,
    total: u64,
}

/// A column of the file, without those that a list of failed rows added.
#[derive(Debug, Serialize)]
struct ColumnBody {
    index: usize,
    name: String,
    known: bool,
}

#[derive(Debug, Serialize)]
struct CellsOfRow {
    row: u64,
    cells: Vec<String>,
    notes: Vec<RowBody>,
}

impl From<CorrectableRow> for CellsOfRow {
    fn from(row: CorrectableRow) -> Self {
        Self {
            row: row.row(),
            cells: row.cells().to_vec(),
            notes: match row {
                CorrectableRow::Failed(row) => vec![row.into()],
                CorrectableRow::Warned(notes) => notes.into_iter().map(RowBody::from).collect(),
            },
        }
    }
}

pub(super) async fn cells(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(query): Query<CellsQuery>,
) -> Result<Json<CellsBody>, ServiceError> {
    let import = service.found(&id).await?;
    let has_warnings = query.kind == Kind::Warning;
    let found = service
        .store
        .correctable_rows(&id, has_warnings, query.page);
    let CorrectableRows {
        rows,
        page,
        pages,
        total,
    } = found.await?;
    Ok(Json(CellsBody {
        columns: columns(&import),
        items: rows.into_iter().map(CellsOfRow::from).collect(),
        page,
        pages,
        total,
    }))
}

fn columns(import: &MonitorImport) -> Vec<ColumnBody> {
    let header = import.header.clone().unwrap_or_default();
    let answers = understood(import).filter(product_feed::Mapping::has_columns);
    let meanings = match answers {
        Some(answers) => (0..header.len())
            .map(|index| answers.meaning_of(index))
            .collect(),
        None => product_feed::suggest(std::slice::from_ref(&header)),
    };
    let columns = header.into_iter().enumerate();
    columns
        .filter(|(_, name)| !product_feed::is_ours(name))
        .map(|(index, name)| ColumnBody {
            index,
            name,
            known: meanings.get(index).is_some_and(Option::is_some),
        })
        .collect()
}

/// Corrected cells by row number and column index.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Corrections {
    #[serde(default)]
    kind: Kind,
    rows: BTreeMap<u64, BTreeMap<usize, String>>,
}

pub(super) async fn correct(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Corrections>,
) -> Created {
    let import = service.found(&id).await?;
    if !import.status.is_final() {
        return Err(ServiceError::NotOver);
    }
    if body.rows.len() > MAX_ROWS {
        return Err(ServiceError::BadParameter("rows"));
    }
    if import.header.is_none() || import.undoes.is_some() {
        return Err(ServiceError::NothingFailed);
    }
    let columns = import.header.as_ref().map_or(0, Vec::len);
    let has_warnings = body.kind == Kind::Warning;
    let numbers = body.rows.keys().copied();
    let rows = service
        .store
        .rows_to_correct(&id, has_warnings, numbers)
        .await?;
    let mut file = file_of_rows(&import)?;
    let mut is_changed = false;
    for row in rows {
        let said = body.rows.get(&row.row());
        let cells = said.and_then(|said| corrected(row.cells(), said, columns));
        if let Some(cells) = cells {
            file.add(&cells, &row.reason())?;
            is_changed = true;
        }
    }
    if !is_changed {
        return Err(ServiceError::NothingCorrected);
    }
    let bytes: io::Result<Vec<u8>> = file.take();
    import_rows(service, import, &headers, stream::iter([bytes])).await
}

/// Returns the corrected cells; `None` if nothing changes.
fn corrected(
    cells: &[String],
    said: &BTreeMap<usize, String>,
    columns: usize,
) -> Option<Vec<String>> {
    let mut after = cells.to_vec();
    let all = after.len().max(columns);
    after.resize(all, String::new());
    for (index, text) in said {
        if let Some(cell) = after.get_mut(*index)
            && as_sent(cell) != as_sent(text)
        {
            *cell = text.replace("\r\n", "\n").replace('\0', "");
        }
    }
    // Values after the last column make a row fail.
    while after.len() > columns && after.last().is_some_and(String::is_empty) {
        after.pop();
    }
    let mut before = cells.to_vec();
    before.resize(before.len().max(columns), String::new());
    (after != before).then_some(after)
}

/// A browser may send other line breaks than it received.
fn as_sent(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_row_is_corrected_where_a_cell_is_another_one() {
        let cells = texts(&["A", "two\r\nlines", "x"]);
        let said = |pairs: &[(usize, &str)]| -> BTreeMap<usize, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(index, text)| (*index, (*text).to_owned()))
                .collect()
        };
        let same = said(&[(0, "A"), (1, "two\nlines"), (2, "x"), (9, "y")]);
        assert_eq!(corrected(&cells, &same, 3), None);
        let other = said(&[(1, "two\r\nlines"), (2, "9.90")]);
        let expected = texts(&["A", "two\r\nlines", "9.90"]);
        assert_eq!(corrected(&cells, &other, 3), Some(expected));
        // A short row is padded; a long one is truncated if its surplus is removed.
        let short = corrected(&texts(&["A"]), &said(&[(2, "1")]), 3);
        assert_eq!(short, Some(texts(&["A", "", "1"])));
        let long = corrected(&texts(&["A", "1", "2", "3"]), &said(&[(2, ""), (3, "")]), 2);
        assert_eq!(long, Some(texts(&["A", "1"])));
    }
}
