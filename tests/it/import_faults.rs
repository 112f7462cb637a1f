//! Faults during imports: full disk, repeated crashes, repeated requests, a busy database.

use std::{fmt::Write, time::Duration};

use import_relay::server::store::monitor_imports::NewImport;
use monitor::{KEY, Monitor, eventually};
use reqwest::multipart;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use small_disk::SmallDisk;
use sockets::SocketIoClient;

use crate::support::{monitor, sockets};
use test_support::small_disk;

fn list(count: usize) -> String {
    let mut text = "sku,price\n".to_owned();
    for n in 1..=count {
        writeln!(text, "S{n},1").unwrap();
    }
    text
}

async fn details(monitor: &Monitor, id: &str) -> Value {
    monitor.get(&format!("/api/products/imports/{id}")).await
}

async fn over(monitor: &Monitor, id: &str) -> Value {
    eventually("the import is over", async || {
        let state = details(monitor, id).await;
        (state["status"] != "PENDING").then_some(state)
    })
    .await
}

async fn act(monitor: &Monitor, path: &str) -> (u16, Value) {
    let path = format!("/api/products/imports/{path}");
    let answer = monitor.post(&path).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn check(monitor: &Monitor, file: String) -> String {
    let part = multipart::Part::text(file).file_name("list.csv");
    let answer = monitor
        .post("/api/products/imports?mode=check")
        .multipart(multipart::Form::new().part("file", part))
        .send()
        .await
        .unwrap();
    let job: Value = answer.json().await.unwrap();
    job["id"].as_str().unwrap().to_owned()
}

async fn last_told(monitor: &Monitor, id: &str) -> Value {
    let key = json!({ "apiKey": KEY });
    let mut socket = SocketIoClient::connect(monitor, &key).await.unwrap();
    socket.emit("join-import-job", &json!(id)).await;
    socket.states(id).await.pop().unwrap()
}

async fn is_recorded(monitor: &Monitor, id: &str) -> bool {
    let import = monitor.store.monitor_import(id).await.unwrap().unwrap();
    import.status.is_final()
}

/// Opens the SQLite file, to change it while the service runs.
async fn database(monitor: &Monitor) -> Option<DatabaseConnection> {
    let path = monitor.sqlite()?;
    let url = format!("sqlite:{}", path.display());
    Some(Database::connect(url).await.unwrap())
}

#[tokio::test]
async fn an_end_that_cannot_be_recorded_is_told_and_holds_up_nobody() {
    let monitor = Monitor::start().await;
    let Some(db) = database(&monitor).await else {
        return;
    };
    // No space for the end of any import, and a kind of product that is rejected.
    for sql in [
        "CREATE TRIGGER no_end BEFORE UPDATE ON monitor_imports WHEN NEW.status = 'ERROR' \
         BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        "CREATE TRIGGER no_room BEFORE INSERT ON products WHEN NEW.sku = 'BAD' \
         BEGIN SELECT RAISE(ABORT, 'it is not taken'); END",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
    let mut ids = Vec::new();
    // More than may run concurrently.
    for _ in 0..3 {
        ids.push(monitor.accepted("sku,price\nBAD,1\n").await);
    }
    for id in &ids {
        let last = last_told(&monitor, id).await;
        assert_eq!(last["status"], "ERROR");
        assert!(
            last["error"].as_str().unwrap().contains("database error"),
            "{last}"
        );
    }
    assert_eq!(
        monitor.import("sku,price\nA,1\n").await["status"],
        "SUCCESS"
    );
    // REST and late subscribers get the same.
    assert_eq!(details(&monitor, &ids[0]).await["status"], "ERROR");
    assert_eq!(last_told(&monitor, &ids[0]).await["status"], "ERROR");
    assert!(!is_recorded(&monitor, &ids[0]).await);
    db.execute_unprepared("DROP TRIGGER no_end").await.unwrap();
    for id in &ids {
        eventually("the end is recorded", async || {
            is_recorded(&monitor, id).await.then_some(())
        })
        .await;
    }
    monitor.stop().await;
}

#[tokio::test]
async fn on_a_disk_that_is_really_full_an_import_waits_and_goes_on_once_there_is_room() {
    let Some(disk) = SmallDisk::mount("64m") else {
        return;
    };
    let monitor = Monitor::start_slow_in(disk.path()).await;
    if monitor.sqlite().is_none() {
        println!("skipped: the database is not on the small disk");
        return;
    }
    let id = monitor.accepted(list(30_000)).await;
    let pending = async |is_so: &dyn Fn(&Value) -> bool| {
        eventually("it is so", async || {
            let state = details(&monitor, &id).await;
            assert_eq!(state["status"], "PENDING", "{state}");
            is_so(&state).then_some(state)
        })
        .await
    };
    pending(&|state| state["processedProducts"].as_u64() > Some(0)).await;
    // The space is taken while the import runs.
    disk.fill();
    pending(&|state| state["waitsForRoom"] == true).await;
    // Uploads are rejected and leave nothing behind.
    let refused = monitor.upload("more.csv", list(30_000)).await;
    assert_eq!(refused.status(), 507);
    let said: Value = refused.json().await.unwrap();
    let said = said["error"].as_str().unwrap();
    assert!(said.contains("disk is almost full"), "{said}");
    eventually("nothing is left", async || {
        (monitor.uploads() == [format!("{id}.upload")]).then_some(())
    })
    .await;
    disk.make_room();
    assert_eq!(monitor.finished(&id).await["processedProducts"], 30_000);
    assert_eq!(
        monitor.import("sku,price\nA,1\n").await["status"],
        "SUCCESS"
    );
    monitor.store.check_file().await.unwrap();
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_that_ends_the_process_each_time_is_not_begun_for_ever() {
    let mut monitor = Monitor::start().await;
    let Some(db) = database(&monitor).await else {
        return;
    };
    let new = |id: &str| NewImport {
        id: id.to_owned(),
        stored_as: format!("{id}.upload"),
        ..NewImport::default()
    };
    monitor.store.add_monitor_import(new("dies")).await.unwrap();
    // The maximum of failed starts.
    db.execute_unprepared("UPDATE monitor_imports SET attempts = 2")
        .await
        .unwrap();
    monitor.restart().await;
    let ended = over(&monitor, "dies").await;
    assert_eq!(ended["status"], "ERROR");
    let error = ended["error"].as_str().unwrap();
    assert!(error.contains("crashed on it twice"), "{error}");
    monitor.stop().await;
}

#[tokio::test]
async fn a_request_that_comes_again_is_the_same_import() {
    let monitor = Monitor::start().await;
    let send = async |key: &str| {
        let part = multipart::Part::text("sku,price\nA,1\n").file_name("list.csv");
        monitor
            .post("/api/products/imports")
            .header("Idempotency-Key", key)
            .multipart(multipart::Form::new().part("file", part))
            .send()
            .await
            .unwrap()
    };
    let key = "0193a7c2-7c3c-7d50-8a51-0c2f1f5f7d10";
    let answers = tokio::join!(send(key), send(key));
    let first: Value = answers.0.json().await.unwrap();
    let second: Value = answers.1.json().await.unwrap();
    assert_eq!(first["id"], key);
    assert_eq!(second["id"], key);
    assert_eq!(monitor.finished(key).await["processedProducts"], 1);
    let later: Value = send(key).await.json().await.unwrap();
    assert_eq!(
        (&later["id"], &later["status"]),
        (&json!(key), &json!("SUCCESS"))
    );
    assert_eq!(monitor.uploads(), [format!("{key}.upload")]);
    assert_eq!(send("no key").await.status(), 400);
    monitor.stop().await;
}

#[tokio::test]
async fn what_is_made_of_a_check_is_a_check_but_for_the_import_itself() {
    let monitor = Monitor::start().await;
    let id = check(&monitor, "sku,name,price\nA,One,1\nB,Two,\n".to_owned()).await;
    monitor.finished(&id).await;
    let (status, retried) = act(&monitor, &format!("{id}/retry")).await;
    assert_eq!(status, 201);
    let columns = json!({ "columns": { "0": "sku", "1": "name", "2": "price" } });
    let mapped = monitor
        .post(&format!("/api/products/imports/{id}/columns"))
        .json(&columns)
        .send()
        .await
        .unwrap();
    let mapped: Value = mapped.json().await.unwrap();
    for job in [retried, mapped] {
        let job = job["id"].as_str().unwrap();
        monitor.finished(job).await;
        assert_eq!(details(&monitor, job).await["mode"], "check");
    }
    assert_eq!(monitor.store.list_products("", 1).await.unwrap().total, 0);
    monitor.stop().await;
}

#[tokio::test]
async fn what_a_file_has_no_columns_for_stays() {
    let monitor = Monitor::start().await;
    let whole = "sku,name,price,stock,ean,url\nA,Shirt,1,7,4006381333931,https://shop.example/a\n";
    monitor.import(whole).await;
    let id = check(&monitor, "sku,price\nA,1\n".to_owned()).await;
    monitor.finished(&id).await;
    assert_eq!(details(&monitor, &id).await["unchangedProducts"], 1);
    let prices = monitor.import("sku,price\nA,2\n").await;
    let prices = details(&monitor, prices["id"].as_str().unwrap()).await;
    assert_eq!(prices["updatedProducts"], 1);
    let again = monitor.import(&whole.replace(",1,7", ",2,7")).await;
    let again = details(&monitor, again["id"].as_str().unwrap()).await;
    assert_eq!(again["unchangedProducts"], 1);
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_is_cancelled_while_its_rows_are_counted() {
    let monitor = Monitor::start_slow().await;
    // Columns are detected first, then products are counted.
    let mut file = "<rss><channel>".to_owned();
    for n in 0..60_000 {
        write!(
            file,
            "<item><id>S{n}</id><title>x</title><price>1</price></item>"
        )
        .unwrap();
    }
    file.push_str("</channel></rss>");
    let id = monitor.accepted(file).await;
    assert_eq!(act(&monitor, &format!("{id}/cancel")).await.0, 202);
    let ended = over(&monitor, &id).await;
    // On a busy machine the counting may have ended.
    let error = ended["error"].as_str().unwrap();
    assert!(error.starts_with("Cancelled "), "{error}");
    assert!(
        ended["processedProducts"].as_u64() < Some(60_000),
        "{ended}"
    );
    monitor.stop().await;
}

#[tokio::test]
async fn the_service_answers_while_a_large_file_is_imported() {
    let monitor = Monitor::start_slow().await;
    let id = monitor.accepted(list(20_000)).await;
    let mut states = Vec::new();
    loop {
        monitor.store.list_products("s1", 1).await.unwrap();
        let state = details(&monitor, &id).await;
        let is_over = state["status"] != "PENDING";
        states.push(state);
        if is_over {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // All intermediate states are consistent.
    let count = |state: &Value, name: &str| state[name].as_u64().unwrap();
    let mut before = 0;
    for state in &states {
        let done = count(state, "processedProducts") + count(state, "failedProducts");
        let total = count(state, "totalProducts");
        assert!(done >= before && (total == 0 || total == 20_000), "{state}");
        assert!(done <= total, "{state}");
        before = done;
    }
    assert!(states.len() > 2, "it was asked while the import ran");
    assert_eq!(
        (before, states.last().unwrap()["status"].as_str()),
        (20_000, Some("SUCCESS"))
    );
    monitor.stop().await;
}

#[tokio::test]
async fn a_single_product_is_an_import_like_any_other() {
    let monitor = Monitor::start().await;
    let over = monitor.import("sku,price\nA,1").await;
    assert_eq!(
        (
            &over["status"],
            &over["totalProducts"],
            &over["processedProducts"]
        ),
        (&json!("SUCCESS"), &json!(1), &json!(1))
    );
    monitor.stop().await;
}
