//! Change sets: product changes of each import.
//!
//! Triggers record changes in the transaction that makes them. A change's ID consists of import number and row, so an
//! import's changes are adjacent. A product has its last change's ID, a change the previous one's: product histories
//! need no index.

mod all;
mod history;
mod listing;
mod moves;
mod noted;
mod removal;
#[cfg(test)]
pub(super) mod tests;

use std::time::Duration;

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

pub use self::moves::Moves;
use self::noted::Noted;
pub(super) use self::{
    moves::price_change,
    noted::{WOULD_REMOVE, bit, kind_of, kind_to_db},
};
pub(super) use super::products::{COLUMNS, Values};
use super::{Store, StoreError, from_db, to_db};

/// Bits of a change ID for the row.
const ROW_BITS: u32 = 36;

/// The last row with an ID of its own.
pub(super) const LAST_ROW: i64 = (1 << ROW_BITS) - 1;

const WINDOW: i64 = 20_000;

/// Time after which an incomplete page is returned.
const PATIENCE: Duration = Duration::from_millis(25);

const DEPTH: u64 = 1_000;

/// The number of an import in change IDs; never reused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ImportNumber(i64);

impl ImportNumber {
    /// Reads the number in a row's only column.
    pub(super) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        Ok(Self(row.try_get_by_index(0)?))
    }

    /// Returns the ID of the change by a row.
    pub(super) fn change(self, row: u64) -> i64 {
        (self.0 << ROW_BITS) | to_db(row).min(LAST_ROW)
    }

    pub(super) fn last(self) -> i64 {
        self.change(u64::MAX)
    }
}

fn row_of(id: i64) -> u64 {
    from_db(id & LAST_ROW)
}

impl Store {
    /// Returns the number of an import, assigning one if necessary.
    pub async fn number_import(&self, id: &str) -> Result<ImportNumber, StoreError> {
        if let Some(number) = self.import_number(id).await? {
            return Ok(number);
        }
        let sql = "INSERT INTO import_numbers (import_id, began_at) VALUES ($1, $2) \
                   ON CONFLICT (import_id) DO NOTHING";
        let values = [id.into(), super::now().into()];
        self.db.execute_raw(self.statement(sql, values)).await?;
        let number = self.import_number(id).await?;
        number.ok_or_else(|| StoreError::Corrupt {
            table: "import_numbers",
            reason: format!("import {id} has no number"),
        })
    }

    /// Returns the number of an import, if assigned.
    pub async fn import_number(&self, id: &str) -> Result<Option<ImportNumber>, StoreError> {
        let sql = "SELECT number FROM import_numbers WHERE import_id = $1";
        let row = self
            .db
            .query_one_raw(self.statement(sql, [id.into()]))
            .await?;
        let number = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(number.map(ImportNumber))
    }

    pub(super) fn statement(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)
    }

    /// Returns whether changes of an import are stored.
    pub async fn has_changes(&self, import: &str) -> Result<bool, StoreError> {
        let Some(number) = self.import_number(import).await? else {
            return Ok(false);
        };
        let sql = "SELECT 1 FROM product_changes WHERE id > $1 AND id <= $2 LIMIT 1";
        let values = [number.change(0).into(), number.last().into()];
        let row = self.db.query_one_raw(self.statement(sql, values)).await?;
        Ok(row.is_some())
    }

    async fn noted(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Noted>, StoreError> {
        let rows = self.lists.query_all_raw(self.statement(sql, values)).await;
        let rows = rows.map_err(StoreError::of_search)?;
        rows.iter().map(Noted::read).collect()
    }

    pub(super) async fn search_one(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<QueryResult>, StoreError> {
        let row = self.lists.query_one_raw(self.statement(sql, values)).await;
        row.map_err(StoreError::of_search)
    }
}
