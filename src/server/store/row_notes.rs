//! Notes on rows that did not fail: skipped, imported with a warning, or replaced.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError, bulk::BulkTransaction, entity::row_note, from_db, products, reasons, to_db,
};

use crate::{i18n::messages::codes_with, model::reason::Reason};

const PAGE: u64 = 50;

/// Maximum notes stored per kind and import; all are counted.
pub const MAX_NOTES: u64 = 100_000;

/// The kind of a note.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum NoteKind {
    /// The row is not a product.
    PassedOver,
    /// A value of the row was ignored.
    Warning,
    /// A later row replaced it.
    Replaced,
    /// Not a row: a product that the file lacks.
    Missing,
}

impl NoteKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::PassedOver,
        Self::Warning,
        Self::Replaced,
        Self::Missing,
    ];

    /// Returns its word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PassedOver => "passed-over",
            Self::Warning => "warning",
            Self::Replaced => "replaced",
            Self::Missing => "missing",
        }
    }
}

/// A note on a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowNote {
    /// The kind.
    pub kind: NoteKind,
    /// Row number from 1, counting blank rows.
    pub row: u64,
    /// Index within row and kind, from 0.
    pub part: u64,
    /// The line that the note is about, from 1.
    pub line: u64,
    /// The row's label.
    pub label: String,
    /// The reason; the code of a skipped row as text, or the name of a missing product.
    pub reason: Reason,
    /// The column of a warning.
    pub column: Option<String>,
    /// Content of that column.
    pub value: Option<String>,
    /// Line of the row that replaced it.
    pub by_line: Option<u64>,
    /// The row's cells, with its first warning.
    pub cells: Vec<String>,
}

impl RowNote {
    pub(crate) fn bytes(&self) -> usize {
        let optional = [&self.column, &self.value];
        let optional = optional.into_iter().flatten().map(String::len);
        let cells = self.cells.iter();
        let cells = cells.map(|cell| size_of::<String>() + cell.len());
        self.label.len() + self.reason.len() + optional.sum::<usize>() + cells.sum::<usize>()
    }
}

/// Skipped rows by reason code.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PassedOverCounts(BTreeMap<String, u64>);

impl PassedOverCounts {
    /// Counts a row.
    pub fn add(&mut self, code: &str) {
        match self.0.get_mut(code) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(code.to_owned(), 1);
            }
        }
    }

    /// Counts rows.
    pub fn add_some(&mut self, code: &str, rows: u64) {
        *self.0.entry(code.to_owned()).or_default() += rows;
    }

    /// Returns the total.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Counts of rows so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Non-blank rows.
    pub rows_read: u64,
    /// Skipped rows.
    pub passed_over: PassedOverCounts,
    /// Ignored values.
    pub warnings: u64,
    /// The mapping used, as JSON.
    pub understood: Option<String>,
}

/// A page of notes of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowNotesPage {
    /// The notes.
    pub notes: Vec<RowNote>,
    /// Number of the page, from 1.
    pub page: u64,
    /// Number of pages, at least 1.
    pub pages: u64,
    /// Number of notes on all pages.
    pub total: u64,
}

impl Store {
    /// Lists notes of a kind whose label, column, value or reason contains `search`, ignoring ASCII case, in file
    /// order. A page out of range is the nearest one.
    pub async fn list_row_notes(
        &self,
        import: &str,
        kind: NoteKind,
        search: &str,
        page: u64,
    ) -> Result<RowNotesPage, StoreError> {
        let mut query = row_note::Entity::find()
            .filter(row_note::Column::ImportId.eq(import))
            .filter(row_note::Column::Kind.eq(kind.as_str()))
            .order_by_asc(row_note::Column::Row)
            .order_by_asc(row_note::Column::Part);
        if !search.is_empty() {
            let (pattern, codes) = (products::contains(search), codes_with(search));
            let within =
                |column: row_note::Column| Func::lower(Expr::col(column)).like(pattern.clone());
            query = query.filter(
                Condition::any()
                    .add(within(row_note::Column::Label))
                    .add(row_note::Column::Code.is_in(codes.iter().copied()))
                    .add(row_note::Column::Reason.is_in(codes))
                    .add(
                        Condition::all()
                            .add(row_note::Column::Code.is_null())
                            .add(within(row_note::Column::Reason)),
                    )
                    .add(within(row_note::Column::ColumnName))
                    .add(within(row_note::Column::Value)),
            );
        }
        let paginator = query.paginate(&self.db, PAGE);
        let counted = paginator.num_items_and_pages().await?;
        let pages = Ord::max(counted.number_of_pages, 1);
        let page = Ord::clamp(page, 1, pages);
        let rows = paginator.fetch_page(page - 1).await?;
        Ok(RowNotesPage {
            notes: rows.into_iter().map(|row| note(row, kind)).collect(),
            page,
            pages,
            total: counted.number_of_items,
        })
    }

    /// Lists up to `limit` notes of a kind after one, in file order.
    pub async fn row_notes_after(
        &self,
        import: &str,
        kind: NoteKind,
        (row, part): (u64, u64),
        limit: u64,
    ) -> Result<Vec<RowNote>, StoreError> {
        let (row, part) = (to_db(row), to_db(part));
        let after = row_note::Column::Row.gt(row).or(row_note::Column::Row
            .eq(row)
            .and(row_note::Column::Part.gt(part)));
        let rows = row_note::Entity::find()
            .filter(row_note::Column::ImportId.eq(import))
            .filter(row_note::Column::Kind.eq(kind.as_str()))
            .filter(after)
            .order_by_asc(row_note::Column::Row)
            .order_by_asc(row_note::Column::Part)
            .limit(limit)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|row| note(row, kind)).collect())
    }
}

pub(super) async fn add(
    db: &mut BulkTransaction,
    import: &str,
    notes: &[RowNote],
) -> Result<(), StoreError> {
    // Below the parameter limit.
    for some in notes.chunks(500) {
        let rows = some.iter().map(|note| row_note::ActiveModel {
            import_id: Set(import.to_owned()),
            kind: Set(note.kind.as_str().to_owned()),
            row: Set(to_db(note.row)),
            part: Set(to_db(note.part)),
            line: Set(to_db(note.line)),
            label: Set(note.label.clone()),
            reason: Set(note.reason.message().to_owned()),
            code: Set(note.reason.code().map(str::to_owned)),
            params: Set(reasons::params(&note.reason)),
            column_name: Set(note.column.clone()),
            value: Set(note.value.clone()),
            by_line: Set(note.by_line.map(to_db)),
            cells: Set((!note.cells.is_empty())
                .then(|| serde_json::Value::from(note.cells.clone()).to_string())),
        });
        db.execute(&row_note::Entity::insert_many(rows)).await?;
    }
    Ok(())
}

pub(super) fn note(row: row_note::Model, kind: NoteKind) -> RowNote {
    RowNote {
        kind,
        row: from_db(row.row),
        part: from_db(row.part),
        line: from_db(row.line),
        label: row.label,
        reason: reasons::of_row(row.reason, row.code, row.params),
        column: row.column_name,
        value: row.value,
        by_line: row.by_line.map(from_db),
        cells: row
            .cells
            .and_then(|cells| serde_json::from_str(&cells).ok())
            .unwrap_or_default(),
    }
}
