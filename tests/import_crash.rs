//! Killed imports: the process ends at any moment, and the import continues as if nothing had happened.
#![cfg(all(feature = "ssr", unix))]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a test may panic

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, multipart};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::Value;

const KEY: &str = "the-key";
const ROWS: usize = 50_000;
const RATE: &str = "20000";
const KILLS: usize = 50;
const DEADLINE: Duration = Duration::from_secs(120);

/// A price monitor in its own process.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(directory: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_import-relay"))
            .args(["price-monitor", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("DATA_DIR", directory)
            .env("PRICE_MONITOR_API_KEY", KEY)
            .env("RUST_LOG", "error")
            // Slow enough on any machine.
            .env("IMPORT_MAX_RATE", RATE)
            .env("IMPORT_LIMITS", "off")
            .current_dir(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines
            .next()
            .expect("a line that says where it listens")
            .unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        assert!(url.starts_with("http://"), "{line}");
        Self { child, url }
    }

    /// Kills the process by SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A list whose result could depend on where an import continues: inherited titles, images, failures,
/// repeated identities.
fn file() -> String {
    let mut text = "Handle,Title,Option1 Value,Variant SKU,Variant Price,Image Src\n".to_owned();
    for row in 0..ROWS {
        let handle = row / 5;
        text.push_str(&match row % 5 {
            0 => format!("h{handle},Title {handle},S,,{}.50,a.jpg\n", row % 90),
            1 => format!("h{handle},,M,,{},\n", if row % 7 == 1 { "x" } else { "3" }),
            2 => format!("h{handle},,,,,b.jpg\n"),
            3 => format!("h{handle},,L,SKU-{},{}.10,\n", row % 4000, row % 17),
            _ => format!("h{handle},,L,SKU-{},{}.10,\n", row % 4000, row % 13),
        });
    }
    text
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

async fn upload(http: &Client, process: &Process, file: &str) -> String {
    upload_with(http, process, file, "").await
}

async fn upload_with(http: &Client, process: &Process, file: &str, query: &str) -> String {
    let part = multipart::Part::bytes(file.as_bytes().to_vec()).file_name("list.csv");
    let job: Value = http
        .post(format!("{}/api/products/imports{query}", process.url))
        .header("X-API-Key", KEY)
        .multipart(multipart::Form::new().part("file", part))
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap()
        .json()
        .await
        .unwrap();
    job["id"].as_str().unwrap().to_owned()
}

async fn details(http: &Client, process: &Process, id: &str) -> Value {
    http.get(format!("{}/api/products/imports/{id}", process.url))
        .header("X-API-Key", KEY)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// Waits for a number of products, or the end.
async fn advanced(http: &Client, process: &Process, id: &str, until: u64) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let state = details(http, process, id).await;
        if state["status"] != "PENDING" || state["processedProducts"].as_u64() >= Some(until) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "the import stands still: {state}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn finished(http: &Client, process: &Process, id: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let state = details(http, process, id).await;
        if state["status"] != "PENDING" {
            return state;
        }
        assert!(
            Instant::now() < deadline,
            "the import does not end: {state}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Returns everything an import leaves behind, except times and IDs.
async fn end_state(directory: &Path, end: &Value) -> String {
    let counts = [
        "status",
        "processedProducts",
        "failedProducts",
        "totalProducts",
        "addedProducts",
        "updatedProducts",
        "unchangedProducts",
        "replacedRows",
        "passedOver",
        "rowsRead",
        "warnings",
    ]
    .map(|name| end[name].to_string());
    let url = format!("sqlite:{}", directory.join("import-relay.db").display());
    let db = Database::connect(url).await.unwrap();
    let mut rows = Vec::new();
    for sql in [
        "SELECT identity || '|' || coalesce(sku, '') || '|' || name || '|' || coalesce(price, '') \
         AS line FROM products ORDER BY identity",
        "SELECT row || '|' || line || '|' || sku || '|' || reason || '|' || coalesce(cells, '') \
         AS line FROM monitor_failed_rows ORDER BY row",
        "SELECT kind || '|' || row || '|' || part || '|' || line || '|' || label || '|' || reason \
         || '|' || coalesce(by_line, '') AS line FROM monitor_row_notes ORDER BY kind, row, part",
    ] {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        for row in db.query_all_raw(statement).await.unwrap() {
            rows.push(row.try_get::<String>("", "line").unwrap());
        }
    }
    format!("{}\n{}", counts.join(" "), rows.join("\n"))
}

#[tokio::test]
async fn an_import_that_is_killed_anywhere_ends_as_if_it_never_were() {
    let (http, file) = (client(), file());
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path());
    let id = upload(&http, &process, &file).await;
    let end = finished(&http, &process, &id).await;
    process.kill();
    let expected = end_state(directory.path(), &end).await;
    assert_eq!(end["status"], "PARTIAL_SUCCESS");

    let mut kills = 0;
    let mut killed_within = 0;
    while kills < KILLS {
        let directory = tempfile::tempdir().unwrap();
        let mut process = Process::start(directory.path());
        let id = upload(&http, &process, &file).await;
        // Several kills at random positions, then it may end.
        for _ in 0..5 {
            let before = details(&http, &process, &id).await;
            let done = before["processedProducts"].as_u64().unwrap();
            let until = done + fastrand::u64(0..=ROWS as u64 / 5);
            advanced(&http, &process, &id, until).await;
            process.kill();
            kills += 1;
            process = Process::start(directory.path());
            let state = details(&http, &process, &id).await;
            let done = state["processedProducts"].as_u64().unwrap();
            killed_within += usize::from(done > 0 && state["status"] == "PENDING");
        }
        let end = finished(&http, &process, &id).await;
        process.kill();
        let got = end_state(directory.path(), &end).await;
        let differs = got
            .lines()
            .zip(expected.lines())
            .find(|(one, two)| one != two);
        assert!(got == expected, "after {kills} kills: {differs:?}");
    }
    assert!(
        killed_within > KILLS / 5,
        "only {killed_within} of {kills} kills were within an import"
    );
}

#[tokio::test]
async fn an_upload_that_a_crash_cuts_off_is_no_import() {
    use std::io::Write;
    let (http, file) = (client(), file());
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path());
    let address = process.url.trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let part =
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\n";
    let head = format!(
        "POST /api/products/imports HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {KEY}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n{part}",
        part.len() + file.len() + "\r\n--x--\r\n".len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .write_all(&file.as_bytes()[..file.len() / 2])
        .unwrap();
    let uploads = || std::fs::read_dir(directory.path().join("uploads"));
    let deadline = Instant::now() + DEADLINE;
    // Part of it is on disk.
    while uploads().map_or(0, Iterator::count) == 0 {
        assert!(Instant::now() < deadline, "nothing of the upload arrives");
        std::thread::sleep(Duration::from_millis(5));
    }
    process.kill();
    drop(stream);

    let process = Process::start(directory.path());
    let url = format!(
        "sqlite:{}",
        directory.path().join("import-relay.db").display()
    );
    let db = Database::connect(url).await.unwrap();
    let count = "SELECT count(*) AS n FROM monitor_imports";
    let count = Statement::from_string(DbBackend::Sqlite, count);
    let row = db.query_one_raw(count).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "n").unwrap(), 0);
    let id = upload(&http, &process, &file).await;
    assert_eq!(
        finished(&http, &process, &id).await["status"],
        "PARTIAL_SUCCESS"
    );
    process.kill();
}

/// A list of products of which each has its price.
fn prices(cents: usize) -> String {
    let mut text = "sku,name,price\n".to_owned();
    for row in 0..ROWS {
        text.push_str(&format!(
            "SKU-{row},Product {row},{}.{cents:02}\n",
            row % 90 + 1
        ));
    }
    text
}

/// All products, and whether each change that is there leads on to another one or to none.
async fn products_and_changes(directory: &Path) -> (Vec<String>, i64) {
    let url = format!("sqlite:{}", directory.join("import-relay.db").display());
    let db = Database::connect(url).await.unwrap();
    let query = |sql: &str| Statement::from_string(DbBackend::Sqlite, sql);
    let rows = db
        .query_all_raw(query(
            "SELECT identity || '|' || name || '|' || price || '|' || created_at AS line FROM products ORDER BY identity",
        ))
        .await
        .unwrap();
    let lines = rows.iter().map(|row| row.try_get("", "line").unwrap());
    let broken = db
        .query_one_raw(query(
            "SELECT (SELECT count(*) FROM products AS p WHERE NOT EXISTS \
                 (SELECT 1 FROM product_changes AS c WHERE c.id = p.last_change AND c.identity = p.identity)) \
             + (SELECT count(*) FROM product_changes AS c WHERE c.previous <> 0 AND NOT EXISTS \
                 (SELECT 1 FROM product_changes AS b WHERE b.id = c.previous AND b.identity = c.identity)) AS n",
        ))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        broken.try_get::<i64>("", "n").unwrap(),
        0,
        "a chain of changes is broken"
    );
    let changes = db.query_one_raw(query("SELECT count(*) AS n FROM product_changes"));
    let changes = changes.await.unwrap().unwrap();
    (lines.collect(), changes.try_get("", "n").unwrap())
}

/// Takes an import back, and returns the import that does so.
async fn undo(http: &Client, process: &Process, id: &str) -> String {
    let asked = http
        .post(format!("{}/api/products/imports/{id}/undo", process.url))
        .header("X-API-Key", KEY)
        .send();
    let answer = asked.await.unwrap().error_for_status().unwrap();
    let undo: Value = answer.json().await.unwrap();
    undo["id"].as_str().unwrap().to_owned()
}

/// Imports products into a new shop. Returns its directory and all that is in it.
async fn shop(http: &Client) -> (tempfile::TempDir, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path());
    let id = upload(http, &process, &prices(50)).await;
    assert_eq!(finished(http, &process, &id).await["status"], "SUCCESS");
    process.kill();
    let (products, _) = products_and_changes(directory.path()).await;
    (directory, products)
}

