//! Which worker is at which import: leases that end by themselves when their worker dies.
//!
//! The time is the database's, so that workers need not agree on one. A SQLite file belongs to one
//! process, which needs no leases: there everything is free for it.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{monitor_import, monitor_lease},
    monitor_imports::MonitorImport,
};
use crate::job::{ImportStatus, UnixMillis};

/// A process that runs imports. It is somebody else after a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct WorkerId(String);

impl WorkerId {
    /// Makes one that nobody else has.
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7().simple().to_string())
    }

    /// Returns it as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An import that no worker is at.
#[derive(Clone, Debug)]
pub(crate) struct Orphan {
    /// The import.
    pub(crate) import: MonitorImport,
    /// For how long nobody has been at it, in milliseconds.
    pub(crate) alone_for: i64,
}

impl Store {
    /// Returns whether several processes may work on this database.
    pub(crate) fn has_workers(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }

    /// Takes an unfinished import for a worker, for as long as `lease`. Returns whether it has it:
    /// it has not when another worker's lease holds, or the import is over.
    pub(crate) async fn claim_monitor_import(
        &self,
        id: &str,
        worker: &WorkerId,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        if !self.has_workers() {
            return Ok(true);
        }
        let transaction = self
            .db
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..Default::default()
            })
            .await?;
        // A row that somebody else has locked is one that somebody else works at.
        let free = monitor_import::Entity::find_by_id(id)
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .into_tuple::<String>()
            .one(&transaction)
            .await?;
        let now = database_now(&transaction).await?;
        let held = monitor_lease::Entity::find_by_id(id)
            .filter(monitor_lease::Column::Until.gt(now))
            .filter(monitor_lease::Column::Worker.ne(worker.as_str()))
            .one(&transaction)
            .await?;
        if free.is_none() || held.is_some() {
            transaction.rollback().await?;
            return Ok(false);
        }
        let taken = monitor_lease::ActiveModel {
            import_id: Set(id.to_owned()),
            worker: Set(worker.as_str().to_owned()),
            until: Set(now.saturating_add(millis(lease))),
        };
        monitor_lease::Entity::insert(taken)
            .on_conflict(
                OnConflict::column(monitor_lease::Column::ImportId)
                    .update_columns([monitor_lease::Column::Worker, monitor_lease::Column::Until])
                    .to_owned(),
            )
            .exec_without_returning(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Prolongs every lease of a worker.
    pub(crate) async fn renew_leases(
        &self,
        worker: &WorkerId,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let until = database_now(&self.db).await?.saturating_add(millis(lease));
        monitor_lease::Entity::update_many()
            .col_expr(monitor_lease::Column::Until, Expr::value(until))
            .filter(monitor_lease::Column::Worker.eq(worker.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Gives an import back.
    pub(crate) async fn release_monitor_import(
        &self,
        id: &str,
        worker: &WorkerId,
    ) -> Result<(), StoreError> {
        monitor_lease::Entity::delete_by_id(id)
            .filter(monitor_lease::Column::Worker.eq(worker.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Returns whether a worker is at an import.
    pub(crate) async fn is_leased(&self, id: &str) -> Result<bool, StoreError> {
        let now = database_now(&self.db).await?;
        let held = monitor_lease::Entity::find_by_id(id)
            .filter(monitor_lease::Column::Until.gt(now))
            .one(&self.db)
            .await?;
        Ok(held.is_some())
    }

    /// Lists the unfinished imports that no worker is at, oldest first.
    pub(crate) async fn orphaned_monitor_imports(&self) -> Result<Vec<Orphan>, StoreError> {
        let now = database_now(&self.db).await?;
        let leases = monitor_lease::Entity::find().all(&self.db).await?;
        let until = |id: &str| -> Option<UnixMillis> {
            let lease = leases.iter().find(|lease| lease.import_id == id)?;
            Some(lease.until)
        };
        let rows = monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .order_by_asc(monitor_import::Column::CreatedAt)
            .order_by_asc(monitor_import::Column::Id)
            .all(&self.db)
            .await?;
        let mut orphans = Vec::new();
        for row in rows {
            let import = MonitorImport::try_from(row)?;
            let since = until(&import.id).unwrap_or(import.created_at);
            if since <= now {
                orphans.push(Orphan {
                    import,
                    alone_for: now - since,
                });
            }
        }
        Ok(orphans)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What time it is for all workers.
async fn database_now(db: &impl ConnectionTrait) -> Result<UnixMillis, StoreError> {
    let backend = db.get_database_backend();
    let query = match backend {
        DbBackend::Postgres => {
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now"
        }
        _ => "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now",
    };
    let row = db
        .query_one_raw(Statement::from_string(backend, query))
        .await?;
    match row {
        Some(row) => Ok(row.try_get("", "now")?),
        None => Ok(super::now()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::{monitor_imports::NewImport, test_database::TestDatabase};

    const LEASE: Duration = Duration::from_secs(60);

    async fn store() -> (TestDatabase, Store) {
        let database = TestDatabase::create().await;
        let store = Store::open(&database.url).await.unwrap();
        (database, store)
    }

    #[tokio::test]
    async fn the_database_s_clock_goes_right() {
        let (_database, store) = store().await;
        let apart = database_now(&store.db).await.unwrap() - super::super::now();
        assert!(apart.abs() < 5_000, "{apart} ms apart");
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL: scripts/test.sh starts one"]
    async fn of_many_workers_one_gets_an_import_until_its_lease_ends() {
        let (_database, store) = store().await;
        let new = NewImport {
            id: "a".to_owned(),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        let workers: Vec<_> = (0..8).map(|_| WorkerId::new()).collect();
        let claims = workers
            .iter()
            .map(|worker| store.claim_monitor_import("a", worker, LEASE));
        let claimed = futures::future::join_all(claims).await;
        let winners: Vec<_> = claimed
            .into_iter()
            .zip(&workers)
            .filter(|(claimed, _)| *claimed.as_ref().unwrap())
            .map(|(_, worker)| worker)
            .collect();
        assert_eq!(winners.len(), 1);
        assert!(store.orphaned_monitor_imports().await.unwrap().is_empty());
        assert!(store.is_leased("a").await.unwrap());

        // Its worker dies: the lease is not renewed and ends.
        store
            .renew_leases(winners[0], Duration::ZERO)
            .await
            .unwrap();
        assert_eq!(store.orphaned_monitor_imports().await.unwrap().len(), 1);
        let next = WorkerId::new();
        assert!(store.claim_monitor_import("a", &next, LEASE).await.unwrap());
        assert!(
            !store
                .claim_monitor_import("a", winners[0], LEASE)
                .await
                .unwrap()
        );

        // Or it gives the import back.
        store.release_monitor_import("a", &next).await.unwrap();
        assert!(
            store
                .claim_monitor_import("a", winners[0], LEASE)
                .await
                .unwrap()
        );
    }
}
