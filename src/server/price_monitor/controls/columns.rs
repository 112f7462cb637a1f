//! What the columns of an import's file mean: the first rows, a preview, and the answer.

use std::{collections::BTreeMap, io, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use product_feed::{DecimalMark, FeedError, FeedRow, Header, Mapping, Meaning, Visitor};
use serde::{Deserialize, Serialize};

use super::Created;
use crate::{
    i18n::messages::ErrorCode,
    server::{
        price_monitor::{
            Service, beginning, message::ErrorFields, reasons, service::ServiceError, upload::owner,
        },
        store::monitor_imports::{MonitorImport, Question},
    },
};

const PREVIEW: usize = 6;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ColumnsBody {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    columns: Vec<Option<&'static str>>,
    decimal_mark: Option<&'static str>,
    currency: Option<&'static str>,
    sheets: Vec<String>,
    all_sheets: Vec<String>,
    needs: Option<Question>,
}

pub(super) async fn columns(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Json<ColumnsBody>, ServiceError> {
    let import = service.found(&id).await?;
    let mapping = mapping_of(&import);
    let mut rows = first_rows(&service, &import, mapping.sheets()).await?;
    let columns = if mapping.has_columns() {
        let said = |index| mapping.meaning_of(index);
        (0..rows[0].len()).map(said).collect()
    } else {
        product_feed::suggest(&rows)
    };
    let header = rows.remove(0);
    rows.truncate(PREVIEW - 1);
    let all_sheets = match import.needs {
        Some(Question::Sheets) => all_sheets(&service, &import).await?,
        _ => Vec::new(),
    };
    Ok(Json(ColumnsBody {
        header,
        rows,
        columns: columns
            .into_iter()
            .map(|meaning| meaning.map(Meaning::as_str))
            .collect(),
        decimal_mark: mapping.decimal_mark().map(DecimalMark::as_str),
        currency: mapping.currency(),
        sheets: mapping.sheets().to_vec(),
        all_sheets,
        needs: import.needs,
    }))
}

fn mapping_of(import: &MonitorImport) -> Mapping {
    let said = import.mapping.as_deref();
    said.and_then(|mapping| serde_json::from_str(mapping).ok())
        .unwrap_or_default()
}

/// Returns the first rows of an import's file, or of these sheets.
async fn first_rows(
    service: &Arc<Service>,
    import: &MonitorImport,
    sheets: &[String],
) -> Result<Vec<Vec<String>>, ServiceError> {
    // Without its file an import's columns cannot be changed.
    if !service.uploads.has(&import.stored_as).await {
        return Err(ServiceError::NotKept);
    }
    let rows = if sheets.is_empty() {
        match service.store.import_beginning(&import.id).await? {
            Some(rows) => rows,
            None => keep_first_rows(service, import).await?,
        }
    } else {
        // The stored rows may be of another sheet.
        let owner = import.owner.as_deref().unwrap_or_default();
        let place = service.readers.look(owner).await?;
        let (input, limits) = (
            service.uploads.input(&import.stored_as),
            service.options.limits(),
        );
        let sheets = sheets.to_vec();
        place
            .read(move || beginning::of_sheets(input, &limits, sheets))
            .await?
    };
    if rows.is_empty() {
        return Err(ServiceError::NoColumns);
    }
    Ok(rows)
}

/// Stores the first rows of an import of an older version, or one that has not begun.
async fn keep_first_rows(
    service: &Arc<Service>,
    import: &MonitorImport,
) -> Result<Vec<Vec<String>>, ServiceError> {
    let owner = import.owner.as_deref().unwrap_or_default();
    let place = service.readers.look(owner).await?;
    // Another request may have stored them.
    if let Some(rows) = service.store.import_beginning(&import.id).await? {
        return Ok(rows);
    }
    let (input, limits) = (
        service.uploads.input(&import.stored_as),
        service.options.limits(),
    );
    let rows = place.read(move || beginning::of(input, &limits)).await?;
    service
        .store
        .keep_import_beginning(&import.id, &rows)
        .await?;
    Ok(rows)
}

async fn all_sheets(
    service: &Arc<Service>,
    import: &MonitorImport,
) -> Result<Vec<String>, ServiceError> {
    let (input, limits) = (
        service.uploads.input(&import.stored_as),
        service.options.limits(),
    );
    let owner = import.owner.as_deref().unwrap_or_default();
    let place = service.readers.look(owner).await?;
    let count = move || product_feed::count(input, &limits, None);
    match place.read(count).await {
        Err(ServiceError::Feed(FeedError::UnknownSheet(names))) => Ok(names),
        _ => Ok(Vec::new()),
    }
}

/// The stated meanings of columns, by index from 0, and the decimal mark, currency and sheets.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::server::price_monitor) struct MappingBody {
    columns: BTreeMap<usize, String>,
    decimal_mark: Option<String>,
    currency: Option<String>,
    sheets: Vec<String>,
}

impl MappingBody {
    pub(in crate::server::price_monitor) fn has_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Returns the sheets after this is merged; column indices refer to them.
    fn sheets_after<'a>(&'a self, before: &'a Mapping) -> &'a [String] {
        if self.sheets.is_empty() {
            before.sheets()
        } else {
            &self.sheets
        }
    }

    /// Merges this into an earlier mapping.
    pub(in crate::server::price_monitor) fn added_to(
        self,
        before: Mapping,
        header: &[String],
    ) -> Result<Mapping, ServiceError> {
        let bad = ServiceError::BadMapping;
        let mut mapping = before;
        let columns = self
            .columns
            .into_iter()
            .filter(|(_, word)| !word.is_empty())
            .map(|(index, word)| {
                let meaning = word.parse::<Meaning>();
                meaning
                    .map(|meaning| (index, meaning))
                    .map_err(|_| bad(ErrorCode::UnknownMeaning { word }))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let Some((first, second)) = twice(&columns) {
            let name = |index: usize| match header.get(index).map(|name| name.trim()) {
                None | Some("") => (index + 1).to_string(),
                Some(name) => name.to_owned(),
            };
            let (first, second) = (name(first), name(second));
            return Err(bad(ErrorCode::MappedTwice { first, second }));
        }
        if !columns.is_empty() {
            mapping = mapping.with_columns(columns).of(header);
        }
        if let Some(text) = self.decimal_mark.filter(|text| !text.is_empty()) {
            let mark = text
                .parse()
                .map_err(|_| bad(ErrorCode::UnknownDecimalMark { word: text }))?;
            mapping = mapping.with_decimal_mark(mark);
        }
        if let Some(text) = self.currency.filter(|text| !text.trim().is_empty()) {
            let said = mapping.with_currency(text.trim());
            mapping = said.map_err(|_| bad(ErrorCode::UnknownMappedCurrency { word: text }))?;
        }
        if !self.sheets.is_empty() {
            mapping = mapping.with_sheets(self.sheets);
        }
        Ok(mapping)
    }
}

/// Returns two columns with a meaning that only one may have.
fn twice(columns: &[(usize, Meaning)]) -> Option<(usize, usize)> {
    let mut seen = BTreeMap::new();
    let mut single = columns.iter().filter(|(_, meaning)| !meaning.is_of_many());
    single.find_map(|(index, meaning)| Some((seen.insert(meaning, *index)?, *index)))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreviewRow {
    line: u64,
    sku: Option<String>,
    name: Option<String>,
    price: Option<String>,
    #[serde(flatten)]
    error: Option<ErrorFields>,
}

pub(super) async fn preview(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Json(body): Json<MappingBody>,
) -> Result<Json<Vec<PreviewRow>>, ServiceError> {
    let import = service.found(&id).await?;
    let before = mapping_of(&import);
    let first = first_rows(&service, &import, body.sheets_after(&before)).await?;
    let mapping = body.added_to(before, &first[0])?;
    let limits = service.options.limits();
    if !mapping.sheets().is_empty() {
        let input = service.uploads.input(&import.stored_as);
        let owner = import.owner.as_deref().unwrap_or_default();
        let place = service.readers.look(owner).await?;
        let read = move || {
            let mut rows = Vec::new();
            let mut preview = Preview(&mut rows);
            product_feed::read(input, &limits, Some(&mapping), &mut preview).map(|()| rows)
        };
        return Ok(Json(place.read(read).await?));
    }
    // Few enough rows to read here.
    let mut rows = Vec::new();
    product_feed::read_rows(&first, Some(&mapping), &mut Preview(&mut rows))?;
    Ok(Json(rows))
}

struct Preview<'a>(&'a mut Vec<PreviewRow>);

impl Visitor for Preview<'_> {
    fn row(&mut self, row: FeedRow) -> std::ops::ControlFlow<()> {
        let line = row.line;
        self.0.push(match row.outcome {
            Ok(product) => PreviewRow {
                line,
                sku: product.sku.or(Some(product.identity)),
                name: Some(product.name),
                price: product.price,
                error: None,
            },
            Err(failure) => PreviewRow {
                line,
                sku: failure.label,
                name: None,
                price: None,
                error: Some(ErrorFields::of(reasons::of_row(&failure.error))),
            },
        });
        if self.0.len() < PREVIEW {
            std::ops::ControlFlow::Continue(())
        } else {
            std::ops::ControlFlow::Break(())
        }
    }
}

pub(super) async fn map_columns(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<MappingBody>,
) -> Created {
    let import = service.found(&id).await?;
    let before = mapping_of(&import);
    let cells = first_rows(&service, &import, body.sheets_after(&before))
        .await?
        .remove(0);
    let mapping = body.added_to(before, &cells)?;
    if mapping.has_columns() {
        product_feed::check_mapping(&cells, &mapping)
            .map_err(|error| ServiceError::BadMapping(reasons::of_mapping(error)))?;
    }
    let json = serde_json::to_string(&mapping).map_err(io::Error::other)?;
    let fingerprint = Header::fingerprint(&cells);
    let source = import.source.as_deref();
    let remembering = service.store.remember_mapping(source, &fingerprint, &json);
    remembering.await?;
    if import.needs.is_none() {
        let (owner, mode) = (owner(&headers), import.mode);
        return service
            .import_file_of(import, owner, mode, Some(json))
            .await;
    }
    if !service.store.answer_monitor_import(&id, &json).await? {
        return Err(ServiceError::Answered);
    }
    service.queue.wake();
    let import = service.found(&id).await?;
    Ok((StatusCode::OK, Json(import.into())))
}