#[tokio::test]
async fn an_undo_that_is_killed_anywhere_leaves_the_products_as_they_were() {
    const UNDO_KILLS: usize = 12;
    let http = client();
    let (directory, before) = shop(&http).await;

    let mut process = Process::start(directory.path());
    let id = upload(&http, &process, &prices(10)).await;
    assert_eq!(
        finished(&http, &process, &id).await["updatedProducts"],
        ROWS
    );
    let undo = undo(&http, &process, &id).await;
    let undo = undo.as_str();
    let mut killed_within = 0;
    for _ in 0..UNDO_KILLS {
        let done = details(&http, &process, undo).await["processedProducts"].as_u64();
        let until = done.unwrap() + fastrand::u64(0..=ROWS as u64 / 8);
        advanced(&http, &process, undo, until).await;
        process.kill();
        process = Process::start(directory.path());
        let state = details(&http, &process, undo).await;
        let done = state["processedProducts"].as_u64().unwrap();
        killed_within += usize::from(done > 0 && state["status"] == "PENDING");
    }
    let end = finished(&http, &process, undo).await;
    process.kill();
    assert_eq!(
        (&end["status"], &end["updatedProducts"]),
        (&"SUCCESS".into(), &ROWS.into())
    );
    assert!(killed_within > 0, "no kill was within the undo");
    let (after, changes) = products_and_changes(directory.path()).await;
    assert!(after == before, "the products are not what they were");
    assert_eq!(changes, 3 * ROWS as i64);
}

