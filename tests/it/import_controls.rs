//! Optional actions on imports of the embedded price monitor.

use std::{fmt::Write, time::Duration};

use import_relay::server::store::products::NewProduct;
use monitor::{Monitor, eventually};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use crate::support::monitor;
use test_support::no_room;

/// A list of `count` products; every tenth has no price.
fn list(count: usize) -> String {
    let mut text = "sku,name,price\n".to_owned();
    for n in 1..=count {
        let price = if n % 10 == 0 { "" } else { "9.90" };
        writeln!(text, "SKU-{n:06},Product {n},{price}").unwrap();
    }
    text
}

/// Formats a count below a million with its separator.
fn grouped(count: u64) -> String {
    match (count / 1_000, count % 1_000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
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
        json!([
            "again", "columns", "failures", "retry", "correct", "changes", "undo", "delete"
        ])
    );
    monitor.stop().await;
}

#[tokio::test]
async fn what_an_import_changed_is_listed_filtered_and_downloaded() {
    let monitor = Monitor::start().await;
    monitor
        .import("sku,name,price\nA,One,10\nB,Two,2\nC,Three,3\n")
        .await;
    let second = monitor
        .import("sku,name,price\nA,One,6.5\nB,\"Two\nlines\",2\nC,Three,3\nD,Four,4\n")
        .await;
    let id = second["id"].as_str().unwrap();
    let list = async |query: &str| {
        let path = format!("/api/products/imports/{id}/changes?{query}");
        monitor.get(&path).await
    };
    let all = list("").await;
    assert_eq!(all["next"], Value::Null);
    let kinds: Vec<_> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["kind"])
        .collect();
    assert_eq!(kinds, ["updated", "updated", "added"]);
    assert_eq!(
        all["items"][0],
        json!({
            "row": 1, "identity": "sku:A", "sku": "A", "name": "One", "currency": null, "kind": "updated",
            "priceChange": -3500,
            "fields": [{ "field": "price", "old": "10", "new": "6.50" }],
        })
    );
    let page = list("limit=1&field=price&priceDown=30").await;
    assert_eq!(
        (page["items"].as_array().unwrap().len(), &page["next"]),
        (1, &Value::Null)
    );
    assert_eq!(list("priceDown=35").await["items"], json!([]));
    assert_eq!(list("limit=1").await["next"], 1);
    assert_eq!(
        list("limit=1&after=1").await["items"][0]["identity"],
        "sku:B"
    );
    assert_eq!(list("search=four").await["items"][0]["row"], 4);
    let refused = monitor
        .request(&format!("/api/products/imports/{id}/changes?kind=gone"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    let csv = monitor
        .request(&format!(
            "/api/products/imports/{id}/changes.csv?kind=updated"
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(
        csv.text().await.unwrap(),
        "Row,Identity,SKU,Name,Change,Field,Old,New\n\
         1,sku:A,A,One,updated,price,10,6.50\n\
         2,sku:B,B,\"Two\nlines\",updated,name,Two,\"Two\nlines\"\n"
    );
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_is_taken_back_and_forth() {
    let monitor = Monitor::start().await;
    monitor.import("sku,name,price\nA,One,10\nB,Two,2\n").await;
    let second = monitor
        .import("sku,name,price\nA,One,0.01\nB,Two,0.01\nC,Three,3\n")
        .await;
    let second = second["id"].as_str().unwrap();
    // Another import has changed one of them since.
    let third = monitor.import("sku,name,price\nB,Two,5\n").await;
    let products = async || {
        let products = monitor.store.products_after("", 9).await.unwrap();
        let price = |product: NewProduct| product.price.unwrap();
        products.into_iter().map(price).collect::<Vec<_>>()
    };
    let undo = async |id: &str, query: &str| {
        let (status, job) = act(&monitor, id, &format!("undo{query}")).await;
        assert_eq!(status, 201, "{job}");
        monitor.finished(job["id"].as_str().unwrap()).await
    };
    let undone = undo(second, "").await;
    assert_eq!(undone["status"], "PARTIAL_SUCCESS");
    assert_eq!(undone["failedProductSkus"], json!(["B"]));
    assert_eq!(products().await, ["10", "5"]);
    let told = details(&monitor, undone["id"].as_str().unwrap()).await;
    assert_eq!(
        (
            &told["updatedProducts"],
            &told["removedProducts"],
            &told["undoes"]
        ),
        (&json!(1), &json!(1), &json!(second))
    );
    assert_eq!(
        told["actions"],
        json!(["failures", "changes", "undo", "delete"])
    );
    assert_eq!(details(&monitor, second).await["undoneBy"], undone["id"]);

    let redone = undo(undone["id"].as_str().unwrap(), "").await;
    assert_eq!(redone["status"], "SUCCESS");
    assert_eq!(products().await, ["0.01", "5", "3"]);
    let everything = undo(second, "?everything=true").await;
    assert_eq!(everything["status"], "SUCCESS");
    assert_eq!(products().await, ["10", "2"]);

    // Its one product has changed since.
    let nothing = undo(third["id"].as_str().unwrap(), "").await;
    assert_eq!(nothing["status"], "ERROR");
    let (status, refused) = act(&monitor, nothing["id"].as_str().unwrap(), "undo").await;
    assert_eq!(status, 409, "{refused}");
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_that_would_change_too_much_waits_for_approval() {
    let monitor = Monitor::start().await;
    let list = |price: &dyn Fn(usize) -> String| {
        let mut text = "sku,name,price\n".to_owned();
        for n in 0..100 {
            writeln!(text, "S-{n},Product {n},{}", price(n)).unwrap();
        }
        text
    };
    monitor.import(&list(&|_| "10".to_owned())).await;
    // Half of them is not too many.
    let half = |n: usize| if n < 50 { "1" } else { "10" }.to_owned();
    let half = monitor.import(&list(&half)).await;
    assert_eq!(half["status"], "SUCCESS");

    let waits = async |file: String| {
        let id = monitor.accepted(file).await;
        let asked = eventually("it asks", async || {
            let state = details(&monitor, &id).await;
            (state["needs"] == "approval").then_some(state)
        })
        .await;
        (id, asked)
    };
    let (id, asked) = waits(list(&|_| "0.01".to_owned())).await;
    assert_eq!(
        asked["overLimit"],
        json!({ "limit": "prices", "count": 100, "of": 100, "by": 5000 })
    );
    assert_eq!(
        asked["actions"],
        json!(["cancel", "changes", "approve", "delete"])
    );
    // A preview can be seen before the approval, and is not among the changes.
    let changes = async |id: &str, query: &str| {
        let path = format!("/api/products/imports/{id}/changes?limit=1000&{query}");
        let page = monitor.get(&path).await;
        page["items"].as_array().unwrap().clone()
    };
    let would = changes(&id, "").await;
    assert_eq!(would.len(), 100);
    assert_eq!(
        (&would[0]["identity"], &would[0]["fields"]),
        (
            &json!("sku:S-0"),
            &json!([{ "field": "price", "old": "1", "new": "0.01" }])
        )
    );
    assert_eq!(changes(&id, "priceDown=99.5").await.len(), 50);
    assert_eq!(changes(&id, "search=product 77").await.len(), 1);
    let prices = async || {
        let products = monitor.store.products_after("", 999).await.unwrap();
        let cheap = |product: &NewProduct| product.price.as_deref() == Some("0.01");
        products.iter().filter(|product| cheap(product)).count()
    };
    assert_eq!(
        prices().await,
        0,
        "nothing is applied before it is approved"
    );
    assert_eq!(act(&monitor, &id, "approve").await.0, 200);
    assert_eq!(monitor.finished(&id).await["status"], "SUCCESS");
    assert_eq!(prices().await, 100);
    assert_eq!(act(&monitor, &id, "approve").await.0, 409);
    let did = changes(&id, "").await;
    let fields = |changes: &[Value]| -> Vec<Value> {
        changes.iter().map(|it| it["fields"].clone()).collect()
    };
    assert_eq!(fields(&did), fields(&would), "it does what was shown");

    // Rejecting is cancelling.
    let (id, asked) = waits(list(&|n| if n < 60 { "x" } else { "0.012" }.to_owned())).await;
    assert_eq!(
        asked["overLimit"],
        json!({ "limit": "failed", "count": 60, "of": 100 })
    );
    assert_eq!(changes(&id, "").await.len(), 40);
    assert_eq!(act(&monitor, &id, "cancel").await.0, 202);
    assert_eq!(monitor.finished_somehow(&id).await["status"], "ERROR");
    let rejected = details(&monitor, &id).await;
    let actions = rejected["actions"].as_array().unwrap();
    assert!(
        !actions.contains(&json!("undo")) && !actions.contains(&json!("changes")),
        "it changed nothing: {rejected}"
    );
    assert!(changes(&id, "").await.is_empty());
    monitor.stop().await;
}

#[tokio::test]
async fn a_check_says_what_would_change_and_whether_that_still_holds() {
    let monitor = Monitor::start().await;
    monitor.import("sku,name,price\nA,One,10\nB,Two,2\n").await;
    let file = "sku,name,price,stock\nA,One,8,1\nB,Two,2,\nC,Three,3,\n";
    let id = {
        let part = reqwest::multipart::Part::bytes(file.as_bytes()).file_name("list.csv");
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = monitor.post("/api/products/imports?mode=check");
        let answer = request.multipart(form).send().await.unwrap();
        let job: Value = answer.json().await.unwrap();
        job["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(monitor.finished(&id).await["status"], "SUCCESS");
    let changes = async |id: &str, query: &str| {
        let path = format!("/api/products/imports/{id}/changes?{query}");
        monitor.get(&path).await["items"].clone()
    };
    let would = changes(&id, "").await;
    assert_eq!(would[0]["priceChange"], -2000);
    assert_eq!(
        would[0]["fields"],
        json!([
            { "field": "price", "old": "10", "new": "8" },
            { "field": "stock", "old": null, "new": "1" },
        ])
    );
    assert_eq!(
        (&would[1]["identity"], &would[1]["kind"]),
        (&json!("sku:C"), &json!("added"))
    );
    assert_eq!(changes(&id, "search=thr").await[0], would[1]);
    assert_eq!(changes(&id, "search=one").await[0], would[0]);
    let told = details(&monitor, &id).await;
    assert_eq!(told["changedSince"], 0);
    assert_eq!(
        told["actions"],
        json!(["again", "columns", "changes", "delete"])
    );

    // The given mapping is used.
    let (status, again) = act(&monitor, &id, "again").await;
    assert_eq!(status, 201);
    let again = again["id"].as_str().unwrap();
    monitor.finished(again).await;
    let did = changes(again, "").await;
    let of = |changes: &Value, field: &str| {
        let all = changes.as_array().unwrap().iter();
        all.map(|change| change[field].clone()).collect::<Vec<_>>()
    };
    for field in ["row", "identity", "kind", "priceChange", "fields"] {
        assert_eq!(of(&did, field), of(&would, field), "{field}");
    }
    assert_eq!(details(&monitor, &id).await["changedSince"], 2);
    monitor.stop().await;
}

#[tokio::test]
async fn a_running_import_stops_and_keeps_what_is_in() {
    let mut monitor = Monitor::start_paused().await;
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
        format!(
            "Cancelled after importing {} of 100,000 products.",
            grouped(done)
        )
    );
    let kept = monitor.store.list_products("", 1).await.unwrap().total;
    assert_eq!(kept, done);

    let (status, answer) = act(&monitor, &id, "cancel").await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("The import has already finished."))
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
    let mut monitor = Monitor::start_paused().await;
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
        "Cancelled before any products were imported."
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
    let (head, rows) = csv.split_once('\n').unwrap();
    assert!(
        head.starts_with("\u{feff}Handle,Title,Option1 Value,Variant Price,Note,Import error,"),
        "{head}"
    );
    assert_eq!(
        rows,
        "tee,T-Shirt,M,'-5,\"two\nlines\",The price “-5” is negative.,\n\
         mug,Mug,,free,'-,“free” is not a valid price.,\n"
    );
    // Unchanged, the same rows fail for the same reasons.
    let again = monitor.import(&csv).await;
    assert_eq!(again["failedProducts"], 2);
    let path = format!(
        "/api/products/imports/{}/failures?search=negative",
        again["id"].as_str().unwrap()
    );
    let failures = monitor.get(&path).await;
    assert_eq!(failures["total"], 1);
    assert_eq!(failures["items"][0]["value"], "-5");
    // Corrected, they are imported.
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
async fn a_side_field_that_cannot_be_read_stays_as_it_was_and_costs_no_row() {
    let monitor = Monitor::start().await;
    monitor
        .import("sku,name,price,stock,url\nA,One,1,5,/a\n")
        .await;
    let file = "sku,name,price,stock,url\nA,One,2,lots of them,/b\nB,Two,3,7,/c\n";
    let over = monitor.import(file).await;
    assert_eq!(
        (&over["status"], &over["failedProducts"]),
        (&json!("SUCCESS"), &json!(0))
    );
    let id = over["id"].as_str().unwrap();
    assert_eq!(details(&monitor, id).await["warnings"], 1);
    let warnings = notes(&monitor, id, "warning").await;
    assert_eq!((warnings[0].0, warnings[0].1.as_str()), (2, "A"));
    let products = monitor.store.products_after("", 10).await.unwrap();
    let first = &products[0];
    assert_eq!(
        (first.price.as_deref(), first.stock, first.url.as_deref()),
        (Some("2"), Some(5), Some("/b"))
    );
    assert_eq!(products[1].stock, Some(7));
    monitor.stop().await;
}

#[tokio::test]
async fn a_corrected_row_means_what_it_meant_in_its_file() {
    let monitor = Monitor::start().await;
    let file = "SKU;Name;Price\nA;One;12,50\nB;Two;free\nC;Three;1.299,00\n";
    let over = monitor.import(file).await;
    let id = over["id"].as_str().unwrap();
    let path = format!("/api/products/imports/{id}/failures.csv");
    let list = monitor.request(&path).send().await.unwrap();
    let corrected = list.text().await.unwrap().replace("Two,free", "Two,1.299");
    let again = monitor.import(&corrected).await;
    assert_eq!(again["status"], "SUCCESS", "{corrected}");
    let products = monitor.store.list_products("two", 1).await.unwrap().items;
    assert_eq!(products[0].price.as_deref(), Some("1299"));
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

async fn correct(monitor: &Monitor, id: &str, kind: &str, rows: Value) -> (u16, Value) {
    let path = format!("/api/products/imports/{id}/correct");
    let request = monitor
        .post(&path)
        .json(&json!({ "kind": kind, "rows": rows }));
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn rows_are_corrected_cell_by_cell_and_mean_what_they_meant() {
    let monitor = Monitor::start().await;
    // A decimal comma that a corrected row alone would not show.
    let mut file = "Artikelnummer;Bezeichnung;Preis;Bestand\n".to_owned();
    for number in 1..=30 {
        writeln!(file, "A-{number};Tasse;{number},50;5").unwrap();
    }
    file.push_str("A-31;=Kanne;gratis;5\nA-32;Krug;;5\nA-33;Teller;3,50;viele\n");
    let over = monitor.import(&file).await;
    let id = over["id"].as_str().unwrap();
    let state = details(&monitor, id).await;
    assert_eq!(
        (&state["failedProducts"], &state["warnings"]),
        (&json!(2), &json!(1))
    );
    let actions = state["actions"].as_array().unwrap();
    assert!(actions.contains(&json!("correct")), "{state}");
    let path = format!("/api/products/imports/{id}");
    let cells = monitor
        .get(&format!("{path}/cells?kind=failed&page=1"))
        .await;
    assert_eq!(cells["total"], 2);
    assert_eq!(
        cells["columns"][2],
        json!({ "index": 2, "name": "Preis", "known": true })
    );
    let row = &cells["items"][0];
    assert_eq!(
        (&row["row"], &row["cells"]),
        (&json!(31), &json!(["A-31", "=Kanne", "gratis", "5"]))
    );
    assert_eq!(row["notes"][0]["column"], "Preis");

    let unchanged = json!({ "31": { "2": "gratis" }, "1": { "2": "9" } });
    assert_eq!(correct(&monitor, id, "failed", unchanged).await.0, 409);
    let rows = json!({ "31": { "2": "1.299", "0": "A-31" }, "32": { "2": "" } });
    let (status, job) = correct(&monitor, id, "failed", rows).await;
    assert_eq!(status, 201);
    let again = monitor.finished(job["id"].as_str().unwrap()).await;
    assert_eq!(
        (&again["totalProducts"], &again["failedProducts"]),
        (&json!(1), &json!(0))
    );
    let find = async |identity: &str| {
        let found = monitor.store.find_product(identity).await.unwrap();
        found.unwrap()
    };
    let pot = find("sku:A-31").await;
    assert_eq!(
        (pot.name.as_str(), pot.price.as_deref(), pot.stock),
        ("=Kanne", Some("1299"), Some(5))
    );

    let cells = monitor
        .get(&format!("{path}/cells?kind=warning&page=1"))
        .await;
    assert_eq!(
        cells["items"][0]["cells"],
        json!(["A-33", "Teller", "3,50", "viele"])
    );
    let (status, job) = correct(&monitor, id, "warning", json!({ "33": { "3": "8" } })).await;
    assert_eq!(status, 201);
    let again = details(&monitor, {
        monitor.finished(job["id"].as_str().unwrap()).await;
        job["id"].as_str().unwrap()
    })
    .await;
    assert_eq!(
        (&again["updatedProducts"], &again["warnings"]),
        (&json!(1), &json!(0))
    );
    let plate = find("sku:A-33").await;
    assert_eq!(
        (plate.price.as_deref(), plate.stock),
        (Some("3.50"), Some(8))
    );
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
        (&json!("check"), [1, 1, 1, 1])
    );
    assert_eq!(checked["replacedRows"], 1);
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

async fn asks(monitor: &Monitor, id: &str) -> Value {
    eventually("the import asks", async || {
        let state = details(monitor, id).await;
        assert_eq!(state["status"], "PENDING", "{state}");
        (!state["needs"].is_null()).then_some(state)
    })
    .await
}

const UNKNOWN_COLUMNS: &str = "ref,what,how much\n1,Shirt,19.90\n2,Mug,cheap\n";

async fn upload_of(monitor: &Monitor, owner: &str, file: &'static str) -> String {
    let part = reqwest::multipart::Part::text(file).file_name("list.csv");
    let answer = monitor
        .post("/api/products/imports")
        .header("X-Import-Owner", owner)
        .multipart(reqwest::multipart::Form::new().part("file", part))
        .send();
    let job: Value = answer.await.unwrap().json().await.unwrap();
    job["id"].as_str().unwrap().to_owned()
}

async fn say(monitor: &Monitor, path: &str, said: Value) -> (u16, Value) {
    let path = format!("/api/products/imports/{path}");
    let answer = monitor.post(&path).json(&said).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn columns_that_are_not_known_are_asked_for_and_the_answer_is_remembered_for_all() {
    let monitor = Monitor::start().await;
    let id = upload_of(&monitor, "ada", UNKNOWN_COLUMNS).await;
    let waiting = asks(&monitor, &id).await;
    assert_eq!(
        (&waiting["needs"], &waiting["actions"]),
        (&json!("columns"), &json!(["cancel", "columns", "delete"]))
    );

    let columns = monitor
        .get(&format!("/api/products/imports/{id}/columns"))
        .await;
    assert_eq!(columns["header"], json!(["ref", "what", "how much"]));
    assert_eq!(columns["rows"][0], json!(["1", "Shirt", "19.90"]));
    assert_eq!(columns["needs"], "columns");
    let mapping = json!({ "columns": { "0": "sku", "1": "name", "2": "price" } });
    let (_, preview) = say(&monitor, &format!("{id}/columns/preview"), mapping.clone()).await;
    assert_eq!(preview[0]["name"], "Shirt");
    assert_eq!(preview[1]["error"], "“cheap” is not a valid price.");
    let twice = json!({ "columns": { "0": "sku", "1": "sku", "2": "price" } });
    for path in ["columns/preview", "columns"] {
        let (status, refused) = say(&monitor, &format!("{id}/{path}"), twice.clone()).await;
        assert_eq!(
            (status, &refused["errorCode"]),
            (422, &json!("mapped-twice"))
        );
        let params = json!({ "first": "ref", "second": "what" });
        assert_eq!(refused["errorParams"], params);
    }
    for bad in [
        json!({ "columns": { "0": "sku" } }),
        json!({ "columns": { "0": "nonsense" } }),
        json!({ "colums": {} }),
        json!({ "columns": { "0": "sku", "2": "price" }, "currency": "money" }),
        json!({ "columns": { "0": "sku", "2": "price" }, "decimalMark": "dash" }),
    ] {
        let (status, _) = say(&monitor, &format!("{id}/columns"), bad).await;
        assert_eq!(status, 422);
    }
    let (status, answered) = say(&monitor, &format!("{id}/columns"), mapping).await;
    assert_eq!((status, &answered["id"]), (200, &json!(id)));
    let over = monitor.finished(&id).await;
    assert_eq!(
        (&over["processedProducts"], &over["failedProducts"]),
        (&json!(1), &json!(1))
    );

    let next = upload_of(&monitor, "bob", UNKNOWN_COLUMNS).await;
    assert_eq!(monitor.finished(&next).await["status"], "PARTIAL_SUCCESS");
    monitor.stop().await;
}

#[tokio::test]
async fn a_file_whose_prices_can_be_read_in_two_ways_is_asked_about() {
    let monitor = Monitor::start().await;
    let file = "sku,name,price\nA,Cup,1.299\nB,Mug,2.499\n";
    let id = upload_of(&monitor, "ada", file).await;
    assert_eq!(asks(&monitor, &id).await["needs"], "decimal-mark");
    let columns = json!({ "0": "sku", "1": "name", "2": "price" });
    let said = json!({ "columns": columns, "decimalMark": "comma" });
    let (status, _) = say(&monitor, &format!("{id}/columns"), said).await;
    assert_eq!(status, 200);
    assert_eq!(monitor.finished(&id).await["status"], "SUCCESS");
    let products = monitor.store.list_products("cup", 1).await.unwrap().items;
    assert_eq!(products[0].price.as_deref(), Some("1299"));
    let next = upload_of(&monitor, "bob", file).await;
    assert_eq!(monitor.finished(&next).await["status"], "SUCCESS");
    monitor.stop().await;
}

#[tokio::test]
async fn a_workbook_of_which_no_sheet_is_understood_is_asked_about() {
    let monitor = Monitor::start().await;
    let book = include_bytes!("../../crates/product-feed/tests/feeds/workbook-which-sheet.xlsx");
    let id = monitor.accepted_of("ada", book.as_slice()).await;
    assert_eq!(asks(&monitor, &id).await["needs"], "sheets");
    // Its first row is the header; the second one names "h" as the price.
    let said = json!({ "sheets": ["Two"], "columns": { "0": "sku", "1": "price" } });
    let (status, _) = say(&monitor, &format!("{id}/columns"), said).await;
    assert_eq!(status, 200);
    let over = monitor.finished(&id).await;
    assert_eq!(
        (&over["processedProducts"], &over["failedProductSkus"]),
        (&json!(0), &json!(["g"]))
    );
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_that_nobody_answers_ends_and_can_be_answered_all_the_same() {
    let mut monitor = Monitor::start().await;
    let id = upload_of(&monitor, "ada", UNKNOWN_COLUMNS).await;
    asks(&monitor, &id).await;
    monitor.halt().await;
    let days_ago = 15_i64 * 24 * 60 * 60 * 1000;
    let db = Database::connect(&monitor.database).await.unwrap();
    db.execute_unprepared(&format!(
        "UPDATE monitor_imports SET asked_at = asked_at - {days_ago} WHERE id = '{id}'"
    ))
    .await
    .unwrap();
    db.close().await.unwrap();
    monitor.resume().await;
    let over = eventually("the import is over", async || {
        let state = details(&monitor, &id).await;
        (state["status"] != "PENDING").then_some(state)
    })
    .await;
    assert_eq!(over["status"], "ERROR", "{over}");
    let said = json!({ "columns": { "0": "sku", "2": "price" } });
    let (status, again) = say(&monitor, &format!("{id}/columns"), said).await;
    assert_eq!(status / 100, 2, "{again}");
    assert_ne!(again["id"], json!(id));
    let next = again["id"].as_str().unwrap();
    assert_eq!(monitor.finished(next).await["processedProducts"], 1);
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_that_waits_for_an_answer_stays_so_over_a_restart_and_runs_nowhere() {
    let mut monitor = Monitor::start().await;
    // As many as may run: imports that wait for an answer must not block another one.
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let id = upload_of(&monitor, "ada", UNKNOWN_COLUMNS).await;
        asks(&monitor, &id).await;
        waiting.push(id);
    }
    let other = upload_of(&monitor, "ada", "sku,price\nA,1\n").await;
    assert_eq!(monitor.finished(&other).await["status"], "SUCCESS");
    monitor.restart().await;
    assert!(monitor.before_restart.is_none());
    let [cancelled, deleted, answered] = waiting.as_slice() else {
        panic!("three of them");
    };
    assert_eq!(asks(&monitor, cancelled).await["needs"], "columns");

    let (status, _) = act(&monitor, cancelled, "cancel").await;
    assert_eq!(status, 202);
    let over = eventually("the import is over", async || {
        let state = details(&monitor, cancelled).await;
        (state["status"] != "PENDING").then_some(state)
    })
    .await;
    assert_eq!(
        over["error"],
        "Cancelled before any products were imported."
    );

    let path = format!("/api/products/imports/{deleted}");
    let gone = monitor.http.delete(monitor.url(&path));
    let gone = gone.header("X-API-Key", monitor::KEY).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(monitor.request(&path).send().await.unwrap().status(), 404);

    let said = json!({ "columns": { "0": "sku", "2": "price" } });
    let (status, _) = say(&monitor, &format!("{answered}/columns"), said).await;
    assert_eq!(status, 200);
    assert_eq!(monitor.finished(answered).await["processedProducts"], 1);
    monitor.stop().await;
}

/// Returns the rows of a kind: line, name, reason, and the line that replaced it.
async fn notes(monitor: &Monitor, id: &str, kind: &str) -> Vec<(u64, String, String, Option<u64>)> {
    let path = format!("/api/products/imports/{id}/notes?kind={kind}");
    let page = monitor.get(&path).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = page["items"].as_array().unwrap().iter();
    rows.map(|row| {
        let (sku, reason) = (text(&row["sku"]), text(&row["reason"]));
        (
            row["line"].as_u64().unwrap(),
            sku,
            reason,
            row["byLine"].as_u64(),
        )
    })
    .collect()
}

#[tokio::test]
async fn every_row_of_a_file_is_accounted_for() {
    let file = "Handle,Title,SKU,Price,Image Src\n\
                tee,Tee,A,5,a.jpg\n\
                tee,,,,b.jpg\n\
                tee,,B,,\n\
                \n\
                ,Cap,A,7,c.jpg\n\
                cap,Cap,C,8,\n";
    let monitor = Monitor::start().await;
    for mode in ["import", "check"] {
        let part = reqwest::multipart::Part::text(file).file_name("list.csv");
        let answer = monitor
            .post(&format!("/api/products/imports?mode={mode}"))
            .multipart(reqwest::multipart::Form::new().part("file", part))
            .send()
            .await
            .unwrap();
        let job: Value = answer.json().await.unwrap();
        let id = job["id"].as_str().unwrap();
        monitor.finished(id).await;
        let over = details(&monitor, id).await;
        let count = |name: &str| over[name].as_u64().unwrap();
        let counted = [
            count("addedProducts") + count("updatedProducts") + count("unchangedProducts"),
            count("replacedRows"),
            count("failedProducts"),
            count("passedOverRows"),
        ];
        assert_eq!((counted, count("rowsRead")), ([2, 1, 1, 1], 5), "{over}");
        assert_eq!(over["passedOver"], json!({ "image": 1 }));
        let passed_over = notes(&monitor, id, "passed-over").await;
        assert_eq!(
            passed_over,
            [(3, "tee".to_owned(), "image".to_owned(), None)]
        );
        let replaced = notes(&monitor, id, "replaced").await;
        assert_eq!(replaced, [(2, "A".to_owned(), String::new(), Some(6))]);
        let path = format!("/api/products/imports/{id}/notes.csv?kind=replaced");
        let list = monitor.request(&path).send().await.unwrap();
        let list = list.text().await.unwrap();
        assert_eq!(
            list,
            "Line,SKU,Column,Value,Reason\n2,A,,,Replaced by line 6.\n"
        );
    }
    monitor.stop().await;
}

/// Runs two imports of a user, so that a third one waits; returns all three.
async fn with_one_that_waits(monitor: &Monitor, file: &str) -> [String; 3] {
    let first = monitor.accepted(list(30_000)).await;
    let second = monitor.accepted(list(30_000)).await;
    let third = monitor.accepted(file).await;
    [first, second, third]
}

#[tokio::test]
async fn a_stored_file_that_lost_its_end_is_no_success() {
    let mut monitor = Monitor::start().await;
    let file = list(1000).replace(",\n", ",1\n");
    let whole = monitor.import(&file).await;
    assert_eq!(whole["status"], "SUCCESS");
    monitor.rows_per_second = monitor::PAUSED;
    monitor.restart().await;
    let [_, _, id] = with_one_that_waits(&monitor, &file).await;
    monitor.halt().await;
    let stored = monitor.upload_path(&id);
    let half = std::fs::metadata(&stored).unwrap().len() / 2;
    let cut = std::fs::OpenOptions::new().write(true).open(stored);
    cut.unwrap().set_len(half).unwrap();
    monitor.rows_per_second = None;
    monitor.resume().await;
    let over = eventually("the import is over", async || {
        let state = details(&monitor, &id).await;
        (state["status"] != "PENDING").then_some(state)
    })
    .await;
    assert_eq!(over["status"], "ERROR");
    assert_eq!(over["errorCode"], "file-length");
    assert_eq!(
        over["errorParams"],
        json!({ "is": half, "was": file.len() })
    );
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
async fn an_import_on_a_full_disk_waits_says_so_and_goes_on_once_there_is_room() {
    let monitor = Monitor::start().await;
    let Some(path) = monitor.sqlite() else { return };
    let db = Database::connect(format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    // Simulates a disk with space for 3,000 products.
    let when = "INSERT ON products WHEN (SELECT count(*) FROM products) >= 3000";
    no_room::take(&db, when).await;
    let waits = async |id: &str| {
        eventually("the import waits", async || {
            let state = details(&monitor, id).await;
            assert_eq!(state["status"], "PENDING", "{state}");
            (state["waitsForRoom"] == true).then_some(state)
        })
        .await
    };
    let id = monitor.accepted(list(9000)).await;
    let state = waits(&id).await;
    assert_eq!(state["processedProducts"], 1800, "one batch fits: {state}");
    no_room::give_back(&db).await;
    let over = monitor.finished(&id).await;
    assert_eq!(
        (&over["processedProducts"], &over["failedProducts"]),
        (&json!(8100), &json!(900))
    );
    assert_eq!(
        monitor.store.list_products("", 1).await.unwrap().total,
        8100
    );
    // A waiting one can be cancelled.
    no_room::take(&db, when).await;
    let id = monitor.accepted(list(9000).replace("SKU-", "OTHER-")).await;
    waits(&id).await;
    assert_eq!(act(&monitor, &id, "cancel").await.0, 202);
    let over = monitor.finished_somehow(&id).await;
    assert_eq!(over["status"], "ERROR");
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
