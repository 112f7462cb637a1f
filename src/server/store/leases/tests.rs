use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use super::*;
use crate::server::store::{
    clock::database_now, monitor_imports::NewImport, test_database::TestDatabase,
};

pub(super) const LEASE: Duration = Duration::from_secs(15);
pub(super) const PER_USER: usize = 2;

pub(super) fn worker(directory: &str) -> Worker {
    Worker::new(directory, PER_USER, LEASE)
}

pub(super) async fn add(store: &Store, id: &str, owner: Option<&str>, directory: &str) {
    let new = NewImport {
        id: id.to_owned(),
        owner: owner.map(str::to_owned),
        stored_in: Some(directory.to_owned()),
        ..NewImport::default()
    };
    store.add_monitor_import(new).await.unwrap();
}

async fn claim(store: &Store, worker: &Worker) -> Option<String> {
    let claimed = store.claim_next_monitor_import(worker, &[]).await.unwrap();
    claimed.map(|claimed| claimed.id)
}

#[tokio::test]
async fn the_database_s_clock_goes_right() {
    let (_database, store) = TestDatabase::opened().await;
    let apart = database_now(&store.db).await.unwrap() - crate::server::store::now();
    assert!(apart.abs() < 5_000, "{apart} ms apart");
}

#[tokio::test]
async fn of_many_workers_at_once_each_import_has_one_and_each_user_as_many_as_may_run() {
    let (_database, store) = TestDatabase::opened().await;
    for owner in [Some("ada"), None] {
        for number in 0..6 {
            add(&store, &format!("{owner:?}{number}"), owner, "d").await;
        }
    }
    let workers: Vec<_> = (0..12).map(|_| worker("d")).collect();
    let claims = workers.iter().map(|worker| claim(&store, worker));
    let mut claimed: Vec<_> = futures::future::join_all(claims)
        .await
        .into_iter()
        .flatten()
        .collect();
    claimed.sort();
    assert_eq!(
        claimed,
        ["None0", "None1", "Some(\"ada\")0", "Some(\"ada\")1"]
    );
}

#[tokio::test]
async fn waiting_for_an_import_is_not_running_it_however_long_it_waits() {
    let (_database, store) = TestDatabase::opened().await;
    let time = Arc::new(AtomicI64::new(crate::server::store::now()));
    let [one, other] = [worker("d"), worker("d")].map(|worker| Worker {
        clock: Clock::Set(time.clone()),
        ..worker
    });
    for number in 0..16 {
        add(&store, &format!("{number:02}"), Some("ada"), "d").await;
    }
    let mut done = Vec::new();
    let mut running: Vec<(usize, String)> = Vec::new();
    while done.len() < 16 {
        for (index, worker) in [&one, &other].into_iter().enumerate() {
            while let Some(id) = claim(&store, worker).await {
                running.push((index, id));
            }
        }
        assert_eq!(running.len(), PER_USER.min(16 - done.len()), "{done:?}");
        // Outlasts a lease, while both renew.
        for _ in 0..20 {
            time.fetch_add(4_000, Ordering::SeqCst);
            for (index, worker) in [&one, &other].into_iter().enumerate() {
                let mine = running.iter().filter(|(of, _)| *of == index);
                let mine: Vec<_> = mine.map(|(_, id)| id.clone()).collect();
                store.renew_leases(worker, &mine).await.unwrap();
                store.serve_directory(worker).await.unwrap();
            }
        }
        let (index, id) = running.remove(0);
        store
            .finish_monitor_import(&id, ImportStatus::Success, None, None)
            .await
            .unwrap();
        let worker = [&one, &other][index];
        store.release_monitor_import(worker, &id).await.unwrap();
        done.push(id);
    }
    assert!(
        done.is_sorted(),
        "in the order in which they came: {done:?}"
    );
}

#[tokio::test]
async fn an_import_s_place_is_how_many_go_first_whoever_runs_them() {
    let (_database, store) = TestDatabase::opened().await;
    for id in ["a", "b", "c"] {
        add(&store, id, None, "d").await;
    }
    let (one, other) = (worker("d"), worker("e"));
    assert_eq!(claim(&store, &one).await.as_deref(), Some("a"));
    let place = async |id| store.place_of_monitor_import(&other, id).await.unwrap();
    assert_eq!(place("a").await, None);
    assert_eq!(place("b").await, Some(1));
    assert_eq!(place("c").await, Some(2));
    assert_eq!(place("d").await, None);
}

#[tokio::test]
async fn what_is_wanted_no_more_is_known_to_whoever_runs_it_or_comes_to_it() {
    let (_database, store) = TestDatabase::opened().await;
    let (one, other) = (worker("d"), worker("d"));
    add(&store, "a", None, "d").await;
    assert_eq!(claim(&store, &one).await.as_deref(), Some("a"));
    let mine = ["a".to_owned()];
    assert!(store.renew_leases(&one, &mine).await.unwrap().is_empty());
    store.want_monitor_import_cancelled("a").await.unwrap();
    assert!(store.is_leased(&other, "a").await.unwrap());
    assert_eq!(store.renew_leases(&one, &mine).await.unwrap(), ["a"]);
    store.release_monitor_import(&one, "a").await.unwrap();
    let claimed = store.claim_next_monitor_import(&other, &[]).await.unwrap();
    assert_eq!(
        claimed,
        Some(Claimed {
            id: "a".to_owned(),
            is_unwanted: true
        })
    );
}

#[tokio::test]
async fn imports_of_which_nobody_knows_where_their_files_are_are_placed() {
    let (_database, store) = TestDatabase::opened().await;
    let one = worker("d");
    for id in ["a", "b"] {
        let new = NewImport {
            id: id.to_owned(),
            stored_as: format!("{id}.upload"),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
    }
    assert_eq!(claim(&store, &one).await, None);
    let unplaced = store.unplaced_monitor_imports().await.unwrap();
    assert_eq!(unplaced.len(), 2);
    assert_eq!(unplaced[0].1, format!("{}.upload", unplaced[0].0));
    let placed = ["b".to_owned()];
    store.place_monitor_imports(&one, &placed).await.unwrap();
    assert_eq!(claim(&store, &one).await.as_deref(), Some("b"));
    assert_eq!(store.unplaced_monitor_imports().await.unwrap().len(), 1);
}
