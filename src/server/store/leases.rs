//! Which worker is at which import: leases that end by themselves when their worker dies.
//!
//! The time is the database's, so that workers need not agree on one. A SQLite file belongs to one
//! process, which needs no leases: there everything is free for it.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Statement, TransactionTrait,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, OnConflict},
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
    /// Whether somebody wants it no more.
    pub(crate) cancel_wanted: bool,
}

/// What a worker gets that asks for an import.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Claim {
    /// The import.
    Mine,
    /// The import, which somebody wants no more.
    Unwanted,
    /// Nothing: another worker is at it, it is over, or so many of its user run already.
    Refused,
}

impl Store {
    /// Returns whether several processes may work on this database.
    pub(crate) fn has_workers(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }

    /// Takes an unfinished import for a worker, for as long as `lease`, unless another worker's lease
    /// holds, or workers are at `per_user` imports of its user already.
    pub(crate) async fn claim_monitor_import(
        &self,
        id: &str,
        worker: &WorkerId,
        lease: Duration,
        per_user: usize,
    ) -> Result<Claim, StoreError> {
        if !self.has_workers() {
            let unwanted = monitor_import::Entity::find_by_id(id)
                .filter(monitor_import::Column::CancelWanted.eq(true))
                .count(&self.db)
                .await?;
            return Ok(if unwanted > 0 {
                Claim::Unwanted
            } else {
                Claim::Mine
            });
        }
        let transaction = self.db.begin().await?;
        // A row that somebody else has locked is one that somebody else works at.
        let free = monitor_import::Entity::find_by_id(id)
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .one(&transaction)
            .await?;
        let Some(import) = free else {
            transaction.rollback().await?;
            return Ok(Claim::Refused);
        };
        let owner = import.owner.unwrap_or_default();
        // Who counts a user's imports does so alone.
        transaction
            .execute_raw(Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT pg_advisory_xact_lock($1, hashtext($2))",
                [OWNER_LOCK.into(), owner.clone().into()],
            ))
            .await?;
        let now = database_now(&transaction).await?;
        let held = monitor_lease::Entity::find()
            .filter(monitor_lease::Column::Until.gt(now))
            .all(&transaction)
            .await?;
        let is_held = held
            .iter()
            .any(|lease| lease.import_id == id && lease.worker != worker.as_str());
        let others = held
            .into_iter()
            .map(|lease| lease.import_id)
            .filter(|held| held != id);
        let theirs = monitor_import::Entity::find()
            .filter(monitor_import::Column::Id.is_in(others))
            .filter(
                Expr::col(monitor_import::Column::Owner)
                    .if_null("")
                    .eq(owner),
            )
            .count(&transaction)
            .await?;
        let is_many = theirs >= per_user as u64 && !import.cancel_wanted;
        if is_held || is_many {
            transaction.rollback().await?;
            return Ok(Claim::Refused);
        }
        let until = now.saturating_add(millis(lease));
        write_lease(&transaction, id, worker, until).await?;
        transaction.commit().await?;
        Ok(if import.cancel_wanted {
            Claim::Unwanted
        } else {
            Claim::Mine
        })
    }

    /// Notes that a worker has the file of an import that nobody is at, and will get to it: another one
    /// need not give it up for lost.
    pub(crate) async fn wait_for_monitor_import(
        &self,
        id: &str,
        worker: &WorkerId,
    ) -> Result<(), StoreError> {
        let transaction = self.db.begin().await?;
        let free = monitor_import::Entity::find_by_id(id)
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .one(&transaction)
            .await?;
        let now = database_now(&transaction).await?;
        let held = monitor_lease::Entity::find_by_id(id)
            .filter(monitor_lease::Column::Until.gt(now))
            .one(&transaction)
            .await?;
        if free.is_some() && held.is_none() {
            write_lease(&transaction, id, worker, now).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Records that somebody wants an import no more, for whoever is at it or comes to it.
    pub(crate) async fn want_monitor_import_cancelled(&self, id: &str) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::CancelWanted, Expr::value(true))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Lists the imports that a worker is at and that somebody wants no more.
    pub(crate) async fn unwanted_monitor_imports(
        &self,
        worker: &WorkerId,
    ) -> Result<Vec<String>, StoreError> {
        let mine = monitor_lease::Entity::find()
            .select_only()
            .column(monitor_lease::Column::ImportId)
            .filter(monitor_lease::Column::Worker.eq(worker.as_str()))
            .into_query();
        Ok(monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(monitor_import::Column::Id.in_subquery(mine))
            .filter(monitor_import::Column::CancelWanted.eq(true))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .into_tuple()
            .all(&self.db)
            .await?)
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

    /// Gives an import back. Of one that is not over it stays known since when nobody is at it.
    pub(crate) async fn release_monitor_import(
        &self,
        id: &str,
        worker: &WorkerId,
    ) -> Result<(), StoreError> {
        let now = database_now(&self.db).await?;
        monitor_lease::Entity::update_many()
            .col_expr(monitor_lease::Column::Until, Expr::value(now))
            .filter(monitor_lease::Column::ImportId.eq(id))
            .filter(monitor_lease::Column::Worker.eq(worker.as_str()))
            .exec(&self.db)
            .await?;
        let unfinished = monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .into_query();
        monitor_lease::Entity::delete_by_id(id)
            .filter(monitor_lease::Column::Worker.eq(worker.as_str()))
            .filter(monitor_lease::Column::ImportId.not_in_subquery(unfinished))
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
            let cancel_wanted = row.cancel_wanted;
            let import = MonitorImport::try_from(row)?;
            let since = until(&import.id).unwrap_or(import.created_at);
            if since <= now {
                orphans.push(Orphan {
                    import,
                    alone_for: now - since,
                    cancel_wanted,
                });
            }
        }
        Ok(orphans)
    }
}

