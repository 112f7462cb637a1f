//! apalis-core with a claim of our own meets all requirements of the import queue, because everything is then our own
//! again. The engine provides the polling loop, and ends it at the first error.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use apalis::prelude::{
    BackendExt, Monitor, Task, TaskBuilder, WorkerBuilder, WorkerBuilderExt, WorkerContext,
};
use apalis_core::backend::{
    Backend, BackendConfig,
    finalize::Ephemeral,
    persistence::{Persisted, Persistence, TaskEvent},
};
use queue_engines::{Engine, Import, Runs, Sqlite, until};
use tokio::task::JoinHandle;

const LEASE: i64 = 3;
const PER_USER: i64 = 2;

#[derive(Clone)]
struct Claims {
    db: Sqlite,
}

impl Claims {
    async fn execute(&self, sql: String) -> Result<(), sqlx::Error> {
        let sql = sqlx::AssertSqlSafe(sql);
        sqlx::query(sql).execute(&self.db.pool).await.map(|_| ())
    }
}

impl Persistence for Claims {
    type Compact = Import;
    type Response = ();
    type Error = sqlx::Error;

    async fn register(&mut self, _: &WorkerContext) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn heartbeat(&mut self, worker: &WorkerContext) -> Result<(), sqlx::Error> {
        self.execute(format!(
            "UPDATE leases SET until = unixepoch() + {LEASE} WHERE worker = '{}'",
            worker.name()
        ))
        .await
    }

    async fn fetch_next(
        &mut self,
        worker: &WorkerContext,
    ) -> Result<Vec<Task<Import>>, sqlx::Error> {
        let sql = format!(
            "WITH held AS (SELECT * FROM leases WHERE until > unixepoch()), busy AS ( \
               SELECT owner FROM held JOIN imports ON id = import \
               GROUP BY owner HAVING count(*) >= {PER_USER}) \
             INSERT INTO leases SELECT id, '{}', unixepoch() + {LEASE} FROM imports \
             WHERE id NOT IN (SELECT import FROM held) AND owner NOT IN (SELECT owner FROM busy) \
             ORDER BY id LIMIT 1 \
             ON CONFLICT (import) DO UPDATE SET worker = excluded.worker, until = excluded.until \
             RETURNING import, (SELECT owner FROM imports WHERE id = import)",
            worker.name()
        );
        let claimed: Option<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .fetch_optional(&self.db.pool)
            .await?;
        let task = |(id, owner)| TaskBuilder::new(Import { id, owner }).build();
        Ok(claimed.map(task).into_iter().collect())
    }

    async fn reenqueue_abandoned(
        &mut self,
        _: Vec<Task<Import>>,
        _: &WorkerContext,
    ) -> Result<u64, sqlx::Error> {
        Ok(0)
    }

    async fn handle_events(
        &mut self,
        _: Vec<TaskEvent<()>>,
        _: &WorkerContext,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn push_tasks(&mut self, _: Vec<Task<Import>>) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

#[derive(Clone)]
struct Queue(Persisted<Claims>);

impl Backend for Queue {
    type Task = Task<Import>;
    type Error = sqlx::Error;

    fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Result<(), sqlx::Error>> {
        self.0.poll_ready(cx, worker, Duration::from_secs(1))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Import>, sqlx::Error>>> {
        self.0.poll_next(cx, worker)
    }

    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Result<(), sqlx::Error>> {
        self.0.poll_close(cx, worker)
    }
}

impl BackendConfig for Queue {
    type Args = Import;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = tower_layer::Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> tower_layer::Identity {
        tower_layer::Identity::new()
    }
}

/// Starts a worker, which deletes finished jobs.
fn work(db: &Sqlite, name: &str, runs: &Runs) -> JoinHandle<Result<(), String>> {
    let claims = Claims { db: db.clone() };
    let queue = Queue(Persisted::new(claims.clone()));
    let (run, name) = (runs.run(), name.to_owned());
    let working = Monitor::new().register(move |_| {
        let (run, claims) = (run.clone(), claims.clone());
        WorkerBuilder::new(name.as_str())
            .backend(queue.clone().poll_with_interval(Duration::from_millis(100)))
            .concurrency(4)
            .build(move |import: Import| {
                let (run, claims) = (run.clone(), claims.clone());
                async move {
                    let id = import.id.clone();
                    run(import).await?;
                    for (table, column) in [("imports", "id"), ("leases", "import")] {
                        let sql = format!("DELETE FROM {table} WHERE {column} = '{id}'");
                        claims.execute(sql).await?;
                    }
                    Ok::<_, apalis::prelude::BoxDynError>(())
                }
            })
    });
    let working = working.should_restart(|_, _| false).run();
    tokio::spawn(async move { working.await.map_err(|error| format!("{error:?}")) })
}

async fn imports() -> Sqlite {
    let db = Sqlite::fresh().await;
    for sql in [
        "CREATE TABLE imports (id TEXT PRIMARY KEY, owner TEXT NOT NULL)",
        "CREATE TABLE leases (import TEXT PRIMARY KEY, worker TEXT NOT NULL, until INTEGER NOT NULL)",
        "INSERT INTO imports VALUES ('ada0', 'ada'), ('ada1', 'ada'), ('ada2', 'ada'), ('eve0', 'eve')",
    ] {
        db.execute(sql).await;
    }
    db
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_of_each_user_holds_over_all_workers_whoever_dies() {
    let db = imports().await;
    let runs = Runs::default();
    let one = work(&db, "one", &runs);
    until("all run that may", || async {
        (runs.of("ada"), runs.of("eve")) == (2, 1)
    })
    .await;
    let other = work(&db, "other", &runs);
    // Several polls, and two renewals.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((runs.of("ada"), runs.of("eve"), runs.begun()), (2, 1, 3));
    one.abort();
    until("they are taken over", || async { runs.begun() == 6 }).await;
    assert_eq!((runs.of("ada"), runs.of("eve")), (2, 1));
    for _ in 0..3 {
        runs.end_one();
    }
    until("the last runs", || async { runs.of("ada") == 1 }).await;
    runs.end_one();
    until("all is over", || async {
        db.number("SELECT count(*) FROM imports").await == 0
    })
    .await;
    other.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_locked_for_a_moment_ends_the_worker_and_its_imports_all_the_same() {
    let db = imports().await;
    let runs = Runs::default();
    let worker = work(&db, "one", &runs);
    until("they run", || async { runs.of("ada") == 2 }).await;
    let mut lock = db.pool.acquire().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *lock)
        .await
        .unwrap();
    until("the worker is gone", || async { worker.is_finished() }).await;
    sqlx::query("ROLLBACK").execute(&mut *lock).await.unwrap();
    assert_eq!(runs.of("ada"), 0, "its imports were dropped");
}
