//! What graphile_worker 0.14 does. It needs PostgreSQL, so it cannot serve the SQLite file.

use std::{sync::OnceLock, time::Duration};

use graphile_worker::{
    IntoTaskHandlerResult, JobSpecBuilder, TaskHandler, WorkerContext, WorkerOptions,
};
use queue_engines::{Import, Postgres, Runs, import, until};
use serde::{Deserialize, Serialize};

/// Handlers get nothing but database and worker.
static RUNS: OnceLock<Runs> = OnceLock::new();

#[derive(Deserialize, Serialize)]
struct Job(Import);

impl TaskHandler for Job {
    const IDENTIFIER: &'static str = "import";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        let run = RUNS.get_or_init(Runs::default).run();
        run(self.0).await.map_err(|error| error.to_string())
    }
}

/// Required: two at once per user. Observed: one at once (a queue with the user's name), or any number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_with_a_user_s_name_runs_one_import_at_a_time_and_none_runs_all() {
    let database = Postgres::empty().await;
    let runs = RUNS.get_or_init(Runs::default);
    let worker = WorkerOptions::default()
        .concurrency(6)
        .poll_interval(Duration::from_millis(100))
        .define_job::<Job>()
        .pg_pool(database.pool.clone())
        .init()
        .await
        .unwrap();
    let jobs = worker.create_utils();
    for number in 0..3 {
        let queue = JobSpecBuilder::new().queue_name("ada").build();
        jobs.add_job(Job(import("ada", number)), queue)
            .await
            .unwrap();
        let none = JobSpecBuilder::new().build();
        jobs.add_job(Job(import("eve", number)), none)
            .await
            .unwrap();
    }
    let working = tokio::spawn(async move { worker.run().await.map_err(|e| e.to_string()) });
    until("the others run", || async {
        runs.of("eve") == 3 && runs.of("ada") == 1
    })
    .await;
    // Two slots are free, and polled several times.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((runs.of("ada"), runs.begun()), (1, 4));
    working.abort();
}
