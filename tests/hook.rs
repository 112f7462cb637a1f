//! The hook in a browser, with a scripted stream.
//!
//! `scripts/test.sh` runs it in Chromium; there is nothing to test on the server.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used)] // a test may

use std::time::Duration;

use any_spawner::Executor;
use gloo_timers::future::sleep;
use import_relay::{
    hooks::{
        Connection, ProgressError, UseProductImportProgressReturn, UseProgressOptions,
        use_product_import_progress_with_options, use_unfinished_imports_with_options,
    },
    model::job::{ImportStatus, JobId, ProductImportJob},
};
use leptos::prelude::*;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/hook/event_source.js")]
extern "C" {
    fn install();
    fn opened_so_far() -> usize;
    fn still_open() -> usize;
    fn url_of(index: usize) -> String;
    fn has_credentials(index: usize) -> bool;
    fn open(index: usize);
    fn tell(index: usize, name: &str, data: &str);
    fn interrupt(index: usize);
    fn refuse(index: usize);
    fn living_listeners(index: usize) -> usize;
    fn answer_states(status: u16, body: &str);
    fn run_early(job: &str, script: &str);
    async fn lock_is_free(name: &str) -> JsValue;
    fn has_early() -> bool;
}

/// Ample on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let step = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    while !is_so() {
        assert!(waited < PATIENCE, "waited in vain: {what}");
        sleep(step).await;
        waited += step;
    }
}

fn id(name: &str) -> JobId {
    name.parse().unwrap()
}

fn job(name: &str, status: ImportStatus) -> ProductImportJob {
    ProductImportJob {
        filename: "shop.csv".to_owned(),
        status,
        total_products: Some(10),
        processed_products: 2,
        ..ProductImportJob::pending(id(name))
    }
}

fn state(processed: u64, status: &str) -> String {
    format!(
        r#"{{"processedProducts":{processed},"failedProducts":0,"totalProducts":10,"status":"{status}"}}"#
    )
}

/// Isolates each test's tabs.
fn alone() -> UseProgressOptions {
    UseProgressOptions::default().share_tabs(false)
}

/// A hook that lives as long as its owner.
struct Followed {
    owner: Owner,
    job: RwSignal<ProductImportJob>,
    live: UseProductImportProgressReturn,
}

fn follow(first: ProductImportJob, options: UseProgressOptions) -> Followed {
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let (job, live) = owner.with(|| {
        let job = RwSignal::new(first);
        (job, use_product_import_progress_with_options(job, options))
    });
    Followed { owner, job, live }
}

/// Ends the hook and waits until nothing of it is left.
async fn end(followed: Followed) {
    followed.owner.cleanup();
    drop(followed);
    until("every stream is closed", || still_open() == 0).await;
}

/// Follows a job whose stream is open.
async fn followed(name: &str) -> Followed {
    install();
    let followed = follow(job(name, ImportStatus::Pending), alone());
    until("the stream is asked for", || opened_so_far() == 1).await;
    open(0);
    let connection = followed.live.connection;
    until("the stream is open", || {
        connection.get_untracked() == Connection::Open
    })
    .await;
    followed
}

fn processed(live: &UseProductImportProgressReturn) -> u64 {
    live.progress.get_untracked().processed_products
}

#[wasm_bindgen_test]
async fn it_opens_the_stream_of_its_job_and_shows_what_comes() {
    let followed = followed("7").await;
    let live = followed.live;
    assert_eq!(url_of(0), "/api/jobs/7/progress");
    assert!(!has_credentials(0));
    assert!(live.loading.get_untracked());
    assert_eq!(processed(&live), 2, "what is known before the first state");
    tell(0, "message", &state(5, "PENDING"));
    until("the state is shown", || processed(&live) == 5).await;
    assert!(!live.loading.get_untracked());
    assert_eq!(live.error.get_untracked(), None);
    end(followed).await;
}

#[wasm_bindgen_test]
async fn what_cannot_be_read_is_said_until_the_next_state() {
    let followed = followed("7").await;
    let error = followed.live.error;
    tell(0, "message", "{");
    until("it is said", || {
        error.get_untracked() == Some(ProgressError::Unreadable)
    })
    .await;
    tell(0, "message", &state(5, "PENDING"));
    until("it is well again", || error.get_untracked().is_none()).await;
    end(followed).await;
}

