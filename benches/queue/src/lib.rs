//! External queue engines, tested against the requirements of the import queue: see docs/scale.md, "Why the queue is
//! our own". The tests show what each engine does; `run.sh` runs them on SQLite and PostgreSQL.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use apalis::prelude::{
    BackendExt, BoxDynError, Monitor, ParallelizeExt, TaskBuilder, TaskSink, WorkerBuilder,
    WorkerBuilderExt,
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

/// Timeout of expected events.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Minimum time after which apalis takes a worker for dead: it counts in whole seconds.
pub const DEAD_AFTER: Duration = Duration::from_secs(3);

/// A waiting import, as stored by the engine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Import {
    pub id: String,
    pub owner: String,
}

/// A worker's handler.
pub type Run = Arc<dyn Fn(Import) -> BoxFuture<'static, Result<(), BoxDynError>> + Send + Sync>;

/// A worker's settings.
#[derive(Clone, Copy)]
pub struct Setup {
    pub slots: usize,
    pub batch: usize,
    /// Whether a run is a separate task that outlives its worker, like a process cut off from its database.
    pub outlives: bool,
}

impl Setup {
    /// Returns settings of a worker that claims no more than it has slots for.
    pub fn slots(slots: usize) -> Self {
        Self {
            slots,
            batch: 1,
            outlives: false,
        }
    }
}

/// apalis on a database.
pub trait Engine: Clone + Send + Sync + 'static {
    /// The engine's table of jobs.
    const JOBS: &'static str;

    fn fresh() -> impl Future<Output = Self>;
    fn push(&self, queue: &str, import: Import) -> impl Future<Output = ()>;
    /// Adds a job under a unique key. Returns whether the engine reports no error.
    fn push_once(&self, queue: &str, key: &str, import: Import) -> impl Future<Output = bool>;
    /// Starts a named worker; abort the task to kill it.
    fn work(
        &self,
        name: &str,
        queue: &str,
        setup: Setup,
        run: Run,
    ) -> JoinHandle<Result<(), String>>;
    fn number(&self, sql: &str) -> impl Future<Output = i64> + Send;
    /// Returns the number of changed rows.
    fn execute(&self, sql: &str) -> impl Future<Output = u64> + Send;

    /// Returns the number of jobs that match a condition.
    fn jobs(&self, condition: &str) -> impl Future<Output = i64> {
        let sql = format!("SELECT count(*) FROM {} WHERE {condition}", Self::JOBS);
        async move { self.number(&sql).await }
    }
}

macro_rules! engine {
    ($engine:ident, $storage:ident, $pool:ty, $config:ty, $jobs:literal) => {
        impl Engine for $engine {
            const JOBS: &'static str = $jobs;

            async fn fresh() -> Self {
                let fresh = Self::empty().await;
                $storage::migrations().run(&fresh.pool).await.unwrap();
                fresh
            }

            async fn push(&self, queue: &str, import: Import) {
                let config = <$config>::default().queue(queue);
                let mut storage = $storage::<Import>::new(&self.pool).with_config(config);
                storage.push(import).await.unwrap();
            }

            async fn push_once(&self, queue: &str, key: &str, import: Import) -> bool {
                let config = <$config>::default().queue(queue);
                let mut storage = $storage::<Import>::new(&self.pool).with_config(config);
                let task = TaskBuilder::new(import).idempotency_key(key).build();
                storage.push_task(task).await.is_ok()
            }

            fn work(
                &self,
                name: &str,
                queue: &str,
                setup: Setup,
                run: Run,
            ) -> JoinHandle<Result<(), String>> {
                let config = <$config>::default()
                    .queue(queue)
                    .batch_size(setup.batch)
                    .heartbeat_interval(Duration::from_secs(1))
                    .missed_heartbeats(DEAD_AFTER.as_secs() as usize);
                let storage = $storage::<Import>::new(&self.pool)
                    .with_config(config)
                    .poll_with_interval(Duration::from_millis(100));
                let name = name.to_owned();
                let handler = move |import: Import| run(import);
                let worker = move |_| {
                    WorkerBuilder::new(name.as_str())
                        .backend(storage.clone())
                        .concurrency(setup.slots)
                };
                let monitor = if setup.outlives {
                    Monitor::new().register(move |index| {
                        let worker = worker(index).parallelize(tokio::spawn);
                        worker.build(handler.clone())
                    })
                } else {
                    Monitor::new().register(move |index| worker(index).build(handler.clone()))
                };
                let working = monitor.should_restart(|_, _| false).run();
                tokio::spawn(async move { working.await.map_err(|error| format!("{error:?}")) })
            }

            async fn number(&self, sql: &str) -> i64 {
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
            }

            async fn execute(&self, sql: &str) -> u64 {
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                let done = sqlx::query(sql).execute(&self.pool).await.unwrap();
                done.rows_affected()
            }
        }
    };
}

