//! First rows of the files of imports.

use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use super::{Store, StoreError, entity::import_beginning};

impl Store {
    /// Stores the first rows of an import's file.
    pub async fn keep_import_beginning(
        &self,
        id: &str,
        rows: &[Vec<String>],
    ) -> Result<(), StoreError> {
        let row = import_beginning::ActiveModel {
            import_id: Set(id.to_owned()),
            rows: Set(serde_json::Value::from(rows.to_vec()).to_string()),
        };
        let replace = OnConflict::column(import_beginning::Column::ImportId)
            .update_column(import_beginning::Column::Rows)
            .to_owned();
        import_beginning::Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// Returns the first rows of an import's file, if stored.
    pub async fn import_beginning(&self, id: &str) -> Result<Option<Vec<Vec<String>>>, StoreError> {
        let row = import_beginning::Entity::find_by_id(id)
            .one(&self.db)
            .await?;
        row.map(|row| {
            serde_json::from_str(&row.rows).map_err(|error| StoreError::Corrupt {
                table: "monitor_import_beginnings",
                reason: error.to_string(),
            })
        })
        .transpose()
    }
}
