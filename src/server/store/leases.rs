//! Leases: which worker runs which import, and which import is next.
//!
//! Workers announce the *directory* they serve. An import *runs* while a worker's lease holds; workers renew leases of
//! running imports only, so the lease of a dead worker expires. Other unfinished imports *wait*, unreserved.
//!
//! Leases do not protect products: a commit is rejected unless it continues at the import's position. The database's
//! clock is used.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{monitor_directory, monitor_import, monitor_lease},
};
use crate::model::job::{ImportStatus, UnixMillis};

/// Time without a worker of a directory after which its imports fail.
const LOST_AFTER: UnixMillis = 10 * 60 * 1000;

const UNPLACED_AT_ONCE: u64 = 500;

const QUEUE_LOCK: i64 = 0x696d_706f_7175_6575;

const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

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
                NOW.replace("clock_timestamp", "statement_timestamp")
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

    /// Claims the oldest waiting import that this worker may run: its file is here or lost, and its user is below the
    /// limit. Any worker may claim a cancelled one. `but_not`: imports this process still works on.
    pub(crate) async fn claim_next_monitor_import(
        &self,
        worker: &Worker,
        but_not: &[String],
    ) -> Result<Option<Claimed>, StoreError> {
        // Most polls find nothing, with one query.
        let now = worker.now_in_sql(self.db.get_database_backend());
        if next(&self.db, worker, but_not, &now, false)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let transaction = self.begin_to_claim().await?;
        let now = worker.now(&transaction).await?;
        let claimed = next(&transaction, worker, but_not, &now.to_string(), true).await?;
        let Some(claimed) = claimed else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let until = now.saturating_add(millis(worker.lease));
        let lease = monitor_lease::ActiveModel {
            import_id: Set(claimed.id.clone()),
            worker: Set(worker.name.clone()),
            until: Set(until),
        };
        monitor_lease::Entity::insert(lease)
            .on_conflict(
                OnConflict::column(monitor_lease::Column::ImportId)
                    .update_columns([monitor_lease::Column::Worker, monitor_lease::Column::Until])
                    .to_owned(),
            )
            .exec_without_returning(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(claimed))
    }

    /// Excludes concurrent claims, because each counts running imports.
    async fn begin_to_claim(&self) -> Result<sea_orm::DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.db.begin_with_options(options).await?;
        if self.has_workers() {
            let lock = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT pg_advisory_xact_lock($1)",
                [QUEUE_LOCK.into()],
            );
            transaction.execute_raw(lock).await?;
        }
        Ok(transaction)
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

    /// Counted from 1; `None` if it does not wait.
    pub(crate) async fn place_of_monitor_import(
        &self,
        worker: &Worker,
        id: &str,
    ) -> Result<Option<u64>, StoreError> {
        let now = worker.now(&self.db).await?;
        let backend = self.db.get_database_backend();
        let waits = "w.status = 'PENDING' AND w.needs IS NULL AND NOT EXISTS \
             (SELECT 1 FROM monitor_leases l WHERE l.import_id = w.id AND l.until > $1)";
        let sql = format!(
            "SELECT COUNT(*) AS place FROM monitor_imports w, monitor_imports i \
             WHERE i.id = $2 AND {waits} AND {} \
             AND (w.created_at < i.created_at OR (w.created_at = i.created_at AND w.id <= i.id))",
            waits.replace("w.", "i.")
        );
        let values: [Value; 2] = [now.into(), id.into()];
        let row = self
            .db
            .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        let place: i64 = row.map_or(Ok(0), |row| row.try_get("", "place"))?;
        Ok(u64::try_from(place).ok().filter(|place| *place > 0))
    }

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

