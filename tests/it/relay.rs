//! The relay over real HTTP: the whole server, with a fake price monitor and with the embedded one.

mod awkward;
mod socket_io;

use std::collections::BTreeSet;

use reqwest::header;
use serde_json::{Value, json};

use crate::support::app::{App, session_cookie};
use test_support::{events::Events, fake_monitor::FakeMonitor};

async fn start(more: &[(&str, &str)]) -> (FakeMonitor, App) {
    let monitor = FakeMonitor::start().await;
    let settings = monitor.settings();
    // Of duplicate settings the first counts.
    let mut all = more.to_vec();
    all.extend(settings.iter().map(|(k, v)| (*k, v.as_str())));
    let app = App::start(&all).await;
    (monitor, app)
}

fn progress(job: &str) -> String {
    format!("/api/jobs/{job}/progress")
}

async fn watch(app: &App, job: &str) -> Events {
    Events::new(app.get(&progress(job)).await)
}

fn counts(processed: u64, failed: u64, total: u64) -> Value {
    json!({
        "processedProducts": processed,
        "failedProducts": failed,
        "totalProducts": total,
    })
}

fn with_status(mut counts: Value, status: &str) -> Value {
    counts["status"] = status.into();
    counts
}

const FILE: &str = "sku,name,price\na,A,1.00\nb,B,2.00\nc,C,oops\n";

#[tokio::test]
async fn the_stream_begins_with_retry_and_the_newest_state_and_follows_the_job_to_its_end() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    assert!(events.next().await.unwrap().retry.is_some());
    let first = events.next().await.unwrap();
    assert_eq!(first.id.as_deref(), Some("1"));
    assert_eq!(first.data.unwrap(), with_status(counts(0, 0, 0), "PENDING"));
    monitor
        .until("the room is joined", |it| it.joins() == [job.clone()])
        .await;
    monitor.emit(&job, counts(120, 3, 500));
    assert_eq!(
        events.state().await.unwrap(),
        with_status(counts(120, 3, 500), "PENDING")
    );
    monitor.emit(&job, counts(497, 3, 500));
    let last = events.last().await;
    assert_eq!(
        last.data.unwrap(),
        with_status(counts(497, 3, 500), "PARTIAL_SUCCESS")
    );

    // A client that has seen the end gets 204; others get the end again.
    let again = app
        .http
        .get(app.url(&progress(&job)))
        .header(header::COOKIE, &app.cookie)
        .header("last-event-id", last.id.unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 204);
    let mut late = watch(&app, &job).await;
    assert_eq!(late.last().await.data.unwrap()["status"], "PARTIAL_SUCCESS");
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_cannot_set_the_header_names_the_last_event_in_the_address() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let many = format!("/api/jobs/progress?ids={job}");
    let mut events = watch(&app, &job).await;
    monitor
        .until("the room is joined", |it| it.joins() == [job.clone()])
        .await;
    monitor.emit(&job, counts(500, 0, 500));
    let end = events.last().await.id.unwrap();
    let one = progress(&job);
    let function = format!("/api/job_progress?id={job}");
    for (address, end) in [
        (&one, end.as_str()),
        (&function, end.as_str()),
        (&many, "end"),
    ] {
        let more = if address.contains('?') { '&' } else { '?' };
        for name in ["lastEventId", "last_event_id"] {
            let seen = app.get(&format!("{address}{more}{name}={end}")).await;
            assert_eq!(seen.status(), 204, "{address} {name}");
            let other = format!("{address}{more}{name}=other");
            assert_eq!(app.get(&other).await.status(), 200, "{other}");
            let header_wins = app.get_again(&other, end).await;
            assert_eq!(header_wins.status(), 204, "{other}");
        }
    }
}

#[tokio::test]
async fn a_stream_of_nothing_yet_speaks_at_once() {
    let (_monitor, app) = start(&[]).await;
    let mut all = Events::new(app.get("/api/jobs/progress").await);
    assert!(all.next().await.unwrap().retry.is_some());
    let began = tokio::time::Instant::now();
    assert_eq!(all.next().await.unwrap().name.as_deref(), Some("heartbeat"));
    assert!(began.elapsed() < std::time::Duration::from_secs(12));
}

