//! Load of the database and its imports.

use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
};

use super::{
    Store, StoreError,
    clock::database_now,
    entity::{monitor_import, monitor_lease},
};
use crate::{
    model::job::ImportStatus,
    server::telemetry::metrics::{Connections, ImportLoad},
};

impl Store {
    pub(crate) fn connections(&self) -> Connections {
        let (open, idle) = match self.db.get_database_backend() {
            DbBackend::Postgres => {
                let pool = self.db.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            _ => {
                let pool = self.db.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        let idle = idle as u64;
        Connections {
            used: u64::from(open).saturating_sub(idle),
            idle,
        }
    }

    pub(crate) async fn import_load(&self) -> Result<ImportLoad, StoreError> {
        let now = database_now(&self.db).await?;
        let leased = monitor_lease::Entity::find()
            .select_only()
            .column(monitor_lease::Column::ImportId)
            .filter(monitor_lease::Column::Until.gt(now))
            .into_query();
        let unfinished = monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.is_null());
        let running = unfinished
            .clone()
            .filter(monitor_import::Column::Id.in_subquery(leased))
            .count(&self.db)
            .await?;
        let all = unfinished.count(&self.db).await?;
        Ok(ImportLoad {
            waiting: all.saturating_sub(running),
            running,
        })
    }
}