/// Names our locks of users among a PostgreSQL database's advisory locks.
const OWNER_LOCK: i32 = 0x696d_706f;

async fn write_lease(
    db: &impl ConnectionTrait,
    id: &str,
    worker: &WorkerId,
    until: UnixMillis,
) -> Result<(), StoreError> {
    let lease = monitor_lease::ActiveModel {
        import_id: Set(id.to_owned()),
        worker: Set(worker.as_str().to_owned()),
        until: Set(until),
    };
    monitor_lease::Entity::insert(lease)
        .on_conflict(
            OnConflict::column(monitor_lease::Column::ImportId)
                .update_columns([monitor_lease::Column::Worker, monitor_lease::Column::Until])
                .to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    Ok(())
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

    async fn add(store: &Store, id: &str, owner: Option<&str>) {
        let new = NewImport {
            id: id.to_owned(),
            owner: owner.map(str::to_owned),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
    }

    async fn claim(store: &Store, id: &str, worker: &WorkerId) -> Claim {
        store
            .claim_monitor_import(id, worker, LEASE, 2)
            .await
            .unwrap()
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL: scripts/test.sh starts one"]
    async fn of_many_workers_one_gets_an_import_until_its_lease_ends() {
        let (_database, store) = store().await;
        add(&store, "a", None).await;
        let workers: Vec<_> = (0..8).map(|_| WorkerId::new()).collect();
        let claims = workers.iter().map(|worker| claim(&store, "a", worker));
        let claimed = futures::future::join_all(claims).await;
        let winners: Vec<_> = claimed
            .into_iter()
            .zip(&workers)
            .filter(|(claimed, _)| *claimed == Claim::Mine)
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
        assert_eq!(claim(&store, "a", &next).await, Claim::Mine);
        assert_eq!(claim(&store, "a", winners[0]).await, Claim::Refused);

        // Or it gives the import back, which has then been alone from that moment only.
        store.release_monitor_import("a", &next).await.unwrap();
        let orphans = store.orphaned_monitor_imports().await.unwrap();
        assert!(orphans[0].alone_for < 10_000, "{orphans:?}");
        assert_eq!(claim(&store, "a", winners[0]).await, Claim::Mine);
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL: scripts/test.sh starts one"]
    async fn all_workers_together_are_at_so_many_imports_of_a_user() {
        let (_database, store) = store().await;
        let mut ids = Vec::new();
        for owner in [Some("ada"), None] {
            for number in 0..4 {
                let id = format!("{owner:?}{number}");
                add(&store, &id, owner).await;
                ids.push(id);
            }
        }
        let workers: Vec<_> = ids.iter().map(|_| WorkerId::new()).collect();
        let claims = ids.iter().zip(&workers);
        let claims = claims.map(|(id, worker)| claim(&store, id, worker));
        let claimed = futures::future::join_all(claims).await;
        for of_one in claimed.chunks(4) {
            let mine = of_one.iter().filter(|claim| **claim == Claim::Mine);
            assert_eq!(mine.count(), 2, "{claimed:?}");
        }
        // One ends, and another one of its user may run.
        let first = claimed.iter().position(|claim| *claim == Claim::Mine);
        let first = first.unwrap();
        store
            .release_monitor_import(&ids[first], &workers[first])
            .await
            .unwrap();
        let waiting = claimed.iter().position(|claim| *claim == Claim::Refused);
        let waiting = waiting.unwrap();
        let claimed = claim(&store, &ids[waiting], &workers[waiting]).await;
        assert_eq!(claimed, Claim::Mine);
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL: scripts/test.sh starts one"]
    async fn an_import_that_is_unwanted_is_so_to_whoever_is_at_it_or_comes_to_it() {
        let (_database, store) = store().await;
        let (one, other) = (WorkerId::new(), WorkerId::new());
        add(&store, "a", None).await;
        assert_eq!(claim(&store, "a", &one).await, Claim::Mine);
        let unwanted = async |worker| store.unwanted_monitor_imports(worker).await.unwrap();
        assert!(unwanted(&one).await.is_empty());
        store.want_monitor_import_cancelled("a").await.unwrap();
        assert_eq!(unwanted(&one).await, ["a"]);
        assert!(unwanted(&other).await.is_empty());
        store.release_monitor_import("a", &one).await.unwrap();
        assert_eq!(claim(&store, "a", &other).await, Claim::Unwanted);
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL: scripts/test.sh starts one"]
    async fn an_import_that_a_worker_waits_for_is_not_long_alone_and_still_anybody_s() {
        let (_database, store) = store().await;
        let (waiting, other) = (WorkerId::new(), WorkerId::new());
        add(&store, "a", None).await;
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::CreatedAt, Expr::value(0_i64))
            .exec(&store.db)
            .await
            .unwrap();
        let alone = async || store.orphaned_monitor_imports().await.unwrap()[0].alone_for;
        assert!(alone().await > 60_000);
        store.wait_for_monitor_import("a", &waiting).await.unwrap();
        assert!(alone().await < 60_000);
        assert_eq!(claim(&store, "a", &other).await, Claim::Mine);
        // What is taken is not taken away by waiting for it.
        store.wait_for_monitor_import("a", &waiting).await.unwrap();
        assert_eq!(claim(&store, "a", &waiting).await, Claim::Refused);
    }
}
