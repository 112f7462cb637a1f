//! Leases: which worker runs which import.
//!
//! Workers announce the *directory* they serve. An import *runs* while a worker's lease holds; workers renew leases of
//! running imports only, so the lease of a dead worker expires. Other unfinished imports *wait*, unreserved.
//!
//! Leases do not protect products: a commit is rejected unless it continues at the import's position. The database's
//! clock is used.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    clock::{self, database_now},
    entity::{monitor_import, monitor_lease},
};
use crate::model::job::{ImportStatus, UnixMillis};

mod claim;
mod directories;
#[cfg(test)]
mod queue_model;
#[cfg(test)]
mod tests;

/// Time without a worker of a directory after which its imports fail.
const LOST_AFTER: UnixMillis = 10 * 60 * 1000;

/// A process that runs imports; new after a restart.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) directory: String,
    pub(crate) per_user: usize,
    pub(crate) lease: Duration,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Clock {
    Database,
    #[cfg(test)]
    Set(std::sync::Arc<std::sync::atomic::AtomicI64>),
}

impl Worker {
    pub(crate) fn new(directory: &str, per_user: usize, lease: Duration) -> Self {
        Self {
            name: Uuid::now_v7().simple().to_string(),
            directory: directory.to_owned(),
            per_user,
            lease,
            clock: Clock::Database,
        }
    }

    async fn now(&self, db: &impl ConnectionTrait) -> Result<UnixMillis, StoreError> {
        match &self.clock {
            Clock::Database => database_now(db).await,
            #[cfg(test)]
            Clock::Set(time) => Ok(time.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }

    /// Returns the time as an SQL expression, which saves a query.
    fn now_in_sql(&self, backend: DbBackend) -> String {
        match &self.clock {
            // Unlike `clock_timestamp()` it is constant within a statement, which helps the planner.
            Clock::Database if backend == DbBackend::Postgres => {
                clock::NOW.replace("clock_timestamp", "statement_timestamp")
            }
            Clock::Database => super::now().to_string(),
            #[cfg(test)]
            Clock::Set(time) => time.load(std::sync::atomic::Ordering::SeqCst).to_string(),
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Claimed {
    pub(crate) id: String,
    /// Whether it must be ended instead of run.
    pub(crate) is_unwanted: bool,
}

impl Store {
    /// Returns whether several processes may share this database. A SQLite file belongs to one.
    pub(crate) fn has_workers(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }

    /// Renews leases of running imports. Returns those that were cancelled.
    pub(crate) async fn renew_leases(
        &self,
        worker: &Worker,
        running: &[String],
    ) -> Result<Vec<String>, StoreError> {
        if running.is_empty() {
            return Ok(Vec::new());
        }
        let now = worker.now(&self.db).await?;
        let until = now.saturating_add(millis(worker.lease));
        monitor_lease::Entity::update_many()
            .col_expr(monitor_lease::Column::Until, Expr::value(until))
            .filter(monitor_lease::Column::Worker.eq(worker.name.as_str()))
            .filter(monitor_lease::Column::ImportId.is_in(running.iter().map(String::as_str)))
            .exec(&self.db)
            .await?;
        Ok(monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(monitor_import::Column::Id.is_in(running.iter().map(String::as_str)))
            .filter(monitor_import::Column::CancelWanted.eq(true))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .into_tuple()
            .all(&self.db)
            .await?)
    }

    pub(crate) async fn release_monitor_import(
        &self,
        worker: &Worker,
        id: &str,
    ) -> Result<(), StoreError> {
        monitor_lease::Entity::delete_by_id(id)
            .filter(monitor_lease::Column::Worker.eq(worker.name.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// For a process that owns the database, at its start.
    pub(crate) async fn forget_leases(&self) -> Result<(), StoreError> {
        monitor_lease::Entity::delete_many().exec(&self.db).await?;
        Ok(())
    }

    /// Read by the worker that runs or claims it.
    pub(crate) async fn want_monitor_import_cancelled(&self, id: &str) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::CancelWanted, Expr::value(true))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    pub(crate) async fn is_leased(&self, worker: &Worker, id: &str) -> Result<bool, StoreError> {
        let now = worker.now(&self.db).await?;
        let held = monitor_lease::Entity::find_by_id(id)
            .filter(monitor_lease::Column::Until.gt(now))
            .one(&self.db)
            .await?;
        Ok(held.is_some())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