#[wasm_bindgen_test]
async fn a_stream_that_breaks_is_left_to_the_browser() {
    let followed = followed("7").await;
    let live = followed.live;
    interrupt(0);
    until("it is reconnecting", || {
        live.connection.get_untracked() == Connection::Reconnecting
    })
    .await;
    assert_eq!(live.status.get_untracked(), ImportStatus::Pending);
    until("it is said after a while", || {
        live.error.get_untracked() == Some(ProgressError::Connection)
    })
    .await;
    open(0);
    tell(0, "heartbeat", "{}");
    until("it is back", || {
        live.connection.get_untracked() == Connection::Open && live.error.get_untracked().is_none()
    })
    .await;
    assert_eq!(opened_so_far(), 1);
    end(followed).await;
}

#[wasm_bindgen_test]
async fn a_stream_that_is_refused_is_asked_about_and_opened_anew() {
    let followed = followed("7").await;
    let live = followed.live;
    answer_states(200, &format!(r#"[["7",{}]]"#, state(6, "PENDING")));
    refuse(0);
    until("the answer is shown", || processed(&live) == 6).await;
    until("it is opened anew", || opened_so_far() == 2).await;
    open(1);
    tell(1, "heartbeat", "{}");
    until("it is back", || {
        live.connection.get_untracked() == Connection::Open
    })
    .await;
    end(followed).await;
}

#[wasm_bindgen_test]
async fn the_last_state_ends_the_stream() {
    let followed = followed("7").await;
    let live = followed.live;
    tell(0, "message", &state(10, "SUCCESS"));
    until("it is over", || {
        live.status.get_untracked() == ImportStatus::Success
    })
    .await;
    until("the stream is closed", || still_open() == 0).await;
    assert_eq!(live.connection.get_untracked(), Connection::Closed);
    end(followed).await;
    assert_eq!(opened_so_far(), 1);
}

#[wasm_bindgen_test]
async fn a_job_that_is_over_opens_nothing() {
    install();
    let followed = follow(job("7", ImportStatus::Error), alone());
    assert_eq!(followed.live.status.get_untracked(), ImportStatus::Error);
    assert!(!followed.live.loading.get_untracked());
    // The time that another one takes to open its stream.
    let other = follow(job("8", ImportStatus::Pending), alone());
    until("the other's stream is asked for", || opened_so_far() == 1).await;
    assert_eq!(url_of(0), "/api/jobs/8/progress");
    end(other).await;
    end(followed).await;
}

#[wasm_bindgen_test]
async fn a_hook_that_is_not_immediate_opens_nothing_until_it_is_told_to() {
    install();
    let first = job("7", ImportStatus::Pending);
    let followed = follow(first, alone().immediate(false));
    // Whose effects run after those of the first.
    let other = follow(job("8", ImportStatus::Pending), alone());
    until("the other stream is asked for", || opened_so_far() == 1).await;
    assert_eq!(url_of(0), "/api/jobs/8/progress");
    assert_eq!(
        followed.live.connection.get_untracked(),
        Connection::Connecting
    );
    followed.live.open();
    // Hooks that differ only in this share a stream.
    until("both are asked for", || opened_so_far() == 2).await;
    assert_eq!(url_of(1), "/api/jobs/progress?ids=7,8");
    other.owner.cleanup();
    end(followed).await;
}

#[wasm_bindgen_test]
async fn an_owner_that_is_dropped_closes_the_stream_and_frees_its_listeners() {
    let followed = followed("7").await;
    assert!(
        living_listeners(0) >= 6,
        "they can be called while it is open"
    );
    end(followed).await;
    assert_eq!(living_listeners(0), 0);
}

#[wasm_bindgen_test]
async fn another_job_gets_another_stream() {
    let followed = followed("7").await;
    followed.job.set(job("8", ImportStatus::Pending));
    until("the other's stream is asked for", || opened_so_far() == 2).await;
    assert_eq!(url_of(1), "/api/jobs/8/progress");
    until("the first one is closed", || still_open() == 1).await;
    open(1);
    tell(1, "message", &state(9, "PENDING"));
    until("its state is shown", || processed(&followed.live) == 9).await;
    end(followed).await;
}

#[wasm_bindgen_test]
async fn hooks_of_the_same_options_share_a_stream_and_others_do_not() {
    install();
    let with_credentials = alone().with_credentials(true);
    let one = follow(job("7", ImportStatus::Pending), alone());
    let two = follow(job("8", ImportStatus::Pending), alone());
    let three = follow(job("7", ImportStatus::Pending), with_credentials);
    until("both streams are asked for", || opened_so_far() == 2).await;
    assert_eq!(url_of(0), "/api/jobs/progress?ids=7,8");
    assert_eq!(url_of(1), "/api/jobs/7/progress");
    assert!(has_credentials(1));
    one.owner.cleanup();
    two.owner.cleanup();
    until("the shared one is closed", || still_open() == 1).await;
    end(three).await;
}

#[wasm_bindgen_test]
async fn all_unfinished_imports_are_followed_on_one_stream() {
    install();
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let live = owner.with(|| use_unfinished_imports_with_options(alone()));
    until("the stream is asked for", || opened_so_far() == 1).await;
    assert_eq!(url_of(0), "/api/jobs/progress");
    open(0);
    let tagged = state(4, "PENDING").replacen('{', r#"{"jobId":"9","#, 1);
    tell(0, "message", &tagged);
    let processed = |name| {
        let import = untrack(|| live.get(&id(name)));
        import.map(|import| import.progress.processed_products)
    };
    until("the new job is shown", || processed("9") == Some(4)).await;

    let runs = RwSignal::new([0, 0]);
    owner.with(|| {
        let count = move |which: usize| runs.update_untracked(|runs| runs[which] += 1);
        Effect::new(move |_| {
            let _ = live.get(&id("9"));
            count(0);
        });
        Effect::new(move |_| {
            let _ = live.ids();
            count(1);
        });
    });
    until("both have run", || runs.get_untracked() == [1, 1]).await;
    tell(0, "message", &tagged.replacen('4', "5", 1));
    until("its counts are shown", || processed("9") == Some(5)).await;
    until("who reads it is told", || runs.get_untracked()[0] == 2).await;
    assert_eq!(runs.get_untracked()[1], 1, "there are no others");
    tell(0, "message", &tagged.replacen("\"9\"", "\"10\"", 1));
    until("another is shown", || processed("10") == Some(4)).await;
    until("who reads which there are is told", || {
        runs.get_untracked()[1] == 2
    })
    .await;
    owner.cleanup();
    until("the stream is closed", || still_open() == 0).await;
}

#[wasm_bindgen_test]
async fn an_end_says_when_it_was_and_which_products_failed() {
    install();
    let followed = follow(job("7", ImportStatus::Pending), alone());
    until("the stream is asked for", || opened_so_far() == 1).await;
    open(0);
    tell(0, "message", &state(3, "PENDING"));
    until("the state is shown", || processed(&followed.live) == 3).await;
    assert_eq!(followed.live.completed_at.get_untracked(), None);
    assert_eq!(followed.live.failed_product_skus.get_untracked(), None);
    let end_of_it = state(9, "PARTIAL_SUCCESS").replacen(
        '{',
        r#"{"completedAt":1700000000123,"failedProductSkus":["a","b"],"#,
        1,
    );
    tell(0, "message", &end_of_it);
    until("the end is shown", || processed(&followed.live) == 9).await;
    assert_eq!(
        followed.live.completed_at.get_untracked(),
        Some(1_700_000_000_123)
    );
    let skus = followed.live.failed_product_skus.get_untracked();
    assert_eq!(skus, Some(vec!["a".to_owned(), "b".to_owned()]));
    end(followed).await;
}

#[wasm_bindgen_test]
async fn tabs_share_a_stream_where_the_browser_lets_them() {
    install();
    let followed = follow(
        job("7", ImportStatus::Pending),
        UseProgressOptions::default(),
    );
    until("the stream is asked for", || opened_so_far() == 1).await;
    open(0);
    tell(0, "message", &state(3, "PENDING"));
    until("the state is shown", || processed(&followed.live) == 3).await;
    end(followed).await;
    assert_eq!(living_listeners(0), 0);
}

/// The page of a job that opens its stream before the bundle is loaded, and does not know yet whether it has the lock.
fn early_without_lock(name: &str) {
    install();
    run_early(name, include_str!("../src/components/early_stream.js"));
    assert_eq!(opened_so_far(), 1);
    open(0);
    tell(0, "message", &state(5, "PENDING"));
}

/// A little later: it has the lock.
async fn early(name: &str) {
    early_without_lock(name);
    // An answer to a later request proves that the lock was handled.
    assert_eq!(lock_is_free("import-relay-progress").await, JsValue::FALSE);
}

/// Waits until no tab has a stream, including this one.
async fn until_nobody_leads() {
    let mut waited = 0;
    while lock_is_free("import-relay-progress").await != JsValue::TRUE {
        assert!(waited < 1_000, "the lock is not given back");
        waited += 1;
        sleep(Duration::from_millis(10)).await;
    }
}

#[wasm_bindgen_test]
async fn a_stream_that_the_page_opened_early_goes_on() {
    early("7").await;
    let followed = follow(
        job("7", ImportStatus::Pending),
        UseProgressOptions::default(),
    );
    let live = followed.live;
    until("its newest state is shown", || processed(&live) == 5).await;
    assert_eq!(live.connection.get_untracked(), Connection::Open);
    tell(0, "message", &state(6, "PENDING"));
    until("what comes later is shown", || processed(&live) == 6).await;
    assert_eq!((opened_so_far(), still_open()), (1, 1));
    end(followed).await;
    until_nobody_leads().await;
}

#[wasm_bindgen_test]
async fn an_end_that_came_early_is_shown() {
    early("7").await;
    tell(0, "message", &state(10, "SUCCESS"));
    let followed = follow(
        job("7", ImportStatus::Pending),
        UseProgressOptions::default(),
    );
    let status = followed.live.status;
    until("the end is shown", || {
        status.get_untracked() == ImportStatus::Success
    })
    .await;
    assert_eq!(opened_so_far(), 1);
    end(followed).await;
    until_nobody_leads().await;
}

#[wasm_bindgen_test]
async fn an_early_stream_of_another_job_is_closed() {
    early("7").await;
    let followed = follow(
        job("8", ImportStatus::Pending),
        UseProgressOptions::default(),
    );
    until("the hook asks for its own", || opened_so_far() == 2).await;
    assert_eq!(url_of(1), "/api/jobs/8/progress");
    assert_eq!(still_open(), 1);
    end(followed).await;
    until_nobody_leads().await;
}

#[wasm_bindgen_test]
async fn an_early_stream_is_closed_where_the_hook_shares_nothing() {
    early("7").await;
    let followed = follow(job("7", ImportStatus::Pending), alone());
    until("the hook asks for its own", || opened_so_far() == 2).await;
    until_nobody_leads().await;
    assert_eq!(still_open(), 1);
    end(followed).await;
}

#[wasm_bindgen_test]
async fn an_early_stream_is_closed_where_another_tab_keeps_one() {
    install();
    // Other options give it another channel, like another tab.
    let leader = follow(
        job("7", ImportStatus::Pending),
        UseProgressOptions::default().reconnect(Duration::from_secs(2), Duration::from_secs(3)),
    );
    until("it asks for its own", || opened_so_far() == 1).await;
    run_early("7", include_str!("../src/components/early_stream.js"));
    assert_eq!(still_open(), 2);
    let followed = follow(
        job("7", ImportStatus::Pending),
        UseProgressOptions::default(),
    );
    until("the page's stream is closed", || still_open() == 1).await;
    assert!(!has_early());
    followed.owner.cleanup();
    end(leader).await;
    until_nobody_leads().await;
}

#[wasm_bindgen_test]
async fn an_early_stream_goes_on_though_its_lock_comes_later() {
    early_without_lock("7");
    let followed = follow(
        job("7", ImportStatus::Pending),
        UseProgressOptions::default(),
    );
    let live = followed.live;
    until("its newest state is shown", || processed(&live) == 5).await;
    assert!(!has_early());
    assert_eq!((opened_so_far(), still_open()), (1, 1));
    end(followed).await;
    until_nobody_leads().await;
}
