//! More imports than can run, on one database: none is lost when workers die, and waiting costs nothing.

use std::{fmt::Write as _, time::Duration};

use reqwest::multipart;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::Value;
use tokio::time::Instant;

use super::counting_proxy::CountingProxy;
use crate::support::{
    cluster::worker_name,
    monitor::{Monitor, eventually},
    process::{self, Directory, Process},
};

const KEY: &str = "the-key-of-the-workers";
fn list(name: &str, rows: usize) -> String {
    let mut text = "sku,name,price\n".to_owned();
    for row in 0..rows {
        writeln!(text, "{name}-{row},N,1").unwrap();
    }
    text
}

async fn number(db: &DatabaseConnection, query: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, query);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn imports_of_one_user_that_have_waited_for_minutes_all_end() {
    let mut one = Monitor::start_paused().await;
    // More than may run, and than two workers have slots for.
    let mut ids = Vec::new();
    for number in 0..10 {
        let file = list(&format!("w{number}"), 10_000);
        ids.push(one.accepted_of("ada", file).await);
    }
    // As if they had waited for long.
    let db = Database::connect(&one.database).await.unwrap();
    db.execute_unprepared("UPDATE monitor_imports SET created_at = created_at - 300000")
        .await
        .unwrap();
    one.rows_per_second = None;
    one.restart().await;
    let other = one.beside().await;
    let mut most = 0;
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let now = "EXTRACT(EPOCH FROM clock_timestamp()) * 1000";
        let running = format!(
            "SELECT count(*) AS n FROM monitor_leases JOIN monitor_imports ON id = import_id \
             WHERE until > {now} AND status = 'PENDING'"
        );
        most = most.max(number(&db, &running).await);
        let left = "SELECT count(*) AS n FROM monitor_imports WHERE status = 'PENDING'";
        let left = number(&db, left).await;
        if left == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{left} imports still wait");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!((1..=2).contains(&most), "{most} of one user ran at once");
    for id in ids {
        assert_eq!(one.finished(&id).await["processedProducts"], 10_000);
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn what_waits_is_cancelled_and_deleted_by_way_of_any_worker() {
    let one = Monitor::start_paused().await;
    let other = one.beside().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let file = list(&format!("c{number}"), 10_000);
        ids.push(one.accepted_of("ada", file).await);
    }
    let path = |id: &str| format!("/api/products/imports/{id}");
    let waiting = ids.last().unwrap();
    let state = other.get(&path(waiting)).await;
    assert!(state["queuePosition"].as_u64() >= Some(1), "{state}");
    let asked = other
        .post(&format!("{}/cancel", path(waiting)))
        .send()
        .await;
    assert_eq!(asked.unwrap().status(), 202);
    let ended = eventually("it is cancelled", async || {
        let import = one.store.monitor_import(waiting).await.unwrap().unwrap();
        import.error.filter(|_| import.status.is_final())
    });
    let error = ended.await;
    assert_eq!(error.code(), Some("cancelled-before"));
    let gone = other
        .http
        .delete(other.url(&path(waiting)))
        .header("X-API-Key", crate::support::monitor::KEY);
    assert_eq!(gone.send().await.unwrap().status(), 204);
    for id in &ids[..4] {
        let asked = other.post(&format!("{}/cancel", path(id))).send().await;
        assert_eq!(asked.unwrap().status(), 202);
    }
    for id in &ids[..4] {
        one.finished_somehow(id).await;
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn a_backlog_costs_idle_workers_next_to_nothing() {
    const SECONDS: u64 = 30;
    let database = test_support::database::postgres_database().await.unwrap();
    let proxy = CountingProxy::start(&database).await;
    let one = Monitor::start_with(proxy.database.clone()).await;
    let other = one.beside().await;
    let db = Database::connect(&database).await.unwrap();
    // Two thousand imports of a user who has two running at unknown workers.
    let new = |id: &str| {
        format!(
            "INSERT INTO monitor_imports (id, filename, stored_as, status, total_products, processed_products, \
             failed_products, position, created_at, updated_at, owner, mode, added, updated, unchanged, attempts, \
             cancel_wanted, stored_in) SELECT {id}, 'a.csv', 'a.upload', 'PENDING', 0, 0, 0, 0, 1, 1, 'ada', 'import', \
             0, 0, 0, 0, FALSE, (SELECT max(id) FROM monitor_directories)"
        )
    };
    let two = new("'running' || n") + " FROM generate_series(1, 2) AS n";
    db.execute_unprepared(&two).await.unwrap();
    db.execute_unprepared(
        "INSERT INTO monitor_leases SELECT id, 'elsewhere', 9000000000000000 FROM monitor_imports",
    )
    .await
    .unwrap();
    let many = new("'waiting' || n") + " FROM generate_series(1, 2000) AS n";
    db.execute_unprepared(&many).await.unwrap();
    // The start is over when a second passes without statements.
    let deadline = Instant::now() + test_support::DEADLINE * 4;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let busy = proxy.take();
        if busy.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{busy:#?}");
    }
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    let executed = proxy.take();
    let seconds = began.elapsed().as_secs();
    let spent: u64 = executed.values().sum();
    println!("{spent} statements of two idle workers in {seconds} s, with 2,000 imports waiting");
    assert!(spent < seconds * 3, "in {seconds} s: {executed:#?}");
    let left = "SELECT count(*) AS n FROM monitor_imports WHERE status = 'PENDING'";
    assert_eq!(number(&db, left).await, 2_002);
    one.stop().await;
    other.stop().await;
}

struct Workers {
    directory: Directory,
    database: String,
    /// With their names in leases.
    processes: Vec<(Process, String)>,
}

impl Workers {
    async fn start(count: usize) -> Self {
        let mut workers = Self {
            directory: Directory::new(),
            database: test_support::database::postgres_database()
                .await
                .expect("PostgreSQL is there"),
            processes: Vec::new(),
        };
        for _ in 0..count {
            // A minute passes after each batch, so that no import ends before its worker dies.
            let process = workers.one(&[("IMPORT_MAX_RATE", "1")]).await;
            workers.processes.push(process);
        }
        workers
    }

    async fn one(&self, more: &[(&str, &str)]) -> (Process, String) {
        let mut settings = vec![
            ("DATABASE_URL", self.database.as_str()),
            ("PRICE_MONITOR_API_KEY", KEY),
            // The minimum: none is held permanently.
            ("DATABASE_MAX_CONNECTIONS", "2"),
            ("QUEUED_IMPORTS_PER_USER", "200"),
        ];
        settings.extend_from_slice(more);
        let args = ["price-monitor", "--listen", "127.0.0.1:0"];
        let mut process = Process::start(self.directory.command(&args, &settings)).await;
        let name = worker_name(&mut process).await;
        (process, name)
    }

    async fn upload(&self, owner: &str, file: String) -> String {
        let (worker, _) = &self.processes[fastrand::usize(..self.processes.len())];
        let part = multipart::Part::bytes(file.into_bytes()).file_name("list.csv");
        let answer = process::client()
            .post(format!("http://{}/api/products/imports", worker.address))
            .header("X-API-Key", KEY)
            .header("X-Import-Owner", owner)
            .multipart(multipart::Form::new().part("file", part))
            .send()
            .await
            .unwrap();
        let job: Value = answer.error_for_status().unwrap().json().await.unwrap();
        job["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn two_hundred_imports_end_whatever_workers_are_killed() {
    const IMPORTS: usize = 200;
    const ROWS: usize = 400;
    // Enough for each worker to run its maximum.
    const USERS: usize = 5;
    /// The maximum that runs at first, with five batches each.
    const LONG: usize = 10;
    const LONG_ROWS: usize = 8_500;
    let mut workers = Workers::start(3).await;
    for import in 0..IMPORTS {
        let owner = format!("user{}", import % USERS);
        let rows = if import < LONG { LONG_ROWS } else { ROWS };
        let file = list(&format!("k{import}"), rows);
        workers.upload(&owner, file).await;
    }
    let db = Database::connect(&workers.database).await.unwrap();
    let left = "SELECT count(*) AS n FROM monitor_imports WHERE status = 'PENDING'";
    assert_eq!(number(&db, left).await, IMPORTS as i64);
    // Each dies during an import, which a later one resumes.
    for _ in 0..workers.processes.len() {
        let (dying, name) = workers.processes.remove(0);
        let begun = format!(
            "SELECT count(*) AS n FROM monitor_leases JOIN monitor_imports ON id = import_id \
             WHERE worker = '{name}' AND status = 'PENDING' AND position > 0"
        );
        eventually("it is in the middle of an import", async || {
            (number(&db, &begun).await > 0).then_some(())
        })
        .await;
        dying.kill().await;
        let next = workers.one(&[]).await;
        workers.processes.push(next);
    }
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        let waiting = number(&db, left).await;
        if waiting == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{waiting} imports still wait");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (rows, imports) in [(ROWS, IMPORTS - LONG), (LONG_ROWS, LONG)] {
        let right = format!(
            "SELECT count(*) AS n FROM monitor_imports WHERE status = 'SUCCESS' \
             AND processed_products = {rows} AND position = {rows} AND failed_products = 0"
        );
        assert_eq!(number(&db, &right).await, imports as i64, "{rows} rows");
    }
    let products = number(&db, "SELECT count(*) AS n FROM products").await;
    let rows = (IMPORTS - LONG) * ROWS + LONG * LONG_ROWS;
    assert_eq!(products, rows as i64);
    assert_eq!(
        number(&db, "SELECT count(*) AS n FROM monitor_leases").await,
        0
    );
}
