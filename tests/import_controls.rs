//! What can be done with an import of the embedded price monitor beyond what the contract asks for.
#![cfg(feature = "ssr")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a test may panic

#[path = "price_monitor/monitor.rs"]
mod monitor;

use std::{fmt::Write, time::Duration};

use monitor::{Monitor, eventually};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

/// A list of `count` products; every tenth has no price.
fn list(count: usize) -> String {
    let mut text = "sku,name,price\n".to_owned();
    for n in 1..=count {
        let price = if n % 10 == 0 { "" } else { "9.90" };
        writeln!(text, "SKU-{n:06},Product {n},{price}").unwrap();
    }
    text
}

async fn act(monitor: &Monitor, id: &str, action: &str) -> (u16, Value) {
    let path = format!("/api/products/imports/{id}/{action}");
    let answer = monitor.post(&path).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn details(monitor: &Monitor, id: &str) -> Value {
    monitor.get(&format!("/api/products/imports/{id}")).await
}

#[tokio::test]
async fn what_became_of_products_is_told() {
    let monitor = Monitor::start().await;
    let first = monitor
        .import("sku,name,price\nA,One,1\nB,Two,2\nC,Three,3\n")
        .await;
    let first = details(&monitor, first["id"].as_str().unwrap()).await;
    assert_eq!(first["addedProducts"], 3);
    let second = monitor
        .import("sku,name,price\nA,One,1\nB,Two,5\nD,Four,4\nE,Five,\n")
        .await;
    let second = details(&monitor, second["id"].as_str().unwrap()).await;
    assert_eq!(second["addedProducts"], 1);
    assert_eq!(second["updatedProducts"], 1);
    assert_eq!(second["unchangedProducts"], 1);
    assert_eq!(second["failedProducts"], 1);
    assert_eq!(
        second["actions"],
        json!(["again", "columns", "failures", "retry", "delete"])
    );
    monitor.stop().await;
}

#[tokio::test]
async fn a_running_import_stops_and_keeps_what_is_in() {
    let mut monitor = Monitor::start_slow().await;
    let id = monitor.accepted(list(100_000)).await;
    eventually("some products are in", async || {
        let state = details(&monitor, &id).await;
        (state["processedProducts"].as_u64().unwrap() > 0).then_some(())
    })
    .await;
    let (status, _) = act(&monitor, &id, "cancel").await;
    assert_eq!(status, 202);
    let over = eventually("the import is over", async || {
        let state = details(&monitor, &id).await;
        (state["status"] != "PENDING").then_some(state)
    })
    .await;
    assert_eq!(over["status"], "ERROR");
    let done = over["processedProducts"].as_u64().unwrap();
    assert!(done < 90_000);
    assert_eq!(
        over["error"],
        format!("The import was cancelled: {done} of 100000 products are imported and stay.")
    );
    let kept = monitor.store.list_products("", 1).await.unwrap().total;
    assert_eq!(kept, done);

    let (status, answer) = act(&monitor, &id, "cancel").await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("The import is over already."))
    );
    monitor.rows_per_second = None;
    monitor.restart().await;
    let (status, again) = act(&monitor, &id, "again").await;
    assert_eq!(status, 201);
    let again = monitor.finished(again["id"].as_str().unwrap()).await;
    assert_eq!(again["processedProducts"], 90_000);
    monitor.stop().await;
}

#[tokio::test]
async fn one_user_s_imports_wait_and_show_their_place() {
    let mut monitor = Monitor::start_slow().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(monitor.accepted(list(30_000)).await);
    }
    let places: Vec<Value> = vec![
        details(&monitor, &ids[2]).await["queuePosition"].clone(),
        details(&monitor, &ids[3]).await["queuePosition"].clone(),
    ];
    assert_eq!(places, [json!(1), json!(2)]);
    let (status, _) = act(&monitor, &ids[3], "cancel").await;
    assert_eq!(status, 202);
    let cancelled = details(&monitor, &ids[3]).await;
    assert_eq!(
        cancelled["error"],
        "The import was cancelled before any product was imported."
    );
    monitor.rows_per_second = None;
    monitor.restart().await;
    for id in &ids[..3] {
        assert_eq!(monitor.finished(id).await["status"], "PARTIAL_SUCCESS");
    }
    monitor.stop().await;
}

