//! Runs the function under a stand-in of Vercel's runtime, which speaks its protocol (`vercel_runtime` 2.4,
//! `src/ipc` and `src/lib.rs`), forwards requests, and kills functions at their time limit.
//!
//! PostgreSQL is at `IMPORT_RELAY_POSTGRES`; `scripts/test.sh` starts one.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may panic

#[path = "function/runtime.rs"]
mod runtime;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use test_support::{events::Events, fake_monitor::FakeMonitor};

use self::runtime::{Function, Platform, postgres_database, refused};

/// Vercel makes a function of every file of `api/` that it gets.
#[test]
fn vercel_is_given_one_function() {
    let ignored: Vec<_> = include_str!("../../.vercelignore").lines().collect();
    let is_ignored = |path: &str| {
        let path = format!("/api/{path}");
        ignored.iter().any(|line| path.starts_with(line))
    };
    let mut sources = Vec::new();
    let mut directories = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let inside = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                sources.push(inside.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(sources.len() > 2, "{sources:?}");
    sources.retain(|path| !is_ignored(path));
    assert_eq!(sources, ["index.rs"]);
}

#[tokio::test]
async fn what_is_missing_is_said_at_the_start() {
    let said = refused(&[]).await;
    for name in [
        "DATABASE_URL",
        "MONITOR_PRICE_APP_HOST",
        "PRICE_MONITOR_API_KEY",
    ] {
        assert!(said.contains(name), "{said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = refused(&[
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none"),
        ("MONITOR_PRICE_APP_HOST", "http://127.0.0.1:9"),
    ])
    .await;
    assert!(
        said.starts_with("import-relay: PRICE_MONITOR_API_KEY is not set"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn a_page_names_the_files_that_vercel_serves() {
    let monitor = FakeMonitor::start().await;
    let function = Function::start(&monitor, &postgres_database().await, &[]).await;
    let page = function.get("/sign-in", None).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    for file in [
        "/pkg/import-relay.css",
        "/pkg/import-relay.js",
        "/pkg/import-relay.wasm",
    ] {
        assert!(page.contains(file), "{file} is not in\n{page}");
    }
    assert_eq!(function.get("/_vercel/ping", None).await.status(), 200);
    assert_eq!(function.get("/health/ready", None).await.status(), 200);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn a_stream_is_sent_as_it_comes_and_its_invocation_ends_with_it() {
    let monitor = FakeMonitor::start().await;
    let mut function = Function::start(&monitor, &postgres_database().await, &[]).await;
    let cookie = function.create_owner().await;
    let job = function.import(&cookie).await;
    let streaming = function.next_request();
    let path = format!("/api/jobs/{job}/progress");
    let mut events = Events::new(function.get(&path, Some(&cookie)).await);
    monitor
        .until("the room is joined", |it| it.joins() == [job.clone()])
        .await;
    for processed in 1..5 {
        monitor.emit(
            &job,
            json!({"processedProducts": processed, "totalProducts": 5}),
        );
        while events.state().await.unwrap()["processedProducts"] != processed {}
    }
    function.get("/health/live", None).await;
    let ended = function.ended_before(streaming + 1).await;
    assert!(
        !ended.contains(&streaming),
        "the stream is still open: {ended:?}"
    );
    monitor.emit(&job, json!({"processedProducts": 5, "totalProducts": 5}));
    assert_eq!(events.last().await.data.unwrap()["status"], "SUCCESS");
    function.ended(streaming).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn a_function_that_is_told_to_end_ends_its_streams_first() {
    let monitor = FakeMonitor::start().await;
    let function = Function::start(&monitor, &postgres_database().await, &[]).await;
    let cookie = function.create_owner().await;
    let job = function.import(&cookie).await;
    let path = format!("/api/jobs/{job}/progress");
    let mut events = Events::new(function.get(&path, Some(&cookie)).await);
    assert!(events.state().await.is_some());
    let ended = function.terminate();
    while events.next().await.is_some() {}
    assert_eq!(ended.await, Some(0));
}

/// The stream's maximum duration is below the function's time limit, so a subscriber reconnects before the
/// function is killed.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn viewers_do_not_notice_that_functions_are_killed_at_their_limit() {
    let monitor = FakeMonitor::start().await;
    let limit = Duration::from_secs(4);
    let platform = Platform::start(&monitor, limit, &[("SSE_MAX_DURATION", "2s")]).await;
    let cookie = platform.function().await.create_owner().await;
    let job = platform.function().await.import(&cookie).await;
    let viewers: Vec<_> = (0..5)
        .map(|_| tokio::spawn(watch(platform.clone(), cookie.clone(), job.clone())))
        .collect();
    let mut processed = 0;
    let deadline = Instant::now() + Duration::from_secs(60);
    while platform.killed() < 3 {
        assert!(Instant::now() < deadline, "functions are killed");
        processed += 1;
        let counts = json!({"processedProducts": processed, "totalProducts": 1_000_000});
        monitor.set_rest(&job, counts.clone());
        monitor.emit(&job, counts);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let over = json!({"processedProducts": 1_000_000, "totalProducts": 1_000_000});
    monitor.set_rest(&job, over.clone());
    monitor.emit(&job, over);
    for viewer in viewers {
        let seen = viewer.await.unwrap();
        assert_eq!(seen.last["status"], "SUCCESS");
        assert_eq!(seen.last["processedProducts"], 1_000_000);
        assert!(seen.streams >= 3, "{seen:?}");
        assert_eq!(seen.broken, 0, "{seen:?}");
    }
}

#[derive(Debug)]
struct Seen {
    streams: usize,
    broken: usize,
    last: Value,
}

/// Reconnects like an `EventSource`, until a 204.
async fn watch(platform: Platform, cookie: String, job: String) -> Seen {
    let mut seen = Seen {
        streams: 0,
        broken: 0,
        last: Value::Null,
    };
    let path = format!("/api/jobs/{job}/progress");
    let mut last_event_id: Option<String> = None;
    loop {
        let mut stream = platform
            .function()
            .await
            .open(&path, &cookie, last_event_id.as_deref())
            .await;
        if stream.status() == 204 {
            return seen;
        }
        assert_eq!(stream.status(), 200);
        seen.streams += 1;
        let mut text = String::new();
        loop {
            match stream.chunk().await {
                Ok(Some(bytes)) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
                Ok(None) => break,
                Err(_) => {
                    seen.broken += 1;
                    break;
                }
            }
        }
        for line in text.lines() {
            if let Some(id) = line.strip_prefix("id: ") {
                last_event_id = Some(id.to_owned());
            }
            if let Some(data) = line.strip_prefix("data: ") {
                let data: Value = serde_json::from_str(data).unwrap();
                if data.get("status").is_some() {
                    seen.last = data;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
