//! Deletes changes.

use sea_orm::ConnectionTrait;

use super::ImportNumber;
use crate::{
    model::job::{ImportStatus, UnixMillis},
    server::store::{Store, StoreError, retention::SLICE},
};

impl Store {
    pub(in crate::server::store) async fn unname_imports(
        &self,
        ids: &[String],
    ) -> Result<(), StoreError> {
        let places: Vec<_> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!(
            "UPDATE import_numbers SET import_id = NULL WHERE import_id IN ({})",
            places.join(", ")
        );
        let values = ids.iter().map(|id| id.as_str().into());
        self.db.execute_raw(self.statement(&sql, values)).await?;
        Ok(())
    }

    /// Deletes the changes of an import, and its number.
    pub(in crate::server::store) async fn remove_all_changes(
        &self,
        number: ImportNumber,
    ) -> Result<(), StoreError> {
        let values = [number.change(0).into(), number.last().into()];
        let sql = "DELETE FROM product_changes WHERE id > $1 AND id <= $2";
        self.db.execute_raw(self.statement(sql, values)).await?;
        let sql = "DELETE FROM import_numbers WHERE number = $1";
        let values = [number.0.into()];
        self.db.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Deletes a batch of changes of imports that began before a time and have ended. Returns their number.
    pub(crate) async fn remove_changes(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT n.number FROM import_numbers AS n WHERE n.began_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM monitor_imports AS m WHERE m.id = n.import_id AND m.status = '{}') \
             ORDER BY n.number LIMIT 1",
            ImportStatus::Pending.as_str()
        );
        let row = self
            .db
            .query_one_raw(self.statement(&sql, [before.into()]))
            .await?;
        let Some(row) = row else { return Ok(0) };
        let number = ImportNumber(row.try_get_by_index(0)?);
        let sql = format!(
            "DELETE FROM product_changes WHERE id IN (SELECT id FROM product_changes \
             WHERE id > $1 AND id <= $2 ORDER BY id LIMIT {SLICE})"
        );
        let values = [number.change(0).into(), number.last().into()];
        let removed = self.db.execute_raw(self.statement(&sql, values)).await?;
        if removed.rows_affected() > 0 {
            return Ok(removed.rows_affected());
        }
        let sql = "DELETE FROM import_numbers WHERE number = $1";
        let removed = self
            .db
            .execute_raw(self.statement(sql, [number.0.into()]))
            .await?;
        Ok(removed.rows_affected())
    }
}