#[tokio::test]
async fn failed_rows_come_back_as_a_file_that_imports_once_corrected() {
    let monitor = Monitor::start().await;
    let file = "Handle;Title;Option1 Value;Variant Price;Note\n\
                tee;T-Shirt;S;10;=1+1\n\
                tee;;M;-5;\"two\nlines\"\n\
                mug;Mug;;free;-\n";
    let over = monitor.import(file).await;
    assert_eq!(
        (&over["processedProducts"], &over["failedProducts"]),
        (&json!(1), &json!(2))
    );
    let id = over["id"].as_str().unwrap();
    let path = format!("/api/products/imports/{id}/failures.csv");
    let csv = monitor
        .request(&path)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(
        csv,
        "\u{feff}Handle,Title,Option1 Value,Variant Price,Note,Import error\n\
         tee,T-Shirt,M,'-5,\"two\nlines\",\"The price \"\"-5\"\" is negative.\"\n\
         mug,Mug,,free,'-,\"The price \"\"free\"\" cannot be read.\"\n"
    );
    // As it is, the same rows fail for the same reasons.
    let again = monitor.import(&csv).await;
    assert_eq!(again["failedProducts"], 2);
    let path = format!(
        "/api/products/imports/{}/failures?search=negative",
        again["id"].as_str().unwrap()
    );
    let failures = monitor.get(&path).await;
    assert_eq!(failures["total"], 1);
    assert_eq!(failures["items"][0]["value"], "-5");
    // Corrected, they are what they would have been.
    let corrected = csv.replace("'-5", "5").replace("free", "7");
    let good = monitor.import(&corrected).await;
    assert_eq!(
        (&good["status"], &good["processedProducts"]),
        (&json!("SUCCESS"), &json!(2))
    );
    let products = monitor.store.list_products("t-shirt", 1).await.unwrap();
    let identities: Vec<_> = products
        .items
        .iter()
        .map(|it| it.identity.as_str())
        .collect();
    assert_eq!(identities, ["handle:tee/M", "handle:tee/S"]);
    monitor.stop().await;
}

#[tokio::test]
async fn failed_rows_are_retried_alone() {
    let monitor = Monitor::start().await;
    let over = monitor.import(&list(2500)).await;
    let (status, retried) = act(&monitor, over["id"].as_str().unwrap(), "retry").await;
    assert_eq!(status, 201);
    let retried = monitor.finished(retried["id"].as_str().unwrap()).await;
    assert_eq!(
        (&retried["totalProducts"], &retried["failedProducts"]),
        (&json!(250), &json!(250))
    );
    let whole = monitor.import("sku,price\nA,1\n").await;
    let (status, _) = act(&monitor, whole["id"].as_str().unwrap(), "retry").await;
    assert_eq!(status, 409);
    monitor.stop().await;
}

#[tokio::test]
async fn a_check_writes_nothing_and_the_import_after_it_does_what_it_said() {
    let monitor = Monitor::start().await;
    monitor.import("sku,name,price\nA,One,1\nB,Two,2\n").await;
    let file = "sku,name,price\nA,One,1\nB,Two,3\nC,Three,4\nC,Three,5\nD,Four,\n";
    let form = reqwest::multipart::Form::new().part(
        "file",
        reqwest::multipart::Part::text(file).file_name("list.csv"),
    );
    let answer = monitor
        .post("/api/products/imports?mode=check")
        .multipart(form);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let job: Value = answer.json().await.unwrap();
    let id = job["id"].as_str().unwrap();
    monitor.finished(id).await;
    let counts = |state: &Value| {
        [
            "addedProducts",
            "updatedProducts",
            "unchangedProducts",
            "failedProducts",
        ]
        .map(|name| state[name].as_u64().unwrap())
    };
    let checked = details(&monitor, id).await;
    assert_eq!(
        (&checked["mode"], counts(&checked)),
        (&json!("check"), [1, 2, 1, 1])
    );
    assert_eq!(monitor.store.list_products("", 1).await.unwrap().total, 2);
    let (_, started) = act(&monitor, id, "again").await;
    let started = started["id"].as_str().unwrap();
    monitor.finished(started).await;
    let imported = details(&monitor, started).await;
    assert_eq!(
        (&imported["mode"], counts(&imported)),
        (&json!("import"), counts(&checked))
    );
    assert_eq!(monitor.store.list_products("", 1).await.unwrap().total, 3);
    monitor.stop().await;
}