#[tokio::test]
async fn a_full_file_that_is_killed_anywhere_removes_what_it_lacks_once() {
    const FULL_KILLS: usize = 12;
    let http = client();
    let (directory, before) = shop(&http).await;

    let mut process = Process::start(directory.path());
    let kept = ROWS / 5;
    let some: String = prices(10).split_inclusive('\n').take(kept + 1).collect();
    let id = upload_with(&http, &process, &some, "?missing=remove").await;
    let gone = async |process: &Process| {
        let state = details(&http, process, &id).await;
        (
            state["removedProducts"].as_u64().unwrap(),
            state["status"] == "PENDING",
        )
    };
    let mut killed_within = 0;
    for _ in 0..FULL_KILLS {
        let (removed, _) = gone(&process).await;
        let until = removed + fastrand::u64(0..=ROWS as u64 / 8);
        let deadline = Instant::now() + DEADLINE;
        loop {
            let (removed, is_pending) = gone(&process).await;
            if removed >= until || !is_pending {
                break;
            }
            assert!(Instant::now() < deadline, "the import stands still");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        process.kill();
        process = Process::start(directory.path());
        let (removed, is_pending) = gone(&process).await;
        killed_within += usize::from(removed > 0 && is_pending);
    }
    let end = finished(&http, &process, &id).await;
    let lacking = ROWS - kept;
    for (name, count) in [
        ("updatedProducts", kept),
        ("removedProducts", lacking),
        ("missingProducts", lacking),
    ] {
        assert_eq!(end[name], count, "{name}");
    }
    assert_eq!(end["status"], "SUCCESS");
    assert!(killed_within > 0, "no kill was within the removal");
    let undo = undo(&http, &process, &id).await;
    let undo = undo.as_str();
    assert_eq!(finished(&http, &process, undo).await["status"], "SUCCESS");
    process.kill();
    let (after, changes) = products_and_changes(directory.path()).await;
    assert!(after == before, "the products are not what they were");
    assert_eq!(changes, 3 * ROWS as i64);
}
