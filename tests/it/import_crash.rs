//! Kills the process during imports, which continue as if nothing had happened.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, multipart};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::Value;
use tempfile::TempDir;

use test_support::database::postgres_database;

const KEY: &str = "the-key";
const ROWS: usize = 50_000;
const RATE: &str = "20000";
/// Rows compared before an approval.
const COMPARED: i64 = 20_000;
/// Kills of imports. Undos, approvals and removals take longer and have fewer, unless `IMPORT_KILLS` is set.
const KILLS: usize = 50;
const FEWER_KILLS: usize = 12;
const DEADLINE: Duration = Duration::from_secs(120);

fn kills() -> usize {
    std::env::var("IMPORT_KILLS").map_or(FEWER_KILLS, |kills| kills.parse().unwrap())
}

/// What survives a process: its directory and its database.
struct Place {
    directory: TempDir,
    /// A SQLite file in the directory, or a PostgreSQL database.
    database: String,
    limits: &'static str,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("import-relay.db");
        Self {
            database: postgres_database()
                .await
                .unwrap_or_else(|| format!("sqlite:{}", file.display())),
            directory,
            limits: "off",
        }
    }

    async fn connect(&self) -> DatabaseConnection {
        Database::connect(&self.database).await.unwrap()
    }

    /// Kills the process by SIGKILL and expires its leases.
    async fn kill(&self, process: Process) {
        drop(process);
        if self.database.starts_with("postgres") {
            let db = self.connect().await;
            db.execute_unprepared("UPDATE monitor_leases SET until = 0")
                .await
                .unwrap();
            db.close().await.unwrap();
        }
    }

    /// Kills the process at random points of an import and restarts it; `count` must increase in between, because an
    /// import that dies twice without progress is given up. Returns the new process, and the number of kills within the
    /// import.
    async fn kill_within(
        &self,
        http: &Client,
        mut process: Process,
        id: &str,
        kills: usize,
        count: &str,
    ) -> (Process, usize) {
        let mut within = 0;
        for _ in 0..kills {
            let state = details(http, &process, id).await;
            let done = state[count].as_u64().unwrap();
            let step = ROWS / kills.max(8);
            let next = done + fastrand::u64(1..=step as u64);
            until(http, &process, id, |state| {
                state[count].as_u64() >= Some(next)
            })
            .await;
            self.kill(process).await;
            process = Process::start(self);
            let state = details(http, &process, id).await;
            let done = state[count].as_u64().unwrap();
            within += usize::from(done > 0 && state["status"] == "PENDING");
        }
        (process, within)
    }
}

struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(place: &Place) -> Self {
        let directory = place.directory.path();
        let mut child = Command::new(env!("CARGO_BIN_EXE_import-relay"))
            .args(["price-monitor", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("DATA_DIR", directory)
            .env("DATABASE_URL", &place.database)
            .env("PRICE_MONITOR_API_KEY", KEY)
            .env("RUST_LOG", "error")
            // Slow enough on any machine.
            .env("IMPORT_MAX_RATE", RATE)
            .env("IMPORT_LIMITS", place.limits)
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
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may already be dead.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A list whose result could depend on where an import continues: inherited titles, images, failures, repeated
/// identities.
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

async fn upload(http: &Client, process: &Process, file: impl AsRef<[u8]>) -> String {
    upload_with(http, process, file, "").await
}

async fn upload_with(
    http: &Client,
    process: &Process,
    file: impl AsRef<[u8]>,
    query: &str,
) -> String {
    let part = multipart::Part::bytes(file.as_ref().to_vec()).file_name("list.csv");
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

async fn until(
    http: &Client,
    process: &Process,
    id: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let state = details(http, process, id).await;
        if state["status"] != "PENDING" || is_so(&state) {
            return state;
        }
        assert!(
            Instant::now() < deadline,
            "the import stands still: {state}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn finished(http: &Client, process: &Process, id: &str) -> Value {
    until(http, process, id, |_| false).await
}

/// Returns everything an import leaves behind, except times and IDs.
async fn end_state(place: &Place, end: &Value) -> String {
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
    let db = place.connect().await;
    let mut rows = Vec::new();
    for sql in [
        "SELECT identity || '|' || coalesce(sku, '') || '|' || name || '|' || coalesce(price, '') \
         AS line FROM products ORDER BY identity",
        "SELECT \"row\" || '|' || line || '|' || sku || '|' || reason || '|' || coalesce(cells, '') \
         AS line FROM monitor_failed_rows ORDER BY \"row\"",
        "SELECT kind || '|' || \"row\" || '|' || part || '|' || line || '|' || label || '|' || reason \
         || '|' || coalesce(CAST(by_line AS TEXT), '') AS line FROM monitor_row_notes \
         ORDER BY kind, \"row\", part",
    ] {
        let statement = Statement::from_string(db.get_database_backend(), sql);
        for row in db.query_all_raw(statement).await.unwrap() {
            rows.push(row.try_get::<String>("", "line").unwrap());
        }
    }
    db.close().await.unwrap();
    format!("{}\n{}", counts.join(" "), rows.join("\n"))
}

#[tokio::test]
async fn an_import_that_is_killed_anywhere_ends_as_if_it_never_were() {
    const KILLS_OF_ONE: usize = 5;
    let (http, file) = (client(), file());
    let place = Place::new().await;
    let process = Process::start(&place);
    let id = upload(&http, &process, &file).await;
    let end = finished(&http, &process, &id).await;
    place.kill(process).await;
    let expected = end_state(&place, &end).await;
    assert_eq!(end["status"], "PARTIAL_SUCCESS");

    let mut killed_within = 0;
    for kills in (0..KILLS).step_by(KILLS_OF_ONE) {
        let place = Place::new().await;
        let process = Process::start(&place);
        let id = upload(&http, &process, &file).await;
        let (process, within) = place
            .kill_within(&http, process, &id, KILLS_OF_ONE, "processedProducts")
            .await;
        killed_within += within;
        let end = finished(&http, &process, &id).await;
        place.kill(process).await;
        let got = end_state(&place, &end).await;
        let differs = got
            .lines()
            .zip(expected.lines())
            .find(|(one, two)| one != two);
        assert!(got == expected, "after {kills} kills: {differs:?}");
    }
    assert!(
        killed_within > KILLS / 5,
        "only {killed_within} of {KILLS} kills were within an import"
    );
}

#[tokio::test]
async fn an_upload_that_a_crash_cuts_off_is_no_import() {
    use std::io::Write;
    let (http, file) = (client(), file());
    let place = Place::new().await;
    let process = Process::start(&place);
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
    let uploads = || std::fs::read_dir(place.directory.path().join("uploads"));
    let deadline = Instant::now() + DEADLINE;
    // Part of it is on disk.
    while uploads().map_or(0, Iterator::count) == 0 {
        assert!(Instant::now() < deadline, "nothing of the upload arrives");
        std::thread::sleep(Duration::from_millis(5));
    }
    place.kill(process).await;
    drop(stream);

    let process = Process::start(&place);
    assert_eq!(
        number(&place, "SELECT count(*) AS n FROM monitor_imports").await,
        0
    );
    let id = upload(&http, &process, &file).await;
    assert_eq!(
        finished(&http, &process, &id).await["status"],
        "PARTIAL_SUCCESS"
    );
    place.kill(process).await;
}

/// A workbook of one product that takes a while to open: all its texts are read before its first row.
fn slow_to_open() -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(1));
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let rows = [["sku", "name", "price"], ["A", "One", "1"]]
        .map(|row| format!("<row>{}</row>", row.map(cell).concat()));
    let texts = "<si><t>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</t></si>".repeat(400_000);
    for (name, content) in [
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
                .to_owned(),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" \
             Target=\"worksheets/sheet1.xml\"/></Relationships>"
                .to_owned(),
        ),
        ("xl/sharedStrings.xml", format!("<sst>{texts}</sst>")),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet><sheetData>{}</sheetData></worksheet>", rows.concat()),
        ),
    ] {
        archive.start_file(name, options).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// It may be the import that takes its process down, which would go on with it at every start.
#[tokio::test]
async fn an_import_with_which_the_process_dies_twice_is_set_aside() {
    let (http, file) = (client(), slow_to_open());
    let place = Place::new().await;
    let mut process = Process::start(&place);
    let id = upload(&http, &process, &file).await;
    for death in 1..=2 {
        let deadline = Instant::now() + DEADLINE;
        while number(&place, "SELECT attempts AS n FROM monitor_imports").await < death {
            assert!(Instant::now() < deadline, "it does not begin");
        }
        place.kill(process).await;
        let over = "SELECT count(*) AS n FROM monitor_imports WHERE completed_at IS NOT NULL";
        assert_eq!(number(&place, over).await, 0, "it takes too little time");
        process = Process::start(&place);
    }
    let end = finished(&http, &process, &id).await;
    assert_eq!(end["status"], "ERROR", "{end}");
    assert_eq!(end["errorCode"], "no-headway", "{end}");
    // The next one is not kept waiting.
    let next = upload(&http, &process, "sku,name,price\nA,One,1\n").await;
    assert_eq!(finished(&http, &process, &next).await["status"], "SUCCESS");
    place.kill(process).await;
}

/// Returns the number `n` of a query.
async fn number(place: &Place, sql: &str) -> i64 {
    let db = place.connect().await;
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    db.close().await.unwrap();
    row.try_get("", "n").unwrap()
}

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

/// All products, and the number of changes. Checks that each change links to another one or to none.
async fn products_and_changes(place: &Place) -> (Vec<String>, i64) {
    let db = place.connect().await;
    let products = Statement::from_string(
        db.get_database_backend(),
        "SELECT identity || '|' || name || '|' || price || '|' || created_at AS line FROM products ORDER BY identity",
    );
    let rows = db.query_all_raw(products).await.unwrap();
    db.close().await.unwrap();
    let lines = rows.iter().map(|row| row.try_get("", "line").unwrap());
    let broken = number(
        place,
        "SELECT (SELECT count(*) FROM products AS p WHERE NOT EXISTS \
             (SELECT 1 FROM product_changes AS c WHERE c.id = p.last_change AND c.identity = p.identity)) \
         + (SELECT count(*) FROM product_changes AS c WHERE c.previous <> 0 AND NOT EXISTS \
             (SELECT 1 FROM product_changes AS b WHERE b.id = c.previous AND b.identity = c.identity)) AS n",
    );
    assert_eq!(broken.await, 0, "a chain of changes is broken");
    let changes = number(
        place,
        "SELECT count(*) AS n FROM product_changes WHERE (id >> 36) NOT IN \
         (SELECT number FROM import_numbers WHERE import_id LIKE '%/preview')",
    );
    (lines.collect(), changes.await)
}

/// Returns the number of changes in the preview.
async fn shown(place: &Place) -> i64 {
    let all = number(place, "SELECT count(*) AS n FROM product_changes").await;
    let (_, made) = products_and_changes(place).await;
    all - made
}

async fn ask(http: &Client, process: &Process, id: &str, what: &str) -> reqwest::Response {
    let url = format!("{}/api/products/imports/{id}/{what}", process.url);
    let asked = http.post(url).header("X-API-Key", KEY).send();
    asked.await.unwrap().error_for_status().unwrap()
}

async fn undo(http: &Client, process: &Process, id: &str) -> String {
    let undo: Value = ask(http, process, id, "undo").await.json().await.unwrap();
    undo["id"].as_str().unwrap().to_owned()
}

/// Imports products into a new shop. Returns it and its content.
async fn shop(http: &Client) -> (Place, Vec<String>) {
    let place = Place::new().await;
    let process = Process::start(&place);
    let id = upload(http, &process, &prices(50)).await;
    assert_eq!(finished(http, &process, &id).await["status"], "SUCCESS");
    place.kill(process).await;
    let (products, _) = products_and_changes(&place).await;
    (place, products)
}

#[tokio::test]
async fn an_undo_that_is_killed_anywhere_leaves_the_products_as_they_were() {
    let http = client();
    let (place, before) = shop(&http).await;

    let process = Process::start(&place);
    let id = upload(&http, &process, &prices(10)).await;
    assert_eq!(
        finished(&http, &process, &id).await["updatedProducts"],
        ROWS
    );
    let undo = undo(&http, &process, &id).await;
    let (process, killed_within) = place
        .kill_within(&http, process, &undo, kills(), "processedProducts")
        .await;
    let end = finished(&http, &process, &undo).await;
    place.kill(process).await;
    assert_eq!(
        (&end["status"], &end["updatedProducts"]),
        (&"SUCCESS".into(), &ROWS.into())
    );
    assert!(killed_within > 0, "no kill was within the undo");
    let (after, changes) = products_and_changes(&place).await;
    assert!(after == before, "the products are not what they were");
    assert_eq!(changes, 3 * ROWS as i64);
}

#[tokio::test]
async fn an_approval_that_is_killed_anywhere_holds_or_was_never_given() {
    let http = client();
    let (mut place, _) = shop(&http).await;
    place.limits = "ask";
    let dearer = prices(50).replace(".50\n", "00.50\n");

    let mut process = Process::start(&place);
    let id = upload(&http, &process, &dearer).await;
    let is_asked = |state: &Value| state["needs"] == "approval";
    // Perhaps during the comparison, then while it waits.
    tokio::time::sleep(Duration::from_millis(fastrand::u64(..300))).await;
    for _ in 0..4 {
        place.kill(process).await;
        process = Process::start(&place);
        let state = until(&http, &process, &id, is_asked).await;
        assert!(is_asked(&state), "{state}");
    }
    let (_, changes) = products_and_changes(&place).await;
    assert_eq!(
        changes, ROWS as i64,
        "it changed products before it was approved"
    );
    // Each change is in the preview once, however often it was started.
    assert_eq!(shown(&place).await, COMPARED);
    // During approval: an accepted approval is kept.
    let url = format!("{}/api/products/imports/{id}/approve", process.url);
    let approving = tokio::spawn(http.post(url).header("X-API-Key", KEY).send());
    tokio::time::sleep(Duration::from_millis(fastrand::u64(..20))).await;
    place.kill(process).await;
    let is_approved = approving
        .await
        .unwrap()
        .is_ok_and(|answer| answer.status() == 200);
    process = Process::start(&place);
    let state = details(&http, &process, &id).await;
    assert!(!(is_approved && is_asked(&state)), "{state}");
    if is_asked(&state) {
        ask(&http, &process, &id, "approve").await;
    }
    let (process, killed_within) = place
        .kill_within(&http, process, &id, kills(), "processedProducts")
        .await;
    let end = finished(&http, &process, &id).await;
    place.kill(process).await;
    assert_eq!(
        (&end["status"], &end["updatedProducts"]),
        (&"SUCCESS".into(), &ROWS.into())
    );
    assert!(killed_within > 0, "no kill was within the import");
    let (after, changes) = products_and_changes(&place).await;
    assert!(after.iter().all(|line| line.contains("00.50|")));
    assert_eq!(changes, 2 * ROWS as i64);
    assert_eq!(shown(&place).await, 0);
}

#[tokio::test]
async fn a_full_file_that_is_killed_anywhere_removes_what_it_lacks_once() {
    let http = client();
    let (place, before) = shop(&http).await;

    let process = Process::start(&place);
    let kept = ROWS / 5;
    let some: String = prices(10).split_inclusive('\n').take(kept + 1).collect();
    let id = upload_with(&http, &process, &some, "?missing=remove").await;
    let (process, killed_within) = place
        .kill_within(&http, process, &id, kills(), "removedProducts")
        .await;
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
    assert_eq!(finished(&http, &process, &undo).await["status"], "SUCCESS");
    place.kill(process).await;
    let (after, changes) = products_and_changes(&place).await;
    assert!(after == before, "the products are not what they were");
    assert_eq!(changes, 3 * ROWS as i64);
}
