//! Which worker has which import's file.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::{LOST_AFTER, Worker};
use crate::{
    model::job::ImportStatus,
    server::store::{
        Store, StoreError,
        entity::{monitor_directory, monitor_import},
    },
};

const UNPLACED_AT_ONCE: u64 = 500;

impl Store {
    pub(crate) async fn serve_directory(&self, worker: &Worker) -> Result<(), StoreError> {
        let now = worker.now(&self.db).await?;
        let directory = monitor_directory::ActiveModel {
            id: Set(worker.directory.clone()),
            seen_at: Set(now),
        };
        monitor_directory::Entity::insert(directory)
            .on_conflict(
                OnConflict::column(monitor_directory::Column::Id)
                    .update_column(monitor_directory::Column::SeenAt)
                    .to_owned(),
            )
            .exec_without_returning(&self.db)
            .await?;
        monitor_directory::Entity::delete_many()
            .filter(monitor_directory::Column::SeenAt.lt(now.saturating_sub(LOST_AFTER * 100)))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Lists unfinished imports of older versions, whose directory is unknown, with their file names.
    pub(crate) async fn unplaced_monitor_imports(
        &self,
    ) -> Result<Vec<(String, String)>, StoreError> {
        Ok(monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .column(monitor_import::Column::StoredAs)
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::StoredIn.is_null())
            .order_by_asc(monitor_import::Column::CreatedAt)
            .limit(UNPLACED_AT_ONCE)
            .into_tuple()
            .all(&self.db)
            .await?)
    }

    pub(crate) async fn place_monitor_imports(
        &self,
        worker: &Worker,
        ids: &[String],
    ) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::StoredIn,
                Expr::value(worker.directory.as_str()),
            )
            .filter(monitor_import::Column::Id.is_in(ids.iter().map(String::as_str)))
            .filter(monitor_import::Column::StoredIn.is_null())
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Assigns all unfinished imports to a worker's directory; for a database owned by one process.
    pub(crate) async fn place_all_monitor_imports(
        &self,
        worker: &Worker,
    ) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::StoredIn,
                Expr::value(worker.directory.as_str()),
            )
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
