//! Imports that write some products or values only, and full files.

use import_relay::server::store::products::NewProduct;
use monitor::{Monitor, PAUSED, eventually};
use reqwest::{Response, multipart};
use serde_json::{Value, json};

use crate::support::monitor;

/// Products before each import.
const SHOP: &str = "sku,name,price,stock,currency\nA,One,1,5,EUR\nB,Two,2,6,EUR\nC,Three,3,7,EUR\n";

async fn send(monitor: &Monitor, query: &str, file: &str) -> Response {
    let part = multipart::Part::bytes(file.as_bytes().to_vec()).file_name("list.csv");
    let form = multipart::Form::new().part("file", part);
    let request = monitor.post(&format!("/api/products/imports?{query}"));
    request.multipart(form).send().await.unwrap()
}

async fn accepted(monitor: &Monitor, query: &str, file: &str) -> String {
    let answer = send(monitor, query, file).await;
    assert_eq!(answer.status(), 201, "{query}");
    let job: Value = answer.json().await.unwrap();
    job["id"].as_str().unwrap().to_owned()
}

async fn import(monitor: &Monitor, query: &str, file: &str) -> Value {
    let id = accepted(monitor, query, file).await;
    over(monitor, &id).await
}

async fn over(monitor: &Monitor, id: &str) -> Value {
    monitor.finished(id).await;
    details(monitor, id).await
}

async fn details(monitor: &Monitor, id: &str) -> Value {
    monitor.get(&format!("/api/products/imports/{id}")).await
}

/// Runs an action that creates another import, to its end.
async fn further(monitor: &Monitor, of: &Value, action: &str) -> Value {
    let id = of["id"].as_str().unwrap();
    let path = format!("/api/products/imports/{id}/{action}");
    let answer = monitor.post(&path).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{action}");
    let job: Value = answer.json().await.unwrap();
    over(monitor, job["id"].as_str().unwrap()).await
}

async fn products(monitor: &Monitor) -> Vec<NewProduct> {
    monitor.store.products_after("", 99_999).await.unwrap()
}