#[tokio::test]
async fn a_hundred_viewers_of_five_jobs_cost_the_price_monitor_one_socket() {
    let (monitor, app) = start(&[]).await;
    let mut viewers = Vec::new();
    for _ in 0..5 {
        let job = app.import("shop.csv", FILE).await;
        for _ in 0..20 {
            viewers.push((job.clone(), watch(&app, &job).await));
        }
    }
    monitor
        .until("all rooms are joined", |it| it.joins().len() >= 5)
        .await;
    for job in 1..=5 {
        monitor.emit(&job.to_string(), counts(9, 0, 9));
    }
    for (_, events) in &mut viewers {
        assert_eq!(events.last().await.data.unwrap()["status"], "SUCCESS");
    }
    assert_eq!(monitor.sockets_ever(), 1);
    assert_eq!(monitor.joins().len(), 5);
}

#[tokio::test]
async fn a_broken_socket_is_not_a_failed_import() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    monitor.emit(&job, counts(10, 0, 50));
    while events.state().await.unwrap()["processedProducts"] != 10 {}
    monitor.hang_up();
    monitor
        .until("the room is joined again", |it| it.joins().len() == 2)
        .await;
    monitor.emit(&job, counts(50, 0, 50));
    assert_eq!(events.last().await.data.unwrap()["status"], "SUCCESS");
}

#[tokio::test]
async fn an_end_that_was_missed_is_asked_for_by_rest() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    let mut done = counts(40, 0, 50);
    done["isCompleted"] = true.into();
    monitor.set_rest(&job, done);
    assert_eq!(
        events.last().await.data.unwrap(),
        with_status(counts(40, 0, 50), "PARTIAL_SUCCESS")
    );
    assert_eq!(monitor.open_sockets(), 1);
}

#[tokio::test]
async fn without_a_socket_rest_is_polled() {
    let (monitor, app) = start(&[]).await;
    monitor.refuse_sockets(true);
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    for processed in [10, 20] {
        monitor.set_rest(&job, counts(processed, 0, 50));
        while events.state().await.unwrap()["processedProducts"] != processed {}
    }
    monitor.refuse_sockets(false);
    monitor
        .until("the socket is back", |it| it.joins().len() == 1)
        .await;
    monitor.emit(&job, counts(50, 0, 50));
    assert_eq!(events.last().await.data.unwrap()["status"], "SUCCESS");
}

#[tokio::test]
async fn noise_on_the_socket_is_passed_over() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    for noise in [
        "",
        "{",
        "[1,2]",
        "\u{0}",
        r#"{"event":"import-job-unknown","data":{}}"#,
    ] {
        monitor.emit_raw(noise);
    }
    monitor.emit(&job, json!({"totalProducts": "many"}));
    monitor.emit(
        &job,
        json!({"error": "The feed ended early.", "processedProducts": 7}),
    );
    let last = events.last().await.data.unwrap();
    assert_eq!(last["error"], "The feed ended early.");
    assert_eq!(last["status"], "ERROR");
    assert_eq!(last["processedProducts"], 7);
}

#[tokio::test]
async fn a_flood_reaches_every_viewer_as_its_newest_state() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut viewers = [watch(&app, &job).await, watch(&app, &job).await];
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    for processed in 1..=4_000 {
        monitor.emit(&job, counts(processed, 0, 4_000));
    }
    for events in &mut viewers {
        let mut newest = 0;
        while let Some(state) = events.state().await {
            let processed = state["processedProducts"].as_u64().unwrap();
            assert!(processed >= newest, "counts never go backwards");
            newest = processed;
        }
        assert_eq!(newest, 4_000);
    }
}

