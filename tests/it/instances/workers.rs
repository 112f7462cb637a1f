//! Two price monitors on one database, each with its own directory.

use std::{fmt::Write as _, time::Duration};

use sea_orm::{ConnectionTrait, Database};
use serde_json::json;

use crate::support::{
    monitor::{KEY, Monitor, eventually},
    sockets::PlainClient,
};

fn list(rows: usize) -> String {
    let mut text = "sku,name,price\n".to_owned();
    for row in 0..rows {
        writeln!(text, "s{row},N,1").unwrap();
    }
    text
}

async fn underway(monitor: &Monitor, id: &str) {
    let path = format!("/api/products/imports/{id}/progress");
    eventually("the import is underway", async || {
        let state = monitor.get(&path).await;
        assert_eq!(state["isCompleted"], false, "{state}");
        (state["processedProducts"].as_u64() > Some(0)).then_some(())
    })
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn a_socket_to_one_worker_hears_of_an_import_that_another_one_runs() {
    let one = Monitor::start_slow().await;
    // It cannot run the import without the file; its socket is notified by NOTIFY only.
    let other = one.beside().await;
    let mut socket = PlainClient::connect(&other, KEY).await.unwrap();
    let id = one.accepted(list(40_000)).await;
    socket.emit("join-import-job", &json!(id)).await;
    let states = socket.states(&id).await;
    let (last, pending) = states.split_last().unwrap();
    let counts: Vec<_> = pending
        .iter()
        .map(|state| state["processedProducts"].as_u64().unwrap())
        .collect();
    assert!(counts.is_sorted(), "{counts:?}");
    let before_the_end = counts.iter().filter(|count| (1..40_000).contains(*count));
    assert!(before_the_end.count() >= 2, "{counts:?}");
    assert_eq!(last["status"], "SUCCESS");
    assert_eq!(last["processedProducts"], 40_000);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn a_worker_without_an_import_s_file_leaves_it_to_the_one_that_has_it() {
    let mut one = Monitor::start_paused().await;
    let id = one.accepted(list(40_000)).await;
    underway(&one, &id).await;
    one.halt().await;
    // It polls at its start, and soon again.
    let other = one.beside().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let left = one.store.monitor_import(&id).await.unwrap().unwrap();
    assert!(!left.status.is_final(), "{left:?}");
    assert!(left.progress.processed_products < 40_000);
    one.rows_per_second = None;
    one.resume().await;
    assert_eq!(one.finished(&id).await["processedProducts"], 40_000);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn an_import_is_cancelled_by_way_of_any_worker_and_though_its_own_did_not_hear_it() {
    let one = Monitor::start_paused().await;
    let other = one.beside().await;
    let id = one.accepted(list(10_000)).await;
    underway(&one, &id).await;
    let asked = other.post(&format!("/api/products/imports/{id}/cancel"));
    assert_eq!(asked.send().await.unwrap().status(), 202);
    let over = ended(&one, &id).await;
    assert!(over.starts_with("Cancelled after importing "), "{over}");

    let id = one.accepted(list(10_000)).await;
    underway(&one, &id).await;
    // As after a cancellation whose NOTIFY was lost.
    let db = Database::connect(&one.database).await.unwrap();
    let wish = format!("UPDATE monitor_imports SET cancel_wanted = TRUE WHERE id = '{id}'");
    db.execute_unprepared(&wish).await.unwrap();
    let over = ended(&one, &id).await;
    assert!(over.starts_with("Cancelled after importing "), "{over}");
    one.stop().await;
    other.stop().await;
}

async fn ended(monitor: &Monitor, id: &str) -> String {
    eventually("the import is over", async || {
        let import = monitor.store.monitor_import(id).await.unwrap().unwrap();
        let error = import.error.filter(|_| import.status.is_final());
        error.map(|error| error.to_string())
    })
    .await
}
