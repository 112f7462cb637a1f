//! Rows that can be corrected cell by cell: failed ones and those with warnings.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Select};

use super::{
    Store, StoreError,
    entity::{failed_row, row_note},
    monitor_imports::FailedRow,
    row_notes::{NoteKind, RowNote, note},
    to_db,
};

/// Rows per page; they fit into one form.
const PAGE: u64 = 20;

/// A row with its cells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CorrectableRow {
    /// A failed row.
    Failed(FailedRow),
    /// An imported row with its warnings, the first with the cells.
    Warned(Vec<RowNote>),
}

impl CorrectableRow {
    /// Returns the row number, from 1.
    #[must_use]
    pub fn row(&self) -> u64 {
        match self {
            Self::Failed(row) => row.row,
            Self::Warned(notes) => notes.first().map_or(0, |note| note.row),
        }
    }

    /// Returns the cells.
    #[must_use]
    pub fn cells(&self) -> &[String] {
        match self {
            Self::Failed(row) => &row.cells,
            Self::Warned(notes) => notes.first().map_or(&[], |note| &note.cells),
        }
    }

    /// Returns the reasons.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Failed(row) => row.reason.to_string(),
            Self::Warned(notes) => {
                let reasons: Vec<_> = notes.iter().map(|note| note.reason.to_string()).collect();
                reasons.join(" ")
            }
        }
    }
}

/// A page of rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CorrectableRows {
    /// The rows, in file order.
    pub rows: Vec<CorrectableRow>,
    /// Number of the page, from 1.
    pub page: u64,
    /// Number of pages, at least 1.
    pub pages: u64,
    /// Number of rows on all pages.
    pub total: u64,
}

impl Store {
    /// Lists rows with warnings, or failed rows, with their cells. A page out of range is the nearest one.
    pub async fn correctable_rows(
        &self,
        import: &str,
        has_warnings: bool,
        page: u64,
    ) -> Result<CorrectableRows, StoreError> {
        let (pages, total, page, rows) = if has_warnings {
            let query = warned(import);
            let (pages, total, page) = self.counted(query.clone(), page).await?;
            let first = query.paginate(&self.db, PAGE).fetch_page(page - 1).await?;
            (pages, total, page, self.with_further(import, first).await?)
        } else {
            let query = failed(import);
            let (pages, total, page) = self.counted(query.clone(), page).await?;
            let rows = query.paginate(&self.db, PAGE).fetch_page(page - 1).await?;
            let rows = rows.into_iter().map(FailedRow::from);
            let rows = rows.map(CorrectableRow::Failed).collect();
            (pages, total, page, rows)
        };
        Ok(CorrectableRows {
            rows,
            page,
            pages,
            total,
        })
    }

    /// Finds some of these rows by number.
    pub async fn rows_to_correct(
        &self,
        import: &str,
        has_warnings: bool,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<Vec<CorrectableRow>, StoreError> {
        let numbers: Vec<i64> = numbers.into_iter().map(to_db).collect();
        if has_warnings {
            let query = warned(import).filter(row_note::Column::Row.is_in(numbers));
            return self.with_further(import, query.all(&self.db).await?).await;
        }
        let query = failed(import).filter(failed_row::Column::Row.is_in(numbers));
        let rows = query.all(&self.db).await?.into_iter();
        Ok(rows.map(|row| CorrectableRow::Failed(row.into())).collect())
    }

    async fn counted<E>(&self, query: Select<E>, page: u64) -> Result<(u64, u64, u64), StoreError>
    where
        E: EntityTrait,
        E::Model: Send + Sync + 'static,
    {
        let counted = query.paginate(&self.db, PAGE).num_items_and_pages().await?;
        let pages = Ord::max(counted.number_of_pages, 1);
        Ok((pages, counted.number_of_items, Ord::clamp(page, 1, pages)))
    }

    async fn with_further(
        &self,
        import: &str,
        first: Vec<row_note::Model>,
    ) -> Result<Vec<CorrectableRow>, StoreError> {
        let numbers: Vec<i64> = first.iter().map(|note| note.row).collect();
        let further = row_note::Entity::find()
            .filter(row_note::Column::ImportId.eq(import))
            .filter(row_note::Column::Kind.eq(NoteKind::Warning.as_str()))
            .filter(row_note::Column::Row.is_in(numbers))
            .filter(row_note::Column::Part.gt(0))
            .order_by_asc(row_note::Column::Part)
            .all(&self.db)
            .await?;
        let rows = first.into_iter().map(|first| {
            let others = further.iter().filter(|other| other.row == first.row);
            let notes = std::iter::once(&first).chain(others).cloned();
            CorrectableRow::Warned(notes.map(|row| note(row, NoteKind::Warning)).collect())
        });
        Ok(rows.collect())
    }
}

fn failed(import: &str) -> Select<failed_row::Entity> {
    failed_row::Entity::find()
        .filter(failed_row::Column::ImportId.eq(import))
        .filter(failed_row::Column::Cells.is_not_null())
        .order_by_asc(failed_row::Column::Row)
}

/// Finds the first warning of each row. Older versions stored no cells.
fn warned(import: &str) -> Select<row_note::Entity> {
    row_note::Entity::find()
        .filter(row_note::Column::ImportId.eq(import))
        .filter(row_note::Column::Kind.eq(NoteKind::Warning.as_str()))
        .filter(row_note::Column::Part.eq(0))
        .filter(row_note::Column::Cells.is_not_null())
        .order_by_asc(row_note::Column::Row)
}