async fn notes(monitor: &Monitor, of: &Value, kind: &str) -> Vec<(String, String)> {
    let id = of["id"].as_str().unwrap();
    let path = format!("/api/products/imports/{id}/notes?kind={kind}");
    let page = monitor.get(&path).await;
    let items = page["items"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let note = |item: &Value| (text(&item["sku"]), text(&item["reason"]));
    items.iter().map(note).collect()
}

fn counts(import: &Value) -> [u64; 6] {
    [
        "addedProducts",
        "updatedProducts",
        "unchangedProducts",
        "passedOverRows",
        "failedProducts",
        "rowsRead",
    ]
    .map(|name| import[name].as_u64().unwrap())
}

fn pairs(notes: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(sku, reason): &(&str, &str)| ((*sku).to_owned(), (*reason).to_owned());
    notes.iter().map(owned).collect()
}

#[tokio::test]
async fn an_import_adds_only_or_updates_only() {
    let monitor = Monitor::start().await;
    monitor.import(SHOP).await;
    let before = products(&monitor).await;
    let file = "sku,name,price\nA,Eins,9\nD,Four,4\nB,Two,2\nD,Vier,5\nE,,x\n";

    let check = import(&monitor, "mode=check&products=new", file).await;
    let added = import(&monitor, "products=new", file).await;
    for import in [&check, &added] {
        assert_eq!(counts(import), [1, 0, 0, 3, 1, 5]);
        let expected = [
            ("A", "already-there"),
            ("B", "already-there"),
            ("D", "already-there"),
        ];
        assert_eq!(
            notes(&monitor, import, "passed-over").await,
            pairs(&expected)
        );
        assert!(notes(&monitor, import, "replaced").await.is_empty());
        assert_eq!(import["passedOver"], json!({ "already-there": 3 }));
        assert_eq!(import["status"], "PARTIAL_SUCCESS");
    }
    assert_eq!(added["options"]["products"], "new");
    let there = products(&monitor).await;
    assert_eq!(there[..3], before[..]);
    assert_eq!((there[3].name.as_str(), there.len()), ("Four", 4));
    further(&monitor, &added, "undo").await;
    assert_eq!(products(&monitor).await, before);

    let check = import(&monitor, "mode=check&products=existing", file).await;
    let updated = import(&monitor, "products=existing", file).await;
    for import in [&check, &updated] {
        assert_eq!(counts(import), [0, 1, 1, 2, 1, 5]);
        let expected = [("D", "not-there"), ("D", "not-there")];
        assert_eq!(
            notes(&monitor, import, "passed-over").await,
            pairs(&expected)
        );
        assert!(notes(&monitor, import, "replaced").await.is_empty());
    }
    let there = products(&monitor).await;
    assert_eq!((there[0].name.as_str(), there.len()), ("Eins", 3));
    further(&monitor, &updated, "undo").await;
    assert_eq!(products(&monitor).await, before);

    // Nothing to do is no failure.
    let nothing = import(&monitor, "products=new", SHOP).await;
    assert_eq!(counts(&nothing), [0, 0, 0, 3, 0, 3]);
    assert_eq!(
        (&nothing["status"], &nothing["totalProducts"]),
        (&json!("SUCCESS"), &json!(0))
    );
    let failed = "sku,name,price\nA,One,1\nE,Five,x\n";
    let failed = import(&monitor, "products=new", failed).await;
    assert_eq!(
        failed["error"],
        "Nothing was imported: every row failed or was skipped."
    );
    monitor.stop().await;
}

#[tokio::test]
async fn chosen_fields_alone_are_updated() {
    let monitor = Monitor::start().await;
    monitor.import(SHOP).await;
    let before = products(&monitor).await;
    let file = "sku,name,price,stock,currency\nA,Eins,9,1,USD\nD,Vier,4,4,EUR\n";
    let stock = import(&monitor, "fields=stock", file).await;
    assert_eq!(counts(&stock), [1, 1, 0, 0, 0, 2]);
    let there = products(&monitor).await;
    let expected = NewProduct {
        stock: Some(1),
        ..before[0].clone()
    };
    assert_eq!(there[0], expected);
    // A new product gets all values.
    assert_eq!((there[3].name.as_str(), there[3].stock), ("Vier", Some(4)));
    further(&monitor, &stock, "undo").await;
    assert_eq!(products(&monitor).await, before);

    // The currency goes with the price.
    let query = "fields=price,stock&products=existing";
    let check = import(&monitor, &format!("mode=check&{query}"), file).await;
    assert_eq!(counts(&check), [0, 1, 0, 1, 0, 2]);
    let priced = further(&monitor, &check, "again").await;
    assert_eq!(counts(&priced), counts(&check));
    assert_eq!(priced["mode"], "import");
    assert_eq!(
        priced["options"],
        json!({ "products": "existing", "fields": ["price", "stock"], "missing": "keep" })
    );
    let there = products(&monitor).await;
    let expected = NewProduct {
        price: Some("9".to_owned()),
        currency: Some("USD".to_owned()),
        stock: Some(1),
        ..before[0].clone()
    };
    assert_eq!((&there[0], there.len()), (&expected, 3));
    monitor.stop().await;
}

#[tokio::test]
async fn what_a_full_file_lacks_is_listed_marked_or_removed() {
    let monitor = Monitor::start().await;
    monitor.import(SHOP).await;
    let before = products(&monitor).await;
    // B fails, but is in the file.
    let file = "sku,name,price\nA,One,9\nB,Two,x\nD,Four,4\n";
    let missing = pairs(&[("C", "Three")]);

    let listed = import(&monitor, "missing=list", file).await;
    assert_eq!(notes(&monitor, &listed, "missing").await, missing);
    assert_eq!(
        (
            listed["missingProducts"].as_u64(),
            products(&monitor).await.len()
        ),
        (Some(1), 4)
    );
    further(&monitor, &listed, "undo").await;
    assert_eq!(products(&monitor).await, before);

    for (query, changed, kind) in [
        ("missing=unavailable", "markedProducts", "updated"),
        ("missing=remove", "removedProducts", "removed"),
    ] {
        let check = import(&monitor, &format!("mode=check&{query}"), file).await;
        assert_eq!(products(&monitor).await, before, "{query}");
        let import = further(&monitor, &check, "again").await;
        for import in [&check, &import] {
            assert_eq!(import["missingProducts"], 1, "{query}");
            assert_eq!(import[changed], 1, "{query}");
            assert_eq!(counts(import), [1, 1, 0, 0, 1, 3], "{query}");
            assert_eq!(notes(&monitor, import, "missing").await, missing);
            let id = import["id"].as_str().unwrap();
            let path = format!("/api/products/imports/{id}/changes?kind={kind}&search=three");
            let changes = monitor.get(&path).await;
            assert_eq!(changes["items"][0]["identity"], "sku:C", "{query}");
        }
        let there = products(&monitor).await;
        match kind {
            "updated" => assert_eq!(there[2].availability.as_deref(), Some("out_of_stock")),
            _ => assert!(there.iter().all(|product| product.identity != "sku:C")),
        }
        // A file of failed rows is no full file.
        let retried = further(&monitor, &import, "retry").await;
        assert_eq!(retried["missingProducts"], 0, "{query}");
        further(&monitor, &import, "undo").await;
        assert_eq!(products(&monitor).await, before, "{query}");
    }

    // A file without readable rows says nothing about missing products.
    let nothing = import(&monitor, "missing=remove", "sku,name,price\nX,X,x\n").await;
    assert_eq!(
        (&nothing["status"], nothing["missingProducts"].as_u64()),
        (&json!("ERROR"), Some(0))
    );
    assert_eq!(products(&monitor).await, before);
    monitor.stop().await;
}

fn shop(rows: std::ops::Range<usize>) -> String {
    let rows = rows.map(|row| format!("S-{row:05},Product {row},1\n"));
    format!("sku,name,price\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn a_full_file_that_lacks_too_much_waits_for_approval() {
    let monitor = Monitor::start().await;
    monitor.import(&shop(0..100)).await;
    for harmless in ["missing=list", "missing=keep", "missing=remove&mode=check"] {
        let import = import(&monitor, harmless, &shop(0..50)).await;
        assert_eq!(import["status"], "SUCCESS", "{harmless}");
    }
    // A few, or a small share, are below the limit.
    let few = import(&monitor, "missing=remove", &shop(0..80)).await;
    assert_eq!(few["removedProducts"], 20);
    further(&monitor, &few, "undo").await;

    let id = accepted(&monitor, "missing=remove", &shop(0..70)).await;
    let asked = eventually("it waits for approval", async || {
        let state = details(&monitor, &id).await;
        (state["needs"] == "approval").then_some(state)
    })
    .await;
    assert_eq!(
        asked["overLimit"],
        json!({ "limit": "missing", "count": 30, "of": 100 })
    );
    assert_eq!(products(&monitor).await.len(), 100);
    // Which ones can be seen before, and after that what became of them.
    let changes = format!("/api/products/imports/{id}/changes?kind=removed");
    let removed = async || {
        let page = monitor.get(&changes).await;
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["identity"].clone()).collect::<Vec<_>>()
    };
    let would = removed().await;
    assert_eq!(would.len(), 30);
    let path = format!("/api/products/imports/{id}/approve");
    assert_eq!(monitor.post(&path).send().await.unwrap().status(), 200);
    let approved = over(&monitor, &id).await;
    assert_eq!(approved["removedProducts"], 30);
    assert_eq!(removed().await, would);
    assert_eq!(products(&monitor).await.len(), 70);
    monitor.stop().await;
}

#[tokio::test]
async fn many_missing_products_are_removed_by_an_import_that_can_be_stopped() {
    let mut monitor = Monitor::start().await;
    monitor.import(&shop(0..9_000)).await;
    let before = products(&monitor).await;
    monitor.rows_per_second = PAUSED;
    monitor.restart().await;
    // Most of the shop: it needs approval.
    let id = accepted(&monitor, "missing=remove", &shop(0..3)).await;
    eventually("it waits for approval", async || {
        (details(&monitor, &id).await["needs"] == "approval").then_some(())
    })
    .await;
    let approve = format!("/api/products/imports/{id}/approve");
    monitor.post(&approve).send().await.unwrap();
    let some_are_gone = async |monitor: &Monitor| {
        eventually("some products are removed", async || {
            let removed = details(monitor, &id).await["removedProducts"].as_u64();
            removed.filter(|removed| *removed > 0)
        })
        .await
    };
    let removed = some_are_gone(&monitor).await;
    assert!(removed < 8_997, "it is removed in parts");
    // It continues.
    monitor.restart().await;
    let there = details(&monitor, &id).await;
    assert_eq!(there["status"], "PENDING");
    let cancel = format!("/api/products/imports/{id}/cancel");
    monitor.post(&cancel).send().await.unwrap();
    let over = over(&monitor, &id).await;
    assert_eq!(
        (&over["status"], &over["cancelled"]),
        (&json!("ERROR"), &json!(true))
    );
    let removed = usize::try_from(over["removedProducts"].as_u64().unwrap()).unwrap();
    assert_eq!(products(&monitor).await.len(), 9_000 - removed);
    assert_eq!(over["missingProducts"], removed);
    monitor.rows_per_second = None;
    monitor.restart().await;
    further(&monitor, &over, "undo").await;
    assert_eq!(products(&monitor).await, before);
    monitor.stop().await;
}

#[tokio::test]
async fn what_a_parameter_does_not_take_is_refused() {
    let monitor = Monitor::start().await;
    for query in ["products=some", "fields=price,colour", "missing=delete"] {
        let answer = send(&monitor, query, SHOP).await;
        assert_eq!(answer.status(), 400, "{query}");
        let answer: Value = answer.json().await.unwrap();
        let name = query.split('=').next().unwrap();
        assert_eq!(
            answer["error"],
            format!("The parameter {name} is not valid.")
        );
    }
    assert!(monitor.uploads().is_empty());
    monitor.stop().await;
}