use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;

/// apalis on a SQLite file.
#[derive(Clone)]
pub struct Sqlite {
    pub pool: sqlx::SqlitePool,
    pub file: Arc<tempfile::TempPath>,
}

impl Sqlite {
    async fn empty() -> Self {
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&file)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(2));
        let pool = sqlx::sqlite::SqlitePoolOptions::new()
            .max_connections(8)
            .connect_with(options)
            .await
            .unwrap();
        Self {
            pool,
            file: Arc::new(file),
        }
    }
}

engine!(
    Sqlite,
    SqliteStorage,
    sqlx::SqlitePool,
    apalis_sqlite::Config,
    "Jobs"
);

/// apalis on a PostgreSQL database of its own.
#[derive(Clone)]
pub struct Postgres {
    pub pool: sqlx::PgPool,
    pub name: String,
}

impl Postgres {
    pub async fn empty() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let server = server();
        let name = format!(
            "q{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::SeqCst)
        );
        let admin = admin().await;
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(sql).execute(&admin).await.unwrap();
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(5))
            .connect(&format!("{server}/{name}"))
            .await
            .unwrap();
        Self { pool, name }
    }
}

engine!(
    Postgres,
    PostgresStorage,
    sqlx::PgPool,
    apalis_postgres::Config,
    "apalis.jobs"
);

/// Returns the URL of the PostgreSQL server started by `run.sh`.
pub fn server() -> String {
    std::env::var("IMPORT_RELAY_POSTGRES").expect("IMPORT_RELAY_POSTGRES is set: run.sh")
}

/// Connects to the server's own database.
pub async fn admin() -> sqlx::PgPool {
    let address = format!("{}/postgres", server());
    sqlx::PgPool::connect(&address).await.unwrap()
}

/// Creates an import.
pub fn import(owner: &str, number: usize) -> Import {
    Import {
        id: format!("{owner}{number}"),
        owner: owner.to_owned(),
    }
}

/// Waits for a condition. Returns the time it took.
pub async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < DEADLINE, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// Imports that run until released, as seen from outside the engine.
#[derive(Clone, Default)]
pub struct Runs {
    running: Arc<Mutex<BTreeMap<String, usize>>>,
    begun: Arc<AtomicUsize>,
    open: Arc<tokio::sync::Notify>,
}

/// A run; ends on drop.
struct Running(Runs, String);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap().get_mut(&self.1).unwrap() -= 1;
    }
}

impl Runs {
    /// Returns the handler.
    pub fn run(&self) -> Run {
        let runs = self.clone();
        Arc::new(move |import| {
            let runs = runs.clone();
            Box::pin(async move {
                let open = runs.open.clone();
                *runs
                    .running
                    .lock()
                    .unwrap()
                    .entry(import.id.clone())
                    .or_default() += 1;
                runs.begun.fetch_add(1, Ordering::SeqCst);
                let _running = Running(runs, import.id);
                open.notified().await;
                Ok(())
            })
        })
    }

    /// Lets an import end.
    pub fn end_one(&self) {
        self.open.notify_one();
    }

    /// Returns how often an import was started.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Returns the number of running imports of an owner.
    pub fn of(&self, owner: &str) -> usize {
        let running = self.running.lock().unwrap();
        let theirs = running.iter().filter(|(id, _)| id.starts_with(owner));
        theirs.map(|(_, times)| times).sum()
    }
}