#[tokio::test]
async fn columns_that_are_not_known_can_be_said_and_are_remembered() {
    let monitor = Monitor::start().await;
    let file = "ref,what,how much\n1,Shirt,19.90\n2,Mug,cheap\n";
    let form = || {
        let part = reqwest::multipart::Part::text(file).file_name("list.csv");
        reqwest::multipart::Form::new().part("file", part)
    };
    let upload = || {
        monitor
            .post("/api/products/imports")
            .header("X-Import-Owner", "ada")
            .multipart(form())
            .send()
    };
    let job: Value = upload().await.unwrap().json().await.unwrap();
    let id = job["id"].as_str().unwrap();
    let over = monitor.finished(id).await;
    assert_eq!(over["status"], "ERROR");
    assert_eq!(details(&monitor, id).await["problem"], "columns");

    let columns = monitor
        .get(&format!("/api/products/imports/{id}/columns"))
        .await;
    assert_eq!(columns["header"], json!(["ref", "what", "how much"]));
    assert_eq!(columns["rows"][0], json!(["1", "Shirt", "19.90"]));
    let path = format!("/api/products/imports/{id}/columns");
    let say = |path: String, columns: Value| {
        let request = monitor.post(&path).header("X-Import-Owner", "ada");
        request.json(&json!({ "columns": columns })).send()
    };
    let mapping = json!({ "0": "sku", "1": "name", "2": "price" });
    let preview = say(format!("{path}/preview"), mapping.clone())
        .await
        .unwrap();
    let preview: Value = preview.json().await.unwrap();
    assert_eq!(preview[0]["name"], "Shirt");
    assert_eq!(preview[1]["error"], "The price \"cheap\" cannot be read.");
    for bad in [json!({ "0": "sku" }), json!({ "0": "nonsense" })] {
        assert_eq!(say(path.clone(), bad).await.unwrap().status(), 422);
    }
    let mapped = say(path, mapping).await.unwrap();
    assert_eq!(mapped.status(), 201);
    let mapped: Value = mapped.json().await.unwrap();
    let mapped = monitor.finished(mapped["id"].as_str().unwrap()).await;
    assert_eq!(
        (&mapped["processedProducts"], &mapped["failedProducts"]),
        (&json!(1), &json!(1))
    );

    let next: Value = upload().await.unwrap().json().await.unwrap();
    let next = monitor.finished(next["id"].as_str().unwrap()).await;
    assert_eq!(next["status"], "PARTIAL_SUCCESS");
    monitor.stop().await;
}

#[tokio::test]
async fn a_deleted_import_is_gone_and_its_products_stay() {
    let monitor = Monitor::start().await;
    let over = monitor.import("sku,price\nA,1\nB,\n").await;
    let id = over["id"].as_str().unwrap();
    let path = format!("/api/products/imports/{id}");
    let delete = || {
        monitor
            .http
            .delete(monitor.url(&path))
            .header("X-API-Key", monitor::KEY)
            .send()
    };
    assert_eq!(delete().await.unwrap().status(), 204);
    assert_eq!(delete().await.unwrap().status(), 404);
    assert_eq!(monitor.request(&path).send().await.unwrap().status(), 404);
    assert!(monitor.uploads().is_empty());
    assert_eq!(monitor.store.list_products("", 1).await.unwrap().total, 1);
    monitor.stop().await;
}

#[tokio::test]
async fn a_full_disk_ends_an_import_in_a_sentence_and_the_service_lives() {
    let monitor = Monitor::start().await;
    let Some(path) = monitor.sqlite() else { return };
    let db = Database::connect(format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    // Stands for a disk on which there is room for 3,000 products.
    db.execute_unprepared(
        "CREATE TRIGGER full BEFORE INSERT ON products WHEN (SELECT count(*) FROM products) >= 3000 \
         BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    .await
    .unwrap();
    let over = monitor.accepted(list(9000)).await;
    let over = eventually("the import is over", async || {
        let state = details(&monitor, &over).await;
        (state["status"] != "PENDING").then_some(state)
    })
    .await;
    assert_eq!(over["status"], "ERROR");
    assert!(
        over["error"].as_str().unwrap().contains("the disk is full"),
        "{over}"
    );
    db.execute_unprepared("DROP TRIGGER full").await.unwrap();
    assert_eq!(
        monitor.import("sku,price\nA,1\n").await["status"],
        "SUCCESS"
    );
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_waits_for_a_database_that_is_locked() {
    let monitor = Monitor::start_slow().await;
    let Some(path) = monitor.sqlite() else { return };
    let db = Database::connect(format!("sqlite:{}?mode=rw", path.display()))
        .await
        .unwrap();
    let id = monitor.accepted(list(20_000)).await;
    eventually("some products are in", async || {
        let state = details(&monitor, &id).await;
        (state["processedProducts"].as_u64().unwrap() > 0).then_some(())
    })
    .await;
    db.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let before = details(&monitor, &id).await["processedProducts"].clone();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(details(&monitor, &id).await["processedProducts"], before);
    db.execute_unprepared("COMMIT").await.unwrap();
    assert_eq!(monitor.finished(&id).await["processedProducts"], 18_000);
    monitor.stop().await;
}