/// `now` is part of the statement.
async fn next(
    db: &impl ConnectionTrait,
    worker: &Worker,
    but_not: &[String],
    now: &str,
    lock: bool,
) -> Result<Option<Claimed>, StoreError> {
    let backend = db.get_database_backend();
    let mut values: Vec<Value> = vec![
        worker.directory.as_str().into(),
        i64::try_from(worker.per_user).unwrap_or(i64::MAX).into(),
    ];
    let mut others = String::new();
    for id in but_not {
        values.push(id.as_str().into());
        others.push_str(&format!(" AND i.id <> ${}", values.len()));
    }
    // Skips rows that another worker has locked.
    let locking = match backend {
        DbBackend::Postgres if lock => " FOR UPDATE OF i SKIP LOCKED",
        _ => "",
    };
    let sql = format!(
        "WITH busy AS ( \
           SELECT COALESCE(o.owner, '') AS owner FROM monitor_leases r \
           JOIN monitor_imports o ON o.id = r.import_id \
           WHERE r.until > {now} AND o.status = 'PENDING' \
           GROUP BY COALESCE(o.owner, '') HAVING COUNT(*) >= $2 ) \
         SELECT i.id AS id, i.cancel_wanted AS unwanted FROM monitor_imports i \
         LEFT JOIN monitor_directories d ON d.id = i.stored_in \
         WHERE i.status = 'PENDING' \
         AND NOT EXISTS (SELECT 1 FROM monitor_leases l WHERE l.import_id = i.id AND l.until > {now}) \
         AND (i.cancel_wanted OR ( \
           i.needs IS NULL \
           AND (i.stored_in = $1 OR COALESCE(d.seen_at, i.created_at) < {now} - {LOST_AFTER}) \
           AND COALESCE(i.owner, '') NOT IN (SELECT owner FROM busy) )) \
         {others} ORDER BY i.created_at, i.id LIMIT 1{locking}"
    );
    let row = db
        .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claimed {
        id: row.try_get("", "id")?,
        is_unwanted: row.try_get("", "unwanted")?,
    }))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(super) async fn database_now(db: &impl ConnectionTrait) -> Result<UnixMillis, StoreError> {
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        return Ok(super::now());
    }
    let query = format!("SELECT {NOW} AS now");
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
    use std::{
        collections::BTreeMap,
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
    };

    use proptest::prelude::*;

    use super::*;
    use crate::server::store::{monitor_imports::NewImport, test_database::TestDatabase};

    const LEASE: Duration = Duration::from_secs(15);
    const PER_USER: usize = 2;

    fn worker(directory: &str) -> Worker {
        Worker::new(directory, PER_USER, LEASE)
    }

    async fn add(store: &Store, id: &str, owner: Option<&str>, directory: &str) {
        let new = NewImport {
            id: id.to_owned(),
            owner: owner.map(str::to_owned),
            stored_in: Some(directory.to_owned()),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
    }

    async fn claim(store: &Store, worker: &Worker) -> Option<String> {
        let claimed = store.claim_next_monitor_import(worker, &[]).await.unwrap();
        claimed.map(|claimed| claimed.id)
    }

    #[tokio::test]
    async fn the_database_s_clock_goes_right() {
        let (_database, store) = TestDatabase::opened().await;
        let apart = database_now(&store.db).await.unwrap() - super::super::now();
        assert!(apart.abs() < 5_000, "{apart} ms apart");
    }

    #[tokio::test]
    async fn of_many_workers_at_once_each_import_has_one_and_each_user_as_many_as_may_run() {
        let (_database, store) = TestDatabase::opened().await;
        for owner in [Some("ada"), None] {
            for number in 0..6 {
                add(&store, &format!("{owner:?}{number}"), owner, "d").await;
            }
        }
        let workers: Vec<_> = (0..12).map(|_| worker("d")).collect();
        let claims = workers.iter().map(|worker| claim(&store, worker));
        let mut claimed: Vec<_> = futures::future::join_all(claims)
            .await
            .into_iter()
            .flatten()
            .collect();
        claimed.sort();
        assert_eq!(
            claimed,
            ["None0", "None1", "Some(\"ada\")0", "Some(\"ada\")1"]
        );
    }

    #[tokio::test]
    async fn waiting_for_an_import_is_not_running_it_however_long_it_waits() {
        let (_database, store) = TestDatabase::opened().await;
        let time = Arc::new(AtomicI64::new(super::super::now()));
        let [one, other] = [worker("d"), worker("d")].map(|worker| Worker {
            clock: Clock::Set(time.clone()),
            ..worker
        });
        for number in 0..16 {
            add(&store, &format!("{number:02}"), Some("ada"), "d").await;
        }
        let mut done = Vec::new();
        let mut running: Vec<(usize, String)> = Vec::new();
        while done.len() < 16 {
            for (index, worker) in [&one, &other].into_iter().enumerate() {
                while let Some(id) = claim(&store, worker).await {
                    running.push((index, id));
                }
            }
            assert_eq!(running.len(), PER_USER.min(16 - done.len()), "{done:?}");
            // Outlasts a lease, while both renew.
            for _ in 0..20 {
                time.fetch_add(4_000, Ordering::SeqCst);
                for (index, worker) in [&one, &other].into_iter().enumerate() {
                    let mine = running.iter().filter(|(of, _)| *of == index);
                    let mine: Vec<_> = mine.map(|(_, id)| id.clone()).collect();
                    store.renew_leases(worker, &mine).await.unwrap();
                    store.serve_directory(worker).await.unwrap();
                }
            }
            let (index, id) = running.remove(0);
            store
                .finish_monitor_import(&id, ImportStatus::Success, None, None)
                .await
                .unwrap();
            let worker = [&one, &other][index];
            store.release_monitor_import(worker, &id).await.unwrap();
            done.push(id);
        }
        assert!(
            done.is_sorted(),
            "in the order in which they came: {done:?}"
        );
    }

    #[tokio::test]
    async fn an_import_s_place_is_how_many_go_first_whoever_runs_them() {
        let (_database, store) = TestDatabase::opened().await;
        for id in ["a", "b", "c"] {
            add(&store, id, None, "d").await;
        }
        let (one, other) = (worker("d"), worker("e"));
        assert_eq!(claim(&store, &one).await.as_deref(), Some("a"));
        let place = async |id| store.place_of_monitor_import(&other, id).await.unwrap();
        assert_eq!(place("a").await, None);
        assert_eq!(place("b").await, Some(1));
        assert_eq!(place("c").await, Some(2));
        assert_eq!(place("d").await, None);
    }

    #[tokio::test]
    async fn what_is_wanted_no_more_is_known_to_whoever_runs_it_or_comes_to_it() {
        let (_database, store) = TestDatabase::opened().await;
        let (one, other) = (worker("d"), worker("d"));
        add(&store, "a", None, "d").await;
        assert_eq!(claim(&store, &one).await.as_deref(), Some("a"));
        let mine = ["a".to_owned()];
        assert!(store.renew_leases(&one, &mine).await.unwrap().is_empty());
        store.want_monitor_import_cancelled("a").await.unwrap();
        assert!(store.is_leased(&other, "a").await.unwrap());
        assert_eq!(store.renew_leases(&one, &mine).await.unwrap(), ["a"]);
        store.release_monitor_import(&one, "a").await.unwrap();
        let claimed = store.claim_next_monitor_import(&other, &[]).await.unwrap();
        assert_eq!(
            claimed,
            Some(Claimed {
                id: "a".to_owned(),
                is_unwanted: true
            })
        );
    }

    #[tokio::test]
    async fn imports_of_which_nobody_knows_where_their_files_are_are_placed() {
        let (_database, store) = TestDatabase::opened().await;
        let one = worker("d");
        for id in ["a", "b"] {
            let new = NewImport {
                id: id.to_owned(),
                stored_as: format!("{id}.upload"),
                ..NewImport::default()
            };
            store.add_monitor_import(new).await.unwrap();
        }
        assert_eq!(claim(&store, &one).await, None);
        let unplaced = store.unplaced_monitor_imports().await.unwrap();
        assert_eq!(unplaced.len(), 2);
        assert_eq!(unplaced[0].1, format!("{}.upload", unplaced[0].0));
        let placed = ["b".to_owned()];
        store.place_monitor_imports(&one, &placed).await.unwrap();
        assert_eq!(claim(&store, &one).await.as_deref(), Some("b"));
        assert_eq!(store.unplaced_monitor_imports().await.unwrap().len(), 1);
    }

    /// Events; indices are taken modulo the number of workers.
    #[derive(Clone, Debug)]
    enum Step {
        Add {
            owner: usize,
            directory: usize,
        },
        Claim(usize),
        Renew(usize),
        Die(usize),
        /// A worker finishes its nth import.
        Finish(usize, usize),
        /// A worker releases its nth import unfinished.
        Release(usize, usize),
        Cancel(usize),
        Serve(usize),
        Wait(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..3_usize, 0..2_usize).prop_map(|(owner, directory)| Step::Add { owner, directory }),
            6 => (0..4_usize).prop_map(Step::Claim),
            3 => (0..4_usize).prop_map(Step::Renew),
            1 => (0..4_usize).prop_map(Step::Die),
            2 => (0..4_usize, 0..3_usize).prop_map(|(worker, nth)| Step::Finish(worker, nth)),
            1 => (0..4_usize, 0..3_usize).prop_map(|(worker, nth)| Step::Release(worker, nth)),
            1 => (0..20_usize).prop_map(Step::Cancel),
            2 => (0..4_usize).prop_map(Step::Serve),
            2 => prop_oneof![0..5_000_i64, 10_000..40_000_i64, 500_000..700_000_i64].prop_map(Step::Wait),
        ];
        proptest::collection::vec(step, 1..60)
    }

    #[derive(Debug)]
    struct Import {
        owner: usize,
        directory: usize,
        created_at: i64,
        is_over: bool,
        is_unwanted: bool,
    }

    #[derive(Debug, Default)]
    struct Model {
        now: i64,
        imports: BTreeMap<String, Import>,
        /// Process and expiry per import.
        leases: BTreeMap<String, (String, i64)>,
        seen: BTreeMap<usize, i64>,
    }

    impl Model {
        fn holds(&self, id: &str) -> bool {
            self.leases
                .get(id)
                .is_some_and(|(_, until)| *until > self.now)
        }

        fn next(&self, directory: usize, but_not: &[String]) -> Option<String> {
            let theirs = |owner: usize| {
                let runs = |(id, import): &(&String, &Import)| {
                    import.owner == owner && !import.is_over && self.holds(id)
                };
                self.imports.iter().filter(runs).count()
            };
            let may = |(id, import): &(&String, &Import)| {
                let seen = self.seen.get(&import.directory).copied();
                let is_lost = seen.unwrap_or(import.created_at) < self.now - LOST_AFTER;
                !import.is_over
                    && !self.holds(id)
                    && !but_not.contains(id)
                    && (import.is_unwanted
                        || (import.directory == directory || is_lost)
                            && theirs(import.owner) < PER_USER)
            };
            self.imports.iter().find(may).map(|(id, _)| id.clone())
        }
    }

    struct Process {
        worker: Worker,
        running: Vec<String>,
    }

    struct Scene {
        store: Store,
        time: Arc<AtomicI64>,
        model: Model,
        processes: Vec<Process>,
    }

    impl Scene {
        async fn set(store: &Store) -> Self {
            monitor_import::Entity::delete_many()
                .exec(&store.db)
                .await
                .unwrap();
            monitor_directory::Entity::delete_many()
                .exec(&store.db)
                .await
                .unwrap();
            let now = 1_700_000_000_000;
            let mut scene = Self {
                store: store.clone(),
                time: Arc::new(AtomicI64::new(now)),
                model: Model {
                    now,
                    ..Model::default()
                },
                processes: Vec::new(),
            };
            for index in 0..4 {
                let process = scene.process(index);
                scene.processes.push(process);
            }
            scene
        }

        fn process(&self, index: usize) -> Process {
            let worker = Worker {
                clock: Clock::Set(self.time.clone()),
                ..worker(&(index % 2).to_string())
            };
            Process {
                worker,
                running: Vec::new(),
            }
        }

        fn wait(&mut self, millis: i64) {
            self.model.now += millis;
            self.time.store(self.model.now, Ordering::SeqCst);
        }

        async fn claim(&mut self, index: usize) -> Option<String> {
            let Process { worker, running } = &mut self.processes[index];
            let claimed = self
                .store
                .claim_next_monitor_import(worker, running)
                .await
                .unwrap();
            let expected = self.model.next(index % 2, running);
            assert_eq!(
                claimed.as_ref().map(|claimed| &claimed.id),
                expected.as_ref()
            );
            let claimed = claimed?;
            let import = &self.model.imports[&claimed.id];
            assert_eq!(claimed.is_unwanted, import.is_unwanted);
            let until = self.model.now + millis(LEASE);
            self.model
                .leases
                .insert(claimed.id.clone(), (worker.name.clone(), until));
            running.push(claimed.id.clone());
            Some(claimed.id)
        }

        async fn give_back(&mut self, index: usize, nth: usize, finished: bool) {
            let Process { worker, running } = &mut self.processes[index];
            if running.is_empty() {
                return;
            }
            let id = running.remove(nth % running.len());
            if finished {
                let ended = self
                    .store
                    .finish_monitor_import(&id, ImportStatus::Success, None, None)
                    .await
                    .unwrap();
                let import = self.model.imports.get_mut(&id).unwrap();
                assert_eq!(ended.is_some(), !import.is_over, "it ends once");
                import.is_over = true;
            }
            self.store
                .release_monitor_import(worker, &id)
                .await
                .unwrap();
            if self
                .model
                .leases
                .get(&id)
                .is_some_and(|(of, _)| *of == worker.name)
            {
                self.model.leases.remove(&id);
            }
        }

        async fn take(&mut self, step: Step) {
            match step {
                Step::Add { owner, directory } => {
                    let id = format!("{:03}", self.model.imports.len());
                    let owners = [None, Some("ada"), Some("eve")];
                    add(&self.store, &id, owners[owner], &directory.to_string()).await;
                    monitor_import::Entity::update_many()
                        .col_expr(
                            monitor_import::Column::CreatedAt,
                            Expr::value(self.model.now),
                        )
                        .filter(monitor_import::Column::Id.eq(&id))
                        .exec(&self.store.db)
                        .await
                        .unwrap();
                    let import = Import {
                        owner,
                        directory,
                        created_at: self.model.now,
                        is_over: false,
                        is_unwanted: false,
                    };
                    self.model.imports.insert(id, import);
                }
                Step::Claim(index) => drop(self.claim(index).await),
                Step::Renew(index) => {
                    let Process { worker, running } = &self.processes[index];
                    let unwanted = self.store.renew_leases(worker, running).await.unwrap();
                    for id in &unwanted {
                        assert!(self.model.imports[id].is_unwanted && running.contains(id));
                    }
                    let until = self.model.now + millis(LEASE);
                    for id in running {
                        if let Some(lease) = self.model.leases.get_mut(id)
                            && lease.0 == worker.name
                        {
                            lease.1 = until;
                        }
                    }
                }
                Step::Die(index) => self.processes[index] = self.process(index),
                Step::Finish(index, nth) => self.give_back(index, nth, true).await,
                Step::Release(index, nth) => self.give_back(index, nth, false).await,
                Step::Cancel(nth) => {
                    let count = self.model.imports.len().max(1);
                    if let Some((id, import)) = self.model.imports.iter_mut().nth(nth % count) {
                        self.store.want_monitor_import_cancelled(id).await.unwrap();
                        import.is_unwanted |= !import.is_over;
                    }
                }
                Step::Serve(index) => {
                    let worker = &self.processes[index].worker;
                    self.store.serve_directory(worker).await.unwrap();
                    self.model.seen.insert(index % 2, self.model.now);
                }
                Step::Wait(millis) => self.wait(millis),
            }
        }

        /// After any events, live workers finish every import.
        async fn all_end(&mut self) {
            for index in 0..4 {
                self.processes[index] = self.process(index);
            }
            self.wait(millis(LEASE) + 1);
            let unfinished = |model: &Model| model.imports.values().any(|import| !import.is_over);
            while unfinished(&self.model) {
                let mut got_any = false;
                for index in 0..4 {
                    while self.claim(index).await.is_some() {
                        got_any = true;
                    }
                }
                assert!(got_any, "it stands still: {:?}", self.model);
                for index in 0..4 {
                    while !self.processes[index].running.is_empty() {
                        self.give_back(index, 0, true).await;
                    }
                }
            }
        }
    }

    #[test]
    fn whatever_happens_the_queue_gives_what_it_is_to_give_and_comes_to_its_end() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (_database, store) = runtime.block_on(TestDatabase::opened());
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 64,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let outcome = runner.run(&steps(), |steps| {
            runtime.block_on(async {
                let mut scene = Scene::set(&store).await;
                for step in steps {
                    scene.take(step).await;
                }
                scene.all_end().await;
            });
            Ok(())
        });
        outcome.unwrap();
    }
}