#[tokio::test]
async fn a_stream_says_that_it_is_alive() {
    let (_monitor, app) = start(&[("SSE_HEARTBEAT", "1s")]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    loop {
        let event = events.next().await.unwrap();
        if event.name.is_some() {
            assert_eq!(event.name.as_deref(), Some("heartbeat"));
            assert_eq!(event.data, Some(json!({})));
            break;
        }
    }
}

#[tokio::test]
async fn a_stream_ends_before_the_host_would_end_it() {
    let (_monitor, app) = start(&[("SSE_MAX_DURATION", "1s")]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    while events.next().await.is_some() {}
    // The subscriber returns to the newest state.
    assert!(watch(&app, &job).await.state().await.is_some());
}

#[tokio::test]
async fn a_stream_over_the_limit_is_refused_and_none_is_evicted() {
    let (monitor, app) = start(&[("SSE_MAX_STREAMS_PER_USER", "2")]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut open = [watch(&app, &job).await, watch(&app, &job).await];
    let refused = app.get(&progress(&job)).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    monitor.emit(&job, counts(1, 0, 1));
    for events in &mut open {
        assert_eq!(events.last().await.data.unwrap()["status"], "SUCCESS");
    }
}

#[tokio::test]
async fn nobody_sees_a_job_that_is_not_theirs() {
    let (_monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let unknown = app.get(&progress("no-such-job")).await;
    assert_eq!(unknown.status(), 404);
    let unknown = unknown.text().await.unwrap();
    for odd in ["..%2f..", "a%20b", "%00"] {
        assert_eq!(app.get(&progress(odd)).await.status(), 404, "{odd}");
    }
    let signed_out = app.http.get(app.url(&progress(&job))).send().await.unwrap();
    assert_eq!(signed_out.status(), 401);
    assert!(!unknown.contains("no-such-job"));
    let state = app.get("/api/job_states?ids[0]=no-such-job").await;
    assert_eq!(state.text().await.unwrap(), "[]");
}

#[tokio::test]
async fn the_server_function_streams_the_same_events() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = Events::new(app.get(&format!("/api/job_progress?id={job}")).await);
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    monitor.emit(&job, counts(5, 0, 5));
    let last = events.last().await;
    assert_eq!(last.data.unwrap()["status"], "SUCCESS");
    let signed_out = app.http.get(app.url("/api/job_progress?id=1"));
    assert_eq!(signed_out.send().await.unwrap().status(), 401);
    assert_eq!(app.get("/api/job_progress?id=none").await.status(), 404);
}

#[tokio::test]
async fn a_stopping_server_ends_streams_and_takes_no_new_ones() {
    let (_monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    app.begin_to_stop();
    while events.next().await.is_some() {}
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_key_is_said_without_naming_it() {
    let monitor = FakeMonitor::start().await;
    let host = format!("http://{}", monitor.address);
    let app = App::start(&[
        ("MONITOR_PRICE_APP_HOST", host.as_str()),
        ("PRICE_MONITOR_API_KEY", "wrong-key"),
    ])
    .await;
    let refused = app.upload("shop.csv", FILE).await;
    assert_eq!(refused.status(), 503);
    let text = refused.text().await.unwrap();
    assert!(
        text.contains("key") && !text.contains("wrong-key"),
        "{text}"
    );
}

#[tokio::test]
async fn a_dead_price_monitor_is_said_in_a_sentence() {
    let app = App::start(&[
        ("MONITOR_PRICE_APP_HOST", "http://127.0.0.1:9"),
        ("PRICE_MONITOR_API_KEY", "k"),
    ])
    .await;
    let refused = app.upload("shop.csv", FILE).await;
    assert_eq!(refused.status(), 503);
    let text = refused.text().await.unwrap();
    assert!(text.contains("cannot be reached"), "{text}");
    assert!(!text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn an_upload_that_cannot_be_taken_is_refused_in_a_sentence() {
    let app = App::start(&[("MAX_UPLOAD_SIZE", "1KiB")]).await;
    for (name, file, status, words) in [
        ("empty.csv", String::new(), 400, "empty"),
        ("large.csv", "x".repeat(40_000), 413, "too large"),
        ("list.pdf", "%PDF-1.7\n1 0 obj\n".to_owned(), 422, "PDF"),
    ] {
        let refused = app.upload(name, &file).await;
        assert_eq!(refused.status(), status, "{name}");
        let answer: Value = refused.json().await.unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(words) && error.ends_with('.'), "{error}");
    }
}

#[tokio::test]
async fn the_embedded_price_monitor_is_reached_over_the_same_wire() {
    let app = App::start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    let last = events.last().await.data.unwrap();
    let mut expected = with_status(counts(2, 1, 3), "PARTIAL_SUCCESS");
    expected["completedAt"] = last["completedAt"].clone();
    expected["failedProductSkus"] = json!(["c"]);
    assert_eq!(last, expected);
    assert!(last["completedAt"].is_i64());
    let record: Value = app
        .get(&format!("/api/get_import?id={job}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(record["failedProductSkus"], json!(["c"]));
    assert!(record["completedAt"].is_i64());
    let products: Value = app
        .get("/api/list_products?search=&page=1")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(products["total"], 2);
}

#[tokio::test]
async fn the_first_account_is_the_only_one_that_signs_itself_up() {
    let app = App::start(&[]).await;
    let form = [
        ("name", "Eve"),
        ("email", "eve@example.com"),
        ("password", "correct horse"),
    ];
    let refused = app.post_form("/api/create_owner", &form).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(session_cookie(&refused), None);
    let wrong = app
        .post_form(
            "/api/sign_in",
            &[("email", "ada@example.com"), ("password", "wrong horse")],
        )
        .await;
    assert_eq!(wrong.status(), 400);
    let right = app
        .post_form(
            "/api/sign_in",
            &[("email", "ADA@example.com"), ("password", "correct horse")],
        )
        .await;
    let cookie = session_cookie(&right).expect("a session");
    assert_ne!(cookie, app.cookie);
}

#[tokio::test]
async fn a_page_leads_the_signed_out_to_the_sign_in_page() {
    let app = App::start(&[]).await;
    let page = app
        .http
        .get(app.url("/imports/7?x=1"))
        .header(header::ACCEPT, "text/html");
    let response = page.send().await.unwrap();
    assert_eq!(response.status(), 303);
    assert_eq!(
        response.headers()[header::LOCATION],
        "/sign-in?next=%2Fimports%2F7%3Fx%3D1"
    );
    let data = app.http.get(app.url("/api/list_imports?page=1"));
    let response = data.send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.text().await.unwrap(), r#""SignedOut""#);
}

#[tokio::test]
async fn another_site_s_request_changes_nothing() {
    let app = App::start(&[]).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("origin", "null"),
    ] {
        let request = app
            .http
            .post(app.url("/api/sign_out"))
            .header(header::COOKIE, &app.cookie)
            .header(name, value);
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    assert_eq!(app.get("/api/current_user").await.status(), 200);
}

async fn all_states(events: &mut Events) -> Vec<Value> {
    let mut states = Vec::new();
    while let Some(state) = events.state().await {
        states.push(state);
    }
    states
}

#[tokio::test]
async fn one_stream_follows_many_jobs_to_their_ends() {
    let (monitor, app) = start(&[]).await;
    let (a, b) = (
        app.import("a.csv", FILE).await,
        app.import("b.csv", FILE).await,
    );
    let path = format!("/api/jobs/progress?ids={a},{b},no-such-job");
    let mut events = Events::new(app.get(&path).await);
    assert!(events.next().await.unwrap().retry.is_some());
    let missing = events.next().await.unwrap();
    assert_eq!(missing.name.as_deref(), Some("not-found"));
    assert_eq!(missing.data.unwrap(), json!({"jobId": "no-such-job"}));
    for _ in 0..2 {
        assert_eq!(events.state().await.unwrap()["status"], "PENDING");
    }
    monitor
        .until("the rooms are joined", |it| it.joins().len() == 2)
        .await;
    monitor.emit(&a, counts(9, 0, 9));
    let state = events.state().await.unwrap();
    assert_eq!(state["jobId"], a.as_str());
    assert_eq!(state["status"], "SUCCESS");
    monitor.emit(&b, counts(4, 1, 9));
    monitor.emit(&b, counts(8, 1, 9));
    let mut end = None;
    let mut last = Value::Null;
    while let Some(event) = events.next().await {
        match event.name.as_deref() {
            None => last = event.data.unwrap(),
            Some("end") => end = event.id,
            Some(_) => {}
        }
    }
    assert_eq!(last["jobId"], b.as_str());
    assert_eq!(last["status"], "PARTIAL_SUCCESS");
    assert_eq!(monitor.sockets_ever(), 1);

    // A client that has seen all ends gets 204; others get everything again.
    let again = app
        .http
        .get(app.url(&format!("/api/jobs/progress?ids={a},{b}")))
        .header(header::COOKIE, &app.cookie)
        .header("last-event-id", end.unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 204);
    let mut late = Events::new(app.get(&path).await);
    assert_eq!(all_states(&mut late).await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_stream_of_as_many_jobs_as_may_be_tells_the_state_of_each() {
    const JOBS: usize = 200;
    let (monitor, app) = start(&[]).await;
    // Their states exceed one piece.
    let jobs: BTreeSet<String> = (0..JOBS).map(|at| format!("{at:0>36}")).collect();
    for job in &jobs {
        monitor.set_rest(job, counts(1, 0, 9));
        assert!(
            app.get(&format!("/api/imports/{job}"))
                .await
                .status()
                .is_success()
        );
    }
    let listed = Vec::from_iter(jobs.iter().map(String::as_str)).join(",");
    let path = format!("/api/jobs/progress?ids={listed}");
    let mut events = Events::new(app.get(&path).await);
    let mut told = BTreeSet::new();
    let mut upstream = 0;
    while told.len() < JOBS {
        let event = events.next().await.unwrap();
        match (event.name.as_deref(), event.data) {
            (None, Some(state)) => {
                assert!(told.insert(state["jobId"].as_str().unwrap().to_owned()));
            }
            (Some("upstream"), _) => upstream += 1,
            _ => {}
        }
    }
    assert_eq!(told, jobs);
    assert!(upstream <= 1);
    app.stop().await;
}

#[tokio::test]
async fn new_jobs_join_the_stream_of_all_unfinished_ones() {
    let (monitor, app) = start(&[]).await;
    let over = app.import("over.csv", FILE).await;
    let mut events = watch(&app, &over).await;
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    monitor.emit(&over, counts(9, 0, 9));
    events.last().await;

    let mut all = Events::new(app.get("/api/jobs/progress").await);
    let mut with_one = Events::new(
        app.get(&format!("/api/jobs/progress?ids={over}&unfinished=true"))
            .await,
    );
    assert_eq!(with_one.state().await.unwrap()["jobId"], over.as_str());
    let started = app.import("new.csv", FILE).await;
    for events in [&mut all, &mut with_one] {
        let state = events.state().await.unwrap();
        assert_eq!(state["jobId"], started.as_str());
        assert_eq!(state["status"], "PENDING");
    }
    monitor
        .until("the room is joined", |it| it.joins().len() == 2)
        .await;
    monitor.emit(&started, counts(9, 0, 9));
    for events in [&mut all, &mut with_one] {
        assert_eq!(events.state().await.unwrap()["status"], "SUCCESS");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_stream_of_many_jobs_has_limits_and_needs_a_job_that_is_there() {
    let (_monitor, app) = start(&[("SSE_MAX_JOBS_PER_STREAM", "2")]).await;
    let job = app.import("a.csv", FILE).await;
    for (path, status) in [
        ("/api/jobs/progress?ids=no-such-job".to_owned(), 404),
        ("/api/jobs/progress?ids=".to_owned(), 404),
        (format!("/api/jobs/progress?ids={job},b,c"), 400),
        (format!("/api/jobs/progress?ids={job},{job},{job}"), 200),
    ] {
        assert_eq!(app.get(&path).await.status(), status, "{path}");
    }
    let signed_out = app.http.get(app.url("/api/jobs/progress")).send().await;
    assert_eq!(signed_out.unwrap().status(), 401);
}

#[tokio::test]
async fn at_the_limit_of_followed_jobs_no_stream_says_that_a_running_job_is_over() {
    let limits = [("RELAY_MAX_JOBS", "1"), ("SSE_HEARTBEAT", "1s")];
    let (monitor, app) = start(&limits).await;
    let (a, b) = (
        app.import("a.csv", FILE).await,
        app.import("b.csv", FILE).await,
    );
    let mut first = watch(&app, &a).await;
    assert_eq!(first.state().await.unwrap()["status"], "PENDING");
    for path in [progress(&b), format!("/api/jobs/progress?ids={a},{b}")] {
        let refused = app.get(&path).await;
        assert_eq!(refused.status(), 429, "{path}");
        assert!(refused.headers().contains_key("retry-after"), "{path}");
    }
    // A stream of unfinished jobs retries.
    let mut all = Events::new(app.get("/api/jobs/progress").await);
    assert_eq!(all.state().await.unwrap()["jobId"], a.as_str());
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    monitor.emit(&a, counts(9, 0, 9));
    assert_eq!(first.last().await.data.unwrap()["status"], "SUCCESS");
    assert_eq!(all.state().await.unwrap()["status"], "SUCCESS");
    let next = all.state().await.unwrap();
    assert_eq!(next["jobId"], b.as_str(), "there is room for it now");
    assert_eq!(next["status"], "PENDING");
    // Ended jobs need no room.
    let mut over = Events::new(app.get(&format!("/api/jobs/progress?ids={a}")).await);
    assert_eq!(all_states(&mut over).await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_open_streams() {
    let (_monitor, app) = start(&[]).await;
    let job = app.import("a.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    assert!(events.state().await.is_some());
    let signed_out = app
        .http
        .post(app.url("/api/sign_out"))
        .header(header::COOKIE, &app.cookie)
        .send()
        .await
        .unwrap();
    assert!(signed_out.status().is_redirection() || signed_out.status().is_success());
    assert_eq!(events.next().await, None);
    assert_eq!(app.get(&progress(&job)).await.status(), 401);
}

#[tokio::test]
async fn viewers_are_told_when_the_price_monitor_refuses_this_server() {
    let (monitor, app) = start(&[]).await;
    monitor.reject_key();
    let job = app.import("a.csv", FILE).await;
    let mut events = watch(&app, &job).await;
    assert!(events.next().await.unwrap().retry.is_some());
    assert_eq!(
        events.next().await.unwrap().data.unwrap()["status"],
        "PENDING"
    );
    let told = events.next().await.unwrap();
    assert_eq!(told.name.as_deref(), Some("upstream"));
    assert_eq!(told.data.unwrap(), json!({"state": "REFUSED"}));
    // Late subscribers get it after the newest state.
    let mut late = watch(&app, &job).await;
    assert!(late.state().await.is_some());
    assert_eq!(
        late.next().await.unwrap().data.unwrap(),
        json!({"state": "REFUSED"})
    );
}

#[tokio::test]
async fn the_stream_comes_over_http_2_without_an_upgrade_too() {
    let (_monitor, app) = start(&[]).await;
    let job = app.import("a.csv", FILE).await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let response = http
        .get(app.url(&progress(&job)))
        .header(header::COOKIE, &app.cookie)
        .header(header::ACCEPT_ENCODING, "br, gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(
        Events::new(response).state().await.unwrap()["status"],
        "PENDING"
    );
    app.stop().await;
}

async fn states_with_ids(events: &mut Events) -> Vec<(String, Value)> {
    let mut states = Vec::new();
    while let Some(event) = events.next().await {
        if let (None, Some(data)) = (event.name, event.data) {
            states.push((event.id.expect("every state has an identifier"), data));
        }
    }
    states
}

#[tokio::test]
async fn who_comes_back_to_a_stream_of_many_jobs_is_told_no_end_twice() {
    let (monitor, app) = start(&[]).await;
    let (a, b) = (
        app.import("a.csv", FILE).await,
        app.import("b.csv", FILE).await,
    );
    let path = format!("/api/jobs/progress?ids={b},{a},no-such-job");
    let mut events = Events::new(app.get(&path).await);
    monitor
        .until("the rooms are joined", |it| it.joins().len() == 2)
        .await;
    monitor.emit(&a, counts(9, 0, 9));
    let id = loop {
        let event = events.next().await.unwrap();
        if event.data.is_some_and(|data| data["status"] == "SUCCESS") {
            break event.id.unwrap();
        }
    };
    drop(events);
    monitor.emit(&b, counts(3, 0, 9));
    let mut again = Events::new(app.get_again(&path, &id).await);
    let state = again.state().await.unwrap();
    assert_eq!(
        state["jobId"],
        b.as_str(),
        "of the other it is told nothing"
    );
    monitor.emit(&b, counts(9, 0, 9));
    let states = states_with_ids(&mut again).await;
    assert!(states.iter().all(|(_, state)| state["jobId"] == b.as_str()));
    let (id, last) = states.last().unwrap();
    assert_eq!(last["status"], "SUCCESS");
    // A client that has seen every end but not `end` gets that only.
    let mut rest = Events::new(app.get_again(&path, id).await);
    assert_eq!(states_with_ids(&mut rest).await, []);
    // With another ID it gets everything.
    let mut other = Events::new(app.get_again(&path, "7.beef.3").await);
    assert_eq!(states_with_ids(&mut other).await.len(), 2);
}

#[tokio::test]
async fn however_a_job_starts_the_stream_of_all_unfinished_ones_takes_it_in() {
    let (monitor, app) = start(&[]).await;
    let mut all = Events::new(app.get("/api/jobs/progress").await);
    let job = app.import("shop.csv", FILE).await;
    assert_eq!(all.state().await.unwrap()["jobId"], job.as_str());
    let again = app
        .post_as("/api/import_again", &[("id", job.as_str())])
        .await;
    assert!(!again.status().is_server_error(), "{}", again.status());
    assert_ne!(all.state().await.unwrap()["jobId"], job.as_str());
    // Started at the price monitor, unknown here.
    monitor.set_rest("elsewhere", counts(1, 0, 9));
    assert_eq!(app.get(&progress("elsewhere")).await.status(), 200);
    let state = loop {
        let state = all.state().await.unwrap();
        if state["jobId"] == "elsewhere" {
            break state;
        }
    };
    assert_eq!(state["status"], "PENDING");
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("import_relay_imports_started_total 3\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_job_that_is_deleted_ends_its_streams() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let running = app.import("other.csv", FILE).await;
    let path = format!("/api/jobs/progress?ids={job},{running}");
    let mut many = Events::new(app.get(&path).await);
    let mut one = watch(&app, &job).await;
    let mut by_http2 = Events::new(app.get_by_http2(&progress(&job)).await);
    for events in [&mut one, &mut by_http2] {
        assert_eq!(events.state().await.unwrap()["status"], "PENDING");
    }
    monitor
        .until("the rooms are joined", |it| it.joins().len() == 2)
        .await;
    // Another instance has recorded the end; this one does not know.
    let database = sea_orm::Database::connect(app.database_url())
        .await
        .unwrap();
    let ended = format!("UPDATE product_import_jobs SET status = 'ERROR' WHERE id = '{job}'");
    let ended = sea_orm::ConnectionTrait::execute_unprepared(&database, &ended).await;
    assert_eq!(ended.unwrap().rows_affected(), 1);
    let deleted = app
        .post_as("/api/delete_import", &[("id", job.as_str())])
        .await;
    assert!(!deleted.status().is_client_error() && !deleted.status().is_server_error());
    assert!(one.last().await.data.is_none(), "it ends without a word");
    assert!(by_http2.last().await.data.is_none());
    assert_eq!(app.get(&progress(&job)).await.status(), 404);
    let missing = loop {
        let event = many.next().await.expect("the other one goes on");
        if event.name.as_deref() == Some("not-found") {
            break event.data.unwrap();
        }
    };
    assert_eq!(missing, json!({"jobId": job}));
    monitor.emit(&running, counts(1, 0, 1));
    assert_eq!(
        all_states(&mut many).await.last().unwrap()["status"],
        "SUCCESS"
    );
}

#[tokio::test]
async fn a_connection_that_was_lost_while_nobody_watched_is_no_news() {
    let (monitor, app) = start(&[]).await;
    let job = app.import("shop.csv", FILE).await;
    let events = watch(&app, &job).await;
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    drop(events);
    monitor
        .until("the room is left", |it| it.leaves().len() == 1)
        .await;
    monitor.hang_up();
    let deadline = tokio::time::Instant::now() + test_support::DEADLINE;
    let lost = "import_relay_upstream_losses_total 1\n";
    while !app
        .get("/metrics")
        .await
        .text()
        .await
        .unwrap()
        .contains(lost)
    {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the loss is noticed"
        );
    }
    let mut events = watch(&app, &job).await;
    monitor
        .until("the room is joined again", |it| it.joins().len() == 2)
        .await;
    monitor.emit(&job, counts(1, 0, 1));
    while let Some(event) = events.next().await {
        assert_ne!(event.name.as_deref(), Some("upstream"), "{event:?}");
    }
}
