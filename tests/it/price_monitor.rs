//! The embedded price monitor over real HTTP and WebSockets.

use std::fmt::Write;

use import_relay::server::store::monitor_imports::NewImport;
use monitor::{KEY, Monitor, eventually};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use sockets::{PlainClient, SocketIoClient};
use test_support::DEADLINE;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{monitor, sockets};

const SHOPIFY: &str = "\
Handle,Title,Body (HTML),Type,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Variant Weight Unit\r
linen-shirt,Linen Shirt,\"<p>Soft,\r\nlight</p>\",Tops,Size,S,,45,a.jpg,kg\r
linen-shirt,,,,,M,,45.5,,kg\r
linen-shirt,,,,,,,,b.jpg,\r
mug,Mug,<p>Blue</p>,Kitchen,Title,Default Title,MUG-1,12.00,c.jpg,kg\r
";

const WOOCOMMERCE: &str = "\
ID,Type,SKU,Name,Published,Sale price,Regular price,Categories,Parent,Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)
1,variable,tee,Tee,1,,,Clothing > Tees,,Color,\"Blue, Red\",Size,\"L, S\"
2,variation,tee-blue,Tee - Blue,1,,20,,tee,Color,Blue,,
3,variation,,\"Tee - Red, S\",1,18,20,,id:1,Color,Red,Size,S
4,grouped,set,Set,1,,,,,,,,
5,external,gift,Gift,1,,,,,,,,
6,\"simple, downloadable, virtual\",album,Album,1,,15,,,,,,
";

/// A plain list of `count` products; every tenth has no price if `flawed`.
fn list(count: usize, flawed: bool) -> String {
    let mut text = "sku,name,price\n".to_owned();
    for n in 1..=count {
        let price = if flawed && n % 10 == 0 { "" } else { "9.90" };
        writeln!(text, "SKU-{n:06},Product {n},{price}").unwrap();
    }
    text
}

#[tokio::test]
async fn only_health_is_told_without_the_key() {
    let monitor = Monitor::start().await;
    let health = monitor
        .http
        .get(monitor.url("/health"))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
    for path in [
        "/",
        "/nothing",
        "/api/products/imports",
        "/api/products/imports/1/progress",
    ] {
        for key in [None, Some("wrong"), Some("")] {
            let mut request = monitor.http.get(monitor.url(path));
            if let Some(key) = key {
                request = request.header("X-API-Key", key);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path}");
            let body: Value = answer.json().await.unwrap();
            let expected = json!({ "error": "Invalid API key", "errorCode": "wrong-api-key" });
            assert_eq!(body, expected);
        }
    }
    let without_key = monitor
        .http
        .post(monitor.url("/api/products/imports"))
        .send()
        .await
        .unwrap();
    assert_eq!(without_key.status(), 401);
    monitor.stop().await;
}

#[tokio::test]
async fn an_upload_becomes_a_job_that_succeeds() {
    let monitor = Monitor::start().await;
    let answer = monitor.upload("spring/list.csv", list(1200, false)).await;
    assert_eq!(answer.status(), 201);
    let job: Value = answer.json().await.unwrap();
    assert_eq!(job["filename"], "list.csv");
    assert_eq!(
        (&job["status"], &job["totalProducts"]),
        (&json!("PENDING"), &json!(0))
    );
    let id = job["id"].as_str().unwrap();

    let over = monitor.finished(id).await;
    assert_eq!(over["processedProducts"], 1200);
    assert_eq!(over["failedProducts"], 0);
    assert_eq!(over["totalProducts"], 1200);
    assert_eq!(over["isCompleted"], true);
    assert_eq!(
        (&over["status"], &over["error"]),
        (&json!("SUCCESS"), &Value::Null)
    );
    assert_eq!(over["failedProductSkus"], json!([]));
    assert!(over["completedAt"].as_str().unwrap().ends_with('Z'));

    let page = monitor
        .store
        .list_products("product 1200", 1)
        .await
        .unwrap();
    assert_eq!(page.items[0].identity, "sku:SKU-001200");
    assert_eq!(page.items[0].price.as_deref(), Some("9.90"));
    assert_eq!(monitor.uploads(), [format!("{id}.upload")]);
    monitor.stop().await;
}

