//! Unusual price monitors: their messages are understood, harm no other import, and never invent an end.

use reqwest::{StatusCode, header, multipart};
use serde_json::{Value, json};

use super::{FILE, counts, progress, socket_io::SocketIo, start, watch, with_status};
use crate::support::app::App;
use test_support::{DEADLINE, events::Events, fake_monitor::FakeMonitor};

async fn watched(more: &[(&str, &str)]) -> (FakeMonitor, App, String, Events) {
    let (monitor, app) = start(more).await;
    let job = app.import("shop.csv", FILE).await;
    let events = watch(&app, &job).await;
    monitor
        .until("the room is joined", |it| it.joins().contains(&job))
        .await;
    (monitor, app, job, events)
}

async fn until_processed(events: &mut Events, processed: u64) {
    while events.state().await.unwrap()["processedProducts"] != processed {}
}

async fn metric(app: &App, name: &str) -> u64 {
    let metrics = app.get("/metrics").await.text().await.unwrap();
    let line = metrics
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")));
    let value = line.and_then(|line| line.split(' ').nth(1)).expect(name);
    value.parse().unwrap()
}

async fn recorded(app: &App, job: &str) -> Value {
    app.get(&format!("/api/imports/{job}"))
        .await
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_message_that_cannot_be_read_costs_no_connection_and_no_end() {
    let (monitor, app, job, mut events) = watched(&[]).await;
    let event = |data: &str| format!(r#"{{"event":"import-job-{job}","data":{data}}}"#);
    let deep = format!("{}1{}", r#"{"o":"#.repeat(200), "}".repeat(200));
    for (processed, odd) in [
        (1, r#""\ud83d""#),
        (2, r#"{"\udc00":1}"#),
        (3, &deep),
        (4, &"9".repeat(400)),
    ] {
        let data = format!(r#"{{"odd":{odd},"processedProducts":{processed},"totalProducts":9}}"#);
        monitor.emit_raw(&event(&data));
        until_processed(&mut events, processed).await;
    }
    for unreadable in [event("{"), event("[1]"), "{{{".to_owned()] {
        monitor.emit_raw(&unreadable);
    }
    monitor.emit_bytes(b"\x00\xff");
    monitor.emit_bytes(event(r#"{"processedProducts":5,"totalProducts":9}"#).as_bytes());
    until_processed(&mut events, 5).await;
    assert_eq!(metric(&app, "import_relay_upstream_skipped_total").await, 4);
    monitor.emit_raw(&event(r#"{"error":"Row 7: \"Mug \ud83d\""}"#));
    assert_eq!(
        events.last().await.data.unwrap()["error"],
        "Row 7: \"Mug \u{fffd}\""
    );
    assert_eq!(monitor.sockets_ever(), 1);
}

#[tokio::test]
async fn rest_is_read_as_tolerantly() {
    let (monitor, _app, job, mut events) = watched(&[]).await;
    let body = r#"{"data":{"processedProducts":"9","failedProducts":1,"totalProducts":10,
        "isCompleted":true,"failedProductSkus":["MUG-\ud83d"]}}"#;
    monitor.set_answer(&job, 200, body.as_bytes());
    let last = events.last().await.data.unwrap();
    let mut expected = with_status(counts(9, 1, 10), "PARTIAL_SUCCESS");
    expected["failedProductSkus"] = json!(["MUG-\u{fffd}"]);
    assert_eq!(last, expected);
}

#[tokio::test]
async fn an_end_before_all_is_there_is_no_success() {
    let (monitor, app) = start(&[]).await;
    for (said, status, error) in [
        (counts(60, 0, 100), "PARTIAL_SUCCESS", Value::Null),
        (
            counts(0, 0, 100),
            "ERROR",
            json!("The import ended before anything was imported."),
        ),
    ] {
        for word in [json!({"isCompleted": true}), json!({"status": "SUCCESS"})] {
            let job = app.import("shop.csv", FILE).await;
            let mut events = watch(&app, &job).await;
            let mut said = said.clone();
            said.as_object_mut()
                .unwrap()
                .extend(word.as_object().unwrap().clone());
            monitor.set_rest(&job, said);
            let last = events.last().await.data.unwrap();
            assert_eq!((&last["status"], &last["error"]), (&json!(status), &error));
            let recorded = recorded(&app, &job).await;
            assert_eq!(
                (&recorded["status"], &recorded["error"]),
                (&json!(status), &error)
            );
        }
    }
}

#[tokio::test]
async fn a_last_word_that_adds_up_replaces_what_was_counted() {
    let (monitor, app, job, mut events) = watched(&[]).await;
    monitor.emit(&job, counts(6, 4, 12));
    until_processed(&mut events, 6).await;
    monitor.emit(&job, counts(12, 0, 12));
    let last = events.last().await.data.unwrap();
    assert_eq!(last, with_status(counts(12, 0, 12), "SUCCESS"));
    let recorded = recorded(&app, &job).await;
    assert_eq!(
        (&recorded["status"], &recorded["failedProducts"]),
        (&json!("SUCCESS"), &json!(0))
    );
}

#[tokio::test]
async fn a_text_with_control_characters_ends_a_job_on_every_database() {
    let (monitor, app, job, mut events) = watched(&[]).await;
    let skus = json!(["a\u{0}b"]);
    let said = json!({"error": "bad byte \u{0} in row 3", "failedProductSkus": skus});
    monitor.emit(&job, said);
    assert_eq!(
        events.last().await.data.unwrap()["error"],
        "bad byte  in row 3"
    );
    let recorded = recorded(&app, &job).await;
    assert_eq!(recorded["status"], "ERROR");
    assert_eq!(recorded["failedProductSkus"], json!(["ab"]));
}

#[tokio::test]
async fn a_job_that_the_service_has_forgotten_fails_and_can_be_deleted_meanwhile() {
    let (_monitor, app, job, mut events) = watched(&[("RELAY_FORGOTTEN_AFTER", "2s")]).await;
    let last = events.last().await.data.unwrap();
    assert_eq!(
        last["error"],
        "The price monitor no longer knows this import."
    );
    assert_eq!(recorded(&app, &job).await["status"], "ERROR");
    // A job whose end is uncertain can be deleted too.
    let (monitor, app, job, _events) = watched(&[]).await;
    let gone = app.post_as("/api/delete_import", &[("id", &job)]).await;
    assert!(
        gone.status().is_redirection() || gone.status().is_success(),
        "{gone:?}"
    );
    // A running one cannot.
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, counts(1, 0, 9));
    let kept = app.post_as("/api/delete_import", &[("id", &job)]).await;
    assert!(
        !kept.status().is_success() && !kept.status().is_redirection(),
        "{kept:?}"
    );
}

#[tokio::test]
async fn an_answer_that_shows_nothing_of_a_job_adopts_none() {
    let (monitor, app) = start(&[]).await;
    for body in [
        &b"{}"[..],
        b"{\"ok\":true}",
        b"<html>",
        b"[]",
        b"{\"data\":{}}",
        b"{\"status\":\"ok\"}",
    ] {
        monitor.set_answer("elsewhere", 200, body);
        let shown = app.get("/api/imports/elsewhere").await;
        assert_eq!(shown.status(), StatusCode::NOT_FOUND, "{body:?}");
    }
    monitor.set_rest("elsewhere", counts(1, 0, 9));
    assert_eq!(
        app.get("/api/imports/elsewhere").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_word_on_one_job_stops_no_other() {
    let (monitor, app, job, mut events) = watched(&[]).await;
    monitor.set_answer("foreign", 403, br#"{"error":"not your tenant"}"#);
    assert_eq!(
        app.get(&progress("foreign")).await.status(),
        StatusCode::NOT_FOUND
    );
    monitor.set_created(403, r#"{"error":"Monthly quota exceeded"}"#, &[]);
    let refused = app.upload("shop.csv", FILE).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("Monthly quota exceeded")
    );
    monitor.refuse_sockets(true);
    monitor.hang_up();
    monitor.set_rest(&job, counts(5, 0, 9));
    // REST is polled, and the key is not reported as rejected.
    loop {
        let event = events.next().await.unwrap();
        let data = event.data.unwrap_or_default();
        match event.name.as_deref() {
            Some("upstream") => assert_eq!(data["state"], "POLLING"),
            None if data["processedProducts"] == 5 => break,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_refused_upload_says_whose_fault_it_is() {
    let (monitor, app) = start(&[]).await;
    for (status, body, answered, words) in [
        (404, "<html>nothing</html>", 502, "address"),
        (302, "", 502, "elsewhere"),
        (500, r#"{"error":"db down"}"#, 503, "HTTP 500"),
        (503, "<html>", 503, "HTTP 503"),
        (507, r#"{"error":"no room left"}"#, 507, "no room left"),
        (429, r#"{"error":"Slow down"}"#, 429, "Slow down"),
        (401, r#"{"error":"bad key"}"#, 503, "key"),
        (
            409,
            r#"{"message":"Another import is running"}"#,
            422,
            "Another import",
        ),
        (
            422,
            r#"{"errors":[{"message":"no SKU column"}]}"#,
            422,
            "no SKU column",
        ),
        (
            422,
            r#"{"detail":[{"msg":"field required"}]}"#,
            422,
            "field required",
        ),
        (413, "<html>413</html>", 422, "413"),
        (200, "<html>welcome</html>", 502, "not understood"),
        (201, "{}", 502, "not understood"),
    ] {
        let headers = [("retry-after", "77"), ("location", "/elsewhere")];
        monitor.set_created(status, body, &headers);
        let refused = app.upload("shop.csv", FILE).await;
        assert_eq!(refused.status().as_u16(), answered, "{status} {body}");
        if answered == 429 {
            assert_eq!(refused.headers()[header::RETRY_AFTER], "77");
        }
        let text = refused.text().await.unwrap();
        assert!(text.contains(words), "{status} {body}: {text}");
    }
}

#[tokio::test]
async fn a_client_s_idempotency_key_goes_along() {
    let (monitor, app) = start(&[]).await;
    let part = multipart::Part::bytes(FILE.as_bytes()).file_name("shop.csv");
    let request = app.http.post(app.url("/imports"));
    let response = request
        .header(header::COOKIE, &app.cookie)
        .header(header::ACCEPT, "application/json")
        .header("idempotency-key", "order-7")
        .multipart(multipart::Form::new().part("file", part))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(monitor.keys(), ["order-7"]);
}

#[tokio::test]
async fn an_import_that_nobody_watches_is_followed_to_its_end_and_counted_once() {
    let (monitor, app) = start(&[("RELAY_UNWATCHED_INTERVAL", "1s")]).await;
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, json!({"error": "no header"}));
    let ended = "import_relay_imports_ended_total{status=\"ERROR\"}";
    while metric(&app, ended).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(recorded(&app, &job).await["status"], "ERROR");
    // A late subscriber does not end it again.
    let mut events = watch(&app, &job).await;
    assert_eq!(events.last().await.data.unwrap()["error"], "no header");
    assert_eq!(metric(&app, ended).await, 1);
}

#[tokio::test]
async fn an_import_that_nobody_watches_fails_by_an_event_that_rest_does_not_tell_of() {
    let (monitor, app) = start(&[("RELAY_UNWATCHED_JOBS", "2")]).await;
    let mut jobs = Vec::new();
    for name in ["a.csv", "b.csv", "c.csv"] {
        let job = app.import(name, FILE).await;
        // The contract's answer has no error.
        monitor.set_rest(&job, counts(1, 0, 9));
        jobs.push(job);
    }
    monitor
        .until("they are joined", |it| it.joins() == jobs[..2])
        .await;
    let ended = "import_relay_imports_ended_total{status=\"ERROR\"}";
    for (number, job) in (1..).zip(&jobs[..2]) {
        monitor.emit(job, json!({"error": "The disk is full."}));
        while metric(&app, ended).await < number {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let recorded = recorded(&app, job).await;
        assert_eq!(
            (&recorded["status"], &recorded["error"]),
            (&json!("ERROR"), &json!("The disk is full."))
        );
    }
    // Other jobs get their places.
    monitor
        .until("the third is joined", |it| it.joins() == jobs)
        .await;
    // Each is left some time after its end, in any order.
    let mut leaves = monitor.leaves();
    leaves.sort();
    assert_eq!(leaves, jobs[..2]);
    assert_eq!(monitor.sockets_ever(), 1);
}

#[tokio::test]
async fn a_viewer_who_comes_and_goes_leaves_the_import_followed() {
    let (monitor, app) = start(&[("RELAY_UNWATCHED_JOBS", "2")]).await;
    let job = app.import("a.csv", FILE).await;
    monitor.set_rest(&job, counts(1, 0, 9));
    let joined = |it: &FakeMonitor| it.joins() == [job.clone()];
    monitor.until("it is joined", joined).await;
    let mut events = watch(&app, &job).await;
    monitor.emit(&job, counts(2, 0, 9));
    until_processed(&mut events, 2).await;
    drop(events);
    let viewers = "import_relay_viewers";
    while metric(&app, viewers).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // Two sweeps, which would close other rooms.
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    monitor.emit(&job, json!({"error": "The disk is full."}));
    let ended = "import_relay_imports_ended_total{status=\"ERROR\"}";
    while metric(&app, ended).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(monitor.joins(), [job]);
}

#[tokio::test]
async fn an_import_that_another_instance_has_ended_is_left() {
    let (monitor, app) = start(&[
        ("RELAY_UNWATCHED_JOBS", "2"),
        ("RELAY_UNWATCHED_INTERVAL", "1s"),
    ])
    .await;
    let job = app.import("a.csv", FILE).await;
    monitor.set_rest(&job, counts(1, 0, 9));
    let joined = |it: &FakeMonitor| it.joins() == [job.clone()];
    monitor.until("it is joined", joined).await;
    let db = sea_orm::Database::connect(app.database_url())
        .await
        .unwrap();
    let end = format!(
        "UPDATE product_import_jobs SET status = 'ERROR', error = 'x', completed_at = 1 WHERE id = '{job}'"
    );
    sea_orm::ConnectionTrait::execute_unprepared(&db, &end)
        .await
        .unwrap();
    let left = |it: &FakeMonitor| it.leaves() == [job.clone()];
    monitor.until("it is left", left).await;
}

#[tokio::test]
async fn an_end_that_a_page_learns_is_counted() {
    let (monitor, app) = start(&[("RELAY_UNWATCHED_INTERVAL", "1h")]).await;
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, counts(3, 0, 3));
    assert_eq!(recorded(&app, &job).await["status"], "SUCCESS");
    let ended = "import_relay_imports_ended_total{status=\"SUCCESS\"}";
    assert_eq!(metric(&app, ended).await, 1);
}

#[tokio::test]
async fn a_stream_of_listed_jobs_that_cannot_follow_all_is_refused() {
    let (monitor, app) = start(&[("RELAY_MAX_JOBS", "1")]).await;
    let (one, other) = (
        app.import("a.csv", FILE).await,
        app.import("b.csv", FILE).await,
    );
    for job in [&one, &other] {
        monitor.set_rest(job, counts(1, 0, 9));
    }
    let _first = watch(&app, &one).await;
    let path = format!("/api/jobs/progress?ids={one},{other}");
    let refused = app.get(&path).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
}

async fn upstream_states(events: &mut Events) -> Vec<String> {
    let mut states = Vec::new();
    while let Some(event) = events.next().await {
        if event.name.as_deref() == Some("upstream") {
            let state = event.data.unwrap()["state"].as_str().unwrap().to_owned();
            states.push(state);
        }
    }
    states
}

#[tokio::test]
async fn a_service_that_hangs_up_at_once_does_not_make_the_line_flip() {
    let (monitor, app) = start(&[]).await;
    monitor.hang_up_at_once();
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, counts(1, 0, 9));
    let mut events = watch(&app, &job).await;
    monitor
        .until("it was tried for", |it| it.sockets_ever() >= 5)
        .await;
    monitor.set_rest(&job, counts(9, 0, 9));
    assert_eq!(upstream_states(&mut events).await, ["POLLING"]);
}

#[tokio::test]
async fn a_socket_that_is_forbidden_is_no_word_on_the_key() {
    let (monitor, app) = start(&[]).await;
    monitor.refuse_sockets(true);
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, counts(1, 0, 9));
    let mut events = watch(&app, &job).await;
    monitor
        .until("it was tried for", |it| it.tries() >= 3)
        .await;
    monitor.set_rest(&job, counts(9, 0, 9));
    assert_eq!(upstream_states(&mut events).await, ["POLLING"]);
}

const OPEN: &str = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;

async fn socket_io(
    path: &str,
    script: impl Fn(&str) -> Vec<&'static str> + Send + Sync + 'static,
) -> (SocketIo, App, Events) {
    let server =
        SocketIo::start(move |frame| script(frame).into_iter().map(str::to_owned).collect()).await;
    let settings = server.settings(path);
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let app = App::start(&settings).await;
    let job = app.import("shop.csv", FILE).await;
    let events = watch(&app, &job).await;
    (server, app, events)
}

#[tokio::test]
async fn an_old_socket_io_server_is_named_and_polled() {
    let (server, app, mut events) = socket_io("", |frame| match frame {
        "open" => vec![OPEN, "40"],
        _ => vec![],
    })
    .await;
    loop {
        let event = events.next().await.expect("it is told of");
        if event.name.as_deref() == Some("upstream") {
            assert_eq!(event.data.unwrap()["state"], "POLLING");
            break;
        }
    }
    let status: Value = app.get("/api/server_status").await.json().await.unwrap();
    assert_eq!(status["upstream_problems"][0]["code"], "OLD_SOCKET_IO");
    // A new subscriber triggers no attempt.
    let frames = server.heard().len();
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let _another = watch(&app, "1").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(server.heard().len(), frames);
}

#[tokio::test]
async fn a_connection_after_one_that_could_not_be_read_begins_anew() {
    let joined = std::sync::atomic::AtomicUsize::new(0);
    let too_large: &'static str = Box::leak("x".repeat(5 << 20).into_boxed_str());
    let (server, _app, _events) = socket_io("", move |frame| match frame {
        "open" => vec![OPEN],
        connect if connect.starts_with("40") => vec![r#"40{"sid":"b","pid":"session-1"}"#],
        join if join.starts_with("42") => {
            let event = r#"42["x",{},"offset-1"]"#;
            match joined.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                // A broken session is resumed.
                0 => vec![event, ""],
                // A session that sends a message above the limit is not.
                1 => vec![event, too_large],
                _ => vec![],
            }
        }
        _ => vec![],
    })
    .await;
    server.until_heard("40", 3).await;
    let heard = server.heard();
    let connects: Vec<_> = heard
        .iter()
        .filter(|frame| frame.starts_with("40"))
        .collect();
    assert!(!connects[0].contains("offset-1"), "{connects:?}");
    assert!(connects[1].contains("offset-1") && connects[1].contains("session-1"));
    assert!(!connects[2].contains("session-1"), "{connects:?}");
}

#[tokio::test]
async fn a_namespace_that_is_unknown_is_named_and_the_main_one_used() {
    let (server, app, _events) = socket_io("/api/v1/", |frame| match frame {
        "open" => vec![OPEN],
        connect if connect.starts_with("40/api/v1,") => {
            vec![r#"44/api/v1,{"message":"Invalid namespace"}"#]
        }
        connect if connect.starts_with("40{") => vec![r#"40{"sid":"b"}"#],
        _ => vec![],
    })
    .await;
    server.until_heard(r#"42["join-import-job","1"]"#, 1).await;
    let status: Value = app.get("/api/server_status").await.json().await.unwrap();
    let problem = json!({"code": "UNKNOWN_NAMESPACE", "detail": "/api/v1"});
    assert_eq!(status["upstream_problems"], json!([problem]));
}

#[tokio::test]
async fn a_refusal_that_is_not_about_the_key_is_tried_again_soon() {
    let refused = std::sync::atomic::AtomicBool::new(false);
    let (server, app, mut events) = socket_io("", move |frame| match frame {
        "open" => vec![OPEN],
        connect if connect.starts_with("40") => {
            if refused.swap(true, std::sync::atomic::Ordering::SeqCst) {
                vec![r#"40{"sid":"b"}"#]
            } else {
                vec![r#"44{"message":"Database connection lost"}"#]
            }
        }
        _ => vec![],
    })
    .await;
    server.until_heard("42", 1).await;
    loop {
        let event = events.next().await.expect("it is told of");
        if event.name.as_deref() == Some("upstream") {
            assert_ne!(event.data.clone().unwrap()["state"], "REFUSED");
            if event.data.unwrap()["state"] == "CONNECTED" {
                break;
            }
        }
    }
    let status: Value = app.get("/api/server_status").await.json().await.unwrap();
    assert_eq!(status["upstream_problems"], json!([]));
}

async fn until_problems(app: &App, problems: &Value) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let status: Value = app.get("/api/server_status").await.json().await.unwrap();
        if status["upstream_problems"] == *problems {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{status}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn events_without_a_known_field_are_named_to_the_owner_and_rest_tells_instead() {
    let (monitor, app, job, mut events) = watched(&[]).await;
    let odd = json!({"done": 5, "of\u{7}": 10, "shop": {"password": "hunter2"}});
    monitor.emit(&job, odd.clone());
    let fields = json!({"source": "EVENTS", "fields": ["done", "of", "shop"]});
    let problem = json!({"code": "UNKNOWN_FIELDS", "detail": fields});
    until_problems(&app, &json!([problem])).await;
    let page = app.get("/status").await.text().await.unwrap();
    assert!(page.contains("done, of, shop"), "{page}");
    assert!(!page.contains("hunter2"), "{page}");
    // Unchanged counts are no news.
    monitor.set_rest(&job, counts(7, 0, 9));
    let chatter = {
        let (monitor, job) = (monitor.clone(), job.clone());
        tokio::spawn(async move {
            loop {
                monitor.emit(&job, odd.clone());
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
    };
    let told = tokio::time::timeout(DEADLINE, until_processed(&mut events, 7));
    told.await.expect("REST is asked");
    chatter.abort();
    // A readable report clears the problem.
    monitor.emit(&job, counts(8, 0, 9));
    until_problems(&app, &json!([])).await;
}

#[tokio::test]
async fn answers_without_a_known_field_are_named_to_the_owner() {
    let monitor = FakeMonitor::start().await;
    monitor.refuse_sockets(true);
    let settings = monitor.settings();
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let app = App::start(&settings).await;
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, json!({"imported": 3}));
    let _events = watch(&app, &job).await;
    let fields = json!({"source": "ANSWERS", "fields": ["imported"]});
    let problem = json!({"code": "UNKNOWN_FIELDS", "detail": fields});
    until_problems(&app, &json!([problem])).await;
}

/// A price monitor that answers the first request of each connection and resets the connection at the second one, as
/// when it is just closing it. Returns its origin.
async fn monitor_of_one_request_a_connection() -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut number = 0;
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            number += 1;
            tokio::spawn(async move {
                let mut received = Vec::new();
                // The end of a chunked body, which only an upload has.
                while !received.ends_with(b"\r\n0\r\n\r\n") {
                    if connection.read_buf(&mut received).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let id = format!("{{\"id\":\"{number}\"}}");
                let answer = format!(
                    "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{id}",
                    id.len()
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
                if connection.read_u8().await.is_ok() {
                    socket2::SockRef::from(&connection)
                        .set_linger(Some(std::time::Duration::ZERO))
                        .unwrap();
                }
            });
        }
    });
    origin
}

#[tokio::test]
async fn an_upload_does_not_go_over_a_connection_that_the_service_may_be_closing() {
    let origin = monitor_of_one_request_a_connection().await;
    let app = App::start(&[
        ("MONITOR_PRICE_APP_HOST", &origin),
        ("PRICE_MONITOR_API_KEY", "key"),
    ])
    .await;
    for name in ["a.csv", "b.csv", "c.csv"] {
        app.import(name, FILE).await;
    }
}
