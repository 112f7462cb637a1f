//! How busy the database and the imports in it are.

use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
};

use super::{
    Store, StoreError,
    entity::{monitor_import, monitor_lease},
    leases::database_now,
};
use crate::model::job::ImportStatus;

/// The connections of this process to the database.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Connections {
    /// In use.
    pub(crate) used: u64,
    /// Open and not in use.
    pub(crate) idle: u64,
}

/// The price monitor's imports that are not over, all workers' together. Those that wait for an answer are neither.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ImportLoad {
    /// That wait for their turn.
    pub(crate) waiting: u64,
    /// That run.
    pub(crate) running: u64,
}

impl Store {
    /// Returns how many connections there are.
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

    /// Counts the imports that are not over.
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