#[tokio::test]
async fn rows_that_fail_are_named_with_the_reason() {
    let monitor = Monitor::start().await;
    let over = monitor
        .import("sku,name,price\nA,One,1\nB,Two,\nC,Three,much\nD,Four,-4\n")
        .await;
    assert_eq!(
        (&over["processedProducts"], &over["failedProducts"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(over["status"], "PARTIAL_SUCCESS");
    assert_eq!(over["failedProductSkus"], json!(["B", "C", "D"]));
    let failures = monitor
        .get(&format!(
            "/api/products/imports/{}/failures",
            over["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        failures["items"][0],
        json!({
            "line": 3, "sku": "B", "reason": "The price is missing.", "code": "no-price",
            "column": "price", "value": "",
        })
    );
    assert_eq!(
        failures["items"][1]["reason"],
        "“much” is not a valid price."
    );
    monitor.stop().await;
}

#[tokio::test]
async fn a_file_without_products_ends_in_a_sentence() {
    let monitor = Monitor::start().await;
    for (file, sentence) in [
        (
            "sku,name,price\n",
            "The file has a header row but no products.",
        ),
        (
            "sku,name,price\nA,One,\nB,Two,\n",
            "No products were imported: all 2 rows failed.",
        ),
        ("\u{feff}", "The file is empty."),
    ] {
        let over = monitor.import(file).await;
        assert_eq!(
            (&over["status"], &over["isCompleted"]),
            (&json!("ERROR"), &json!(true))
        );
        let error = over["error"].as_str().unwrap();
        assert!(error.contains(sentence), "{error}");
    }
    monitor.stop().await;
}

#[tokio::test]
async fn a_file_whose_columns_are_not_known_waits_for_them() {
    let monitor = Monitor::start().await;
    for file in ["sku,name\nA,One\n", "A-1,Shirt,9.99\n"] {
        let id = monitor.accepted(file).await;
        eventually("the import asks", async || {
            let state = monitor.get(&format!("/api/products/imports/{id}")).await;
            assert_eq!(state["status"], "PENDING", "{state}");
            (state["needs"] == "columns").then_some(())
        })
        .await;
        let path = format!("/api/products/imports/{id}/progress");
        assert_eq!(monitor.get(&path).await["isCompleted"], false);
    }
    monitor.stop().await;
}

#[tokio::test]
async fn shopify_and_woocommerce_files_lose_no_product() {
    let monitor = Monitor::start().await;
    let shopify = monitor.import(SHOPIFY).await;
    assert_eq!(
        (&shopify["status"], &shopify["totalProducts"]),
        (&json!("SUCCESS"), &json!(3))
    );
    let woocommerce = monitor.import(WOOCOMMERCE).await;
    assert_eq!(
        (&woocommerce["status"], &woocommerce["totalProducts"]),
        (&json!("SUCCESS"), &json!(6))
    );

    let products = monitor.store.list_products("", 1).await.unwrap().items;
    let lines: Vec<_> = products
        .iter()
        .map(|item| {
            format!(
                "{} {} {}",
                item.identity,
                item.name,
                item.price.as_deref().unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "sku:album Album 15",
            "sku:gift Gift -",
            "handle:linen-shirt/M Linen Shirt 45.50",
            "handle:linen-shirt/S Linen Shirt 45",
            "sku:MUG-1 Mug 12.00",
            "sku:set Set -",
            "sku:tee Tee -",
            "sku:tee-blue Tee - Blue 20",
            "parent:id:1/Red/S Tee - Red, S 20",
        ]
    );
    monitor.stop().await;
}

#[tokio::test]
async fn the_same_file_again_changes_no_product() {
    let monitor = Monitor::start().await;
    let file = list(700, false);
    monitor.import(&file).await;
    let before = monitor.store.list_products("", 3).await.unwrap();
    let over = monitor.import(&file).await;
    assert_eq!(over["processedProducts"], 700);
    assert_eq!(monitor.store.list_products("", 3).await.unwrap(), before);

    monitor
        .import("sku,name,price\nSKU-000001,Product 1,5\nSKU-000001,Product 1,6\n")
        .await;
    let changed = monitor.store.list_products("SKU-000001", 1).await.unwrap();
    assert_eq!(changed.items[0].price.as_deref(), Some("6"));
    assert_eq!(monitor.store.list_products("", 1).await.unwrap().total, 700);
    monitor.stop().await;
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing_behind() {
    let monitor = Monitor::start().await;
    for (status, part, file) in [
        (422, "file", b"".to_vec()),
        (422, "file", b"\r\n \n".to_vec()),
        (400, "upload", b"sku,price\n1,1\n".to_vec()),
        (415, "file", b"PK\x03\x04rest".to_vec()),
        (415, "file", [&b"sku,price\n"[..], &[1; 200]].concat()),
        (415, "file", b"<!DOCTYPE html><html></html>".to_vec()),
        (415, "file", b"{\"products\": []}".to_vec()),
        (413, "file", vec![b'x'; monitor::MAX_UPLOAD + 1]),
        (413, "file", vec![b'x'; monitor::MAX_UPLOAD + (1 << 20)]),
    ] {
        let answer = monitor.upload_as(part, "a.csv", file).await;
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.unwrap();
        assert!(body["error"].as_str().unwrap().ends_with('.'), "{body}");
    }
    let plain = monitor
        .post("/api/products/imports")
        .body("sku,price\n")
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 400);
    assert_eq!(monitor.uploads(), [""; 0]);
    assert!(
        monitor
            .store
            .unfinished_monitor_imports()
            .await
            .unwrap()
            .is_empty()
    );
    monitor.stop().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let monitor = Monitor::start().await;
    let mut stream = TcpStream::connect(monitor.address).await.unwrap();
    let head = format!(
        "POST /api/products/imports HTTP/1.1\r\nHost: h\r\nX-API-Key: {KEY}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n\
         sku,name,price\n1,One,1\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the upload has begun", async || {
        (monitor.uploads().len() == 1).then_some(())
    })
    .await;
    drop(stream);
    eventually("the upload is gone", async || {
        monitor.uploads().is_empty().then_some(())
    })
    .await;
    assert!(
        monitor
            .store
            .unfinished_monitor_imports()
            .await
            .unwrap()
            .is_empty()
    );
    monitor.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let monitor = Monitor::start().await;
    for path in ["/api/products/imports/nothing/progress", "/api/nothing"] {
        let answer = monitor.request(path).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        assert!(answer.json::<Value>().await.unwrap()["error"].is_string());
    }
    let answer = monitor
        .request("/api/products/imports")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 405);
    monitor.stop().await;
}

#[tokio::test]
async fn a_socket_with_a_wrong_key_is_refused() {
    let monitor = Monitor::start().await;
    for auth in [
        json!({ "apiKey": "wrong" }),
        json!({}),
        json!("x"),
        json!({ "apiKey": 1 }),
    ] {
        let error = SocketIoClient::connect(&monitor, &auth)
            .await
            .err()
            .unwrap();
        assert_eq!(error["message"], "Invalid API key");
    }
    monitor.stop().await;
}

/// Its port is open to every process of this machine.
#[tokio::test]
async fn no_number_of_sockets_that_say_nothing_keeps_an_import_waiting() {
    let monitor = Monitor::start().await;
    let mut silent = Vec::new();
    // More than it takes at once.
    for _ in 0..1200 {
        silent.push(TcpStream::connect(monitor.address).await.unwrap());
    }
    let over = monitor.import("sku,name,price\nA,One,1\n").await;
    assert_eq!(over["status"], "SUCCESS");
    let mut first = silent.swap_remove(0);
    let mut byte = [0];
    let closed = tokio::time::timeout(DEADLINE, first.read(&mut byte));
    assert!(matches!(
        closed.await.expect("the oldest is closed"),
        Ok(0) | Err(_)
    ));
    monitor.stop().await;
}

#[tokio::test]
async fn there_is_no_long_polling() {
    let monitor = Monitor::start().await;
    for path in [
        "/socket.io/?EIO=4&transport=polling",
        "/socket.io/?EIO=4&transport=polling&b64=1&j=0",
        "/socket.io/?EIO=3&transport=polling",
        "/socket.io/?EIO=4",
    ] {
        let get = monitor.request(path).send().await.unwrap();
        assert_eq!(get.status(), 400, "{path}");
        let post = monitor.post(path).body("40{}").send().await.unwrap();
        assert_eq!(post.status(), 400, "{path}");
    }
    monitor.stop().await;
}

#[tokio::test]
async fn a_joined_job_is_told_to_its_end() {
    let monitor = Monitor::start_slow().await;
    let mut socket = SocketIoClient::connect(&monitor, &json!({ "apiKey": KEY }))
        .await
        .unwrap();
    let mut plain = PlainClient::connect(&monitor, KEY).await.unwrap();
    let id = monitor.accepted(list(20_000, true)).await;
    socket.emit("join-import-job", &json!(id)).await;
    plain.emit("join-import-job", &json!(id)).await;

    for states in [socket.states(&id).await, plain.states(&id).await] {
        let done = |state: &Value| {
            state["processedProducts"].as_u64().unwrap() + state["failedProducts"].as_u64().unwrap()
        };
        assert!(states.is_sorted_by_key(done), "{states:?}");
        let (last, before) = states.split_last().unwrap();
        assert!(!before.is_empty());
        for state in before {
            assert_eq!(state["status"], "PENDING");
            assert!(state.get("failedProductSkus").is_none() && state.get("completedAt").is_none());
        }
        assert_eq!(last["status"], "PARTIAL_SUCCESS");
        assert_eq!(last["processedProducts"], 18_000);
        assert_eq!(last["failedProducts"], 2_000);
        assert_eq!(last["totalProducts"], 20_000);
        assert_eq!(last["failedProductSkus"].as_array().unwrap().len(), 1000);
        assert_eq!(last["failedProductSkus"][0], "SKU-000010");
        assert!(last["completedAt"].is_string());
    }
    let recorded = monitor
        .get(&format!("/api/products/imports/{id}/progress"))
        .await;
    assert_eq!(recorded["isCompleted"], true);
    monitor.stop().await;
}

#[tokio::test]
async fn who_joins_a_finished_job_is_told_its_end_at_once() {
    let monitor = Monitor::start().await;
    let over = monitor.import("sku,price\n").await;
    let id = over["id"].as_str().unwrap();
    let mut socket = SocketIoClient::connect(&monitor, &json!({ "apiKey": KEY }))
        .await
        .unwrap();
    socket.emit("join-import-job", &json!("no-such-job")).await;
    socket.emit("join-import-job", &json!(42)).await;
    socket.emit("join-import-job", &json!(id)).await;
    let states = socket.states(id).await;
    assert_eq!(states.len(), 1);
    assert_eq!(
        (&states[0]["status"], &states[0]["error"]),
        (&json!("ERROR"), &over["error"])
    );
    let mut plain = PlainClient::connect(&monitor, KEY).await.unwrap();
    plain.send("no JSON").await;
    plain.emit("something-else", &json!({})).await;
    plain.emit("join-import-job", &json!(id)).await;
    assert_eq!(plain.states(id).await.len(), 1);
    monitor.stop().await;
}

#[tokio::test]
async fn who_has_left_is_told_no_more() {
    let monitor = Monitor::start().await;
    let mut socket = SocketIoClient::connect(&monitor, &json!({ "apiKey": KEY }))
        .await
        .unwrap();
    let left = monitor.accepted(list(5_000, false)).await;
    let stayed = monitor.accepted(list(20_000, false)).await;
    socket.emit("join-import-job", &json!(left)).await;
    socket.emit("leave-import-job", &json!(left)).await;
    socket.emit("join-import-job", &json!(stayed)).await;
    let (_, others) = socket.states_and_others(&stayed).await;
    assert!(
        others
            .iter()
            .filter(|event| **event == format!("import-job-{left}"))
            .count()
            <= 2
    );
    monitor.finished(&left).await;
    monitor.stop().await;
}

#[tokio::test]
async fn a_plain_websocket_needs_the_key() {
    let monitor = Monitor::start().await;
    assert!(PlainClient::connect(&monitor, "wrong").await.is_err());
    monitor.stop().await;
}

#[tokio::test]
async fn an_interrupted_import_goes_on_where_it_was() {
    let mut monitor = Monitor::start_paused().await;
    let total = 30_000;
    let id = monitor.accepted(list(total, true)).await;
    eventually("some products are in", async || {
        let state = monitor
            .get(&format!("/api/products/imports/{id}/progress"))
            .await;
        (state["processedProducts"].as_u64().unwrap() > 0).then_some(())
    })
    .await;
    monitor.rows_per_second = None;
    monitor.restart().await;
    let interrupted = monitor.before_restart.clone().unwrap();
    assert!(
        interrupted.position > 0 && interrupted.progress.done() < total as u64,
        "{interrupted:?}"
    );

    let over = monitor.finished(&id).await;
    assert_eq!(over["processedProducts"], total * 9 / 10);
    assert_eq!(over["failedProducts"], total / 10);
    assert_eq!(over["totalProducts"], total);
    assert_eq!(count_products(&monitor, "").await, total * 9 / 10);
    monitor.stop().await;
}

/// Counts all products with a text in their name, beyond the limit of lists.
async fn count_products(monitor: &Monitor, name: &str) -> usize {
    let mut behind = String::new();
    let mut count = 0;
    loop {
        let products = monitor.store.products_after(&behind, 5000).await.unwrap();
        let Some(last) = products.last() else {
            return count;
        };
        behind.clone_from(&last.identity);
        let named = products
            .iter()
            .filter(|product| product.name.contains(name));
        count += named.count();
    }
}

#[tokio::test]
async fn a_handle_s_title_survives_an_interruption() {
    let mut file = "Handle,Title,Option1 Value,Variant Price\n".to_owned();
    file.push_str("tee,T-Shirt,0,1\n");
    for n in 1..20_000 {
        writeln!(file, "tee,,{n},1").unwrap();
    }
    let mut monitor = Monitor::start_paused().await;
    let id = monitor.accepted(file).await;
    eventually("some products are in", async || {
        let state = monitor
            .get(&format!("/api/products/imports/{id}/progress"))
            .await;
        (state["processedProducts"].as_u64().unwrap() > 0).then_some(())
    })
    .await;
    monitor.rows_per_second = None;
    monitor.restart().await;
    let interrupted = monitor.before_restart.clone().unwrap();
    assert!(interrupted.position < 20_000, "{interrupted:?}");
    assert_eq!(monitor.finished(&id).await["processedProducts"], 20_000);
    assert_eq!(count_products(&monitor, "T-Shirt").await, 20_000);
    monitor.stop().await;
}

#[tokio::test]
async fn an_import_whose_file_is_gone_ends_and_the_next_one_runs() {
    let mut monitor = Monitor::start().await;
    monitor
        .store
        .add_monitor_import(NewImport {
            id: "gone".to_owned(),
            stored_as: "gone.upload".to_owned(),
            ..NewImport::default()
        })
        .await
        .unwrap();
    // Other workers may have the file, so it is waited for.
    sea_orm::Database::connect(&monitor.database)
        .await
        .unwrap()
        .execute_unprepared("UPDATE monitor_imports SET created_at = 0")
        .await
        .unwrap();
    monitor.restart().await;
    let over = monitor.finished("gone").await;
    assert_eq!(over["status"], "ERROR");
    assert_eq!(
        over["error"],
        "The uploaded file is no longer available. Upload it again."
    );
    assert_eq!(
        monitor.import("sku,price\n1,1\n").await["status"],
        "SUCCESS"
    );
    monitor.stop().await;
}

#[tokio::test]
async fn many_imports_at_once_all_come_through() {
    let monitor = Monitor::start().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(monitor.accepted(list(1500, true)).await);
    }
    for id in ids {
        assert_eq!(monitor.finished(&id).await["processedProducts"], 1350);
    }
    assert_eq!(
        monitor.store.list_products("", 1).await.unwrap().total,
        1350
    );
    monitor.stop().await;
}

/// Generated files of three shops, and real ones from a directory, if any: the number of products a person would count.
#[tokio::test]
async fn the_files_of_real_shops_lose_no_product() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("IMPORT_RELAY_FEEDS")
        .map_or_else(|| root.join("../shared/feeds"), std::path::PathBuf::from);
    let own = root.join("crates/product-feed/tests/feeds");
    let monitor = Monitor::start().await;
    for (directory, name, products) in [
        (&own, "shopify-no-skus.csv", 22),
        (&own, "shopify-images.csv", 23),
        (&own, "woocommerce-all-types.csv", 24),
        (&shared, "shopify-apparel.csv", 22),
        (&shared, "shopify-jewelery.csv", 23),
        (&shared, "woocommerce-sample.csv", 24),
    ] {
        let Ok(file) = std::fs::read_to_string(directory.join(name)) else {
            assert_ne!(directory, &own, "{name} is missing");
            println!("{name} is not here: skipped");
            continue;
        };
        let before = monitor.store.list_products("", 1).await.unwrap().total;
        let over = monitor.import(&file).await;
        assert_eq!(over["status"], "SUCCESS", "{name}: {over}");
        assert_eq!(over["processedProducts"], products, "{name}: {over}");
        let after = monitor.store.list_products("", 1).await.unwrap().total;
        assert_eq!(after - before, products, "{name}");
    }
    monitor.stop().await;
}
