//! `import-relay check --monitor` as a process, for services of all kinds.

use std::{future::Future, net::SocketAddr, process::Stdio};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::{net::TcpListener, process::Command};

use crate::support::{
    example::Example,
    node::{Node, SocketIoMonitor},
};
use test_support::{
    DEADLINE,
    fake_monitor::{FakeMonitor, KEY},
};

struct Said {
    code: i32,
    text: String,
}

impl Said {
    /// Expects a line with each of these prefixes and texts.
    fn has(self, lines: &[(&str, &str)]) -> Self {
        for (begin, words) in lines {
            let mut found = self.text.lines().filter(|line| line.starts_with(begin));
            assert!(
                found.any(|line| line.contains(words)),
                "{begin} … {words}:\n{}",
                self.text
            );
        }
        self
    }

    fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }
}

async fn check(address: &str, args: &[&str]) -> Said {
    run(
        &[
            ("MONITOR_PRICE_APP_HOST", address),
            ("PRICE_MONITOR_API_KEY", KEY),
        ],
        args,
    )
    .await
}

async fn run(settings: &[(&str, &str)], args: &[&str]) -> Said {
    let directory = tempfile::tempdir().unwrap();
    let running = Command::new(env!("CARGO_BIN_EXE_import-relay"))
        .args(["check", "--monitor"])
        .args(args)
        .current_dir(directory.path())
        .env_clear()
        .env("NO_COLOR", "1")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(DEADLINE, running)
        .await
        .expect("it ends in time")
        .unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    let text = format!("{out}{err}");
    assert!(!text.contains(KEY), "the key is shown:\n{text}");
    Said {
        code: output.status.code().unwrap(),
        text,
    }
}

/// A service with one answer to every request.
async fn service<F, A>(answer: F) -> String
where
    F: Fn(HeaderMap) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(move |request: Request| answer(request.headers().clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn the_example_of_the_documentation_fits() {
    let example = Example::start(KEY);
    let tried = check(&example.origin, &[]).await.ends_with(0);
    assert!(!tried.text.contains("FAILED"), "{}", tried.text);
    tried.has(&[
        ("ok      GET /health", "Healthy"),
        ("ok      the key", "X-API-Key"),
        (
            "ok      GET /api/products/imports/{id}/progress",
            "not found (HTTP 404)",
        ),
        ("ok      Socket.IO", "Connected"),
        ("note    join-import-job", "--upload"),
        ("The price monitor conforms to docs/protocol.md", ""),
    ]);
    check(&example.origin, &["--upload"])
        .await
        .ends_with(0)
        .has(&[
            ("ok      POST /api/products/imports", "as import "),
            (
                "ok      import-job-{id}",
                "10 of 10 products imported, 0 failed, SUCCESS",
            ),
            (
                "ok      GET /api/products/imports/{id}/progress",
                "10 of 10 products imported",
            ),
            ("ok      the end", "SUCCESS"),
            ("note    GET /api/products/imports/{id}:", "optional"),
        ]);
}

#[tokio::test]
async fn a_file_of_one_s_own_is_imported_and_a_refusal_is_quoted() {
    let example = Example::start(KEY);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.csv");
    std::fs::write(&file, "sku,name,price\na,A,1.00\nb,B,free\n").unwrap();
    let upload = ["--upload", file.to_str().unwrap()];
    check(&example.origin, &upload).await.ends_with(0).has(&[(
        "ok      import-job-{id}",
        "1 of 2 products imported, 1 failed, PARTIAL_SUCCESS",
    )]);
    std::fs::write(&file, "sku,name,price\n").unwrap();
    check(&example.origin, &upload).await.ends_with(1).has(&[(
        "FAILED  POST /api/products/imports",
        "The file holds no products.",
    )]);
    let missing = ["--upload", "no-such-file.csv"];
    check(&example.origin, &missing).await.ends_with(2);
}

#[tokio::test]
async fn a_plain_websocket_fits_without_health_and_nothing_is_imported_unasked() {
    let monitor = FakeMonitor::start().await;
    check(&format!("ws://{}/", monitor.address), &[])
        .await
        .ends_with(0)
        .has(&[
            ("note    GET /health", "HTTP 404"),
            ("ok      WebSocket", "Connected"),
        ]);
    assert_eq!(monitor.keys(), [] as [String; 0]);
    assert_eq!((monitor.joins().len(), monitor.leaves().len()), (1, 1));
}

/// Runs the command for import 7 of a service that sends these events after the join.
async fn follow(events: Vec<serde_json::Value>, rest: serde_json::Value) -> Said {
    let monitor = FakeMonitor::start().await;
    monitor.set_rest("7", json!({"processedProducts": 0, "totalProducts": 9}));
    let speaker = {
        let monitor = monitor.clone();
        tokio::spawn(async move {
            monitor
                .until("it is joined", |it| !it.joins().is_empty())
                .await;
            monitor
                .until("REST is asked with both keys, and once more", |it| {
                    it.asked() >= 3
                })
                .await;
            monitor.set_rest("7", rest);
            for event in events {
                monitor.emit("7", event);
            }
        })
    };
    let address = format!("ws://{}/", monitor.address);
    let said = check(&address, &["--job", "7", "--timeout", "2s"]).await;
    speaker.await.unwrap();
    said
}

#[tokio::test]
async fn reports_are_judged_by_their_fields_and_no_value_is_shown() {
    let over = json!({"processedProducts": 9, "totalProducts": 9, "isCompleted": true});
    let reports = vec![json!({"done": 4, "note\u{7}": "hunter2"})];
    let said = follow(reports, over.clone()).await.ends_with(1).has(&[
        (
            "FAILED  import-job-{id}",
            "none of the fields of a report. Its fields are: done, note.",
        ),
        ("ok      the end", "SUCCESS"),
    ]);
    assert!(!said.text.contains("hunter2"), "{}", said.text);
    follow(vec![json!([1, 2])], over.clone())
        .await
        .ends_with(1)
        .has(&[("FAILED  import-job-{id}", "Cannot be read")]);
    follow(vec![], over.clone())
        .await
        .ends_with(1)
        .has(&[("FAILED  import-job-{id}", "the import made progress")]);
    let with_more = json!({"processedProducts": 9, "totalProducts": 9, "shop": "x"});
    follow(vec![with_more], over)
        .await
        .ends_with(0)
        .has(&[("ok      import-job-{id}", "Ignored fields: shop")]);
    let (all, odd) = (
        json!({"processedProducts": 9, "totalProducts": 9}),
        json!({"state": "on"}),
    );
    follow(vec![all], odd).await.ends_with(1).has(&[
        ("ok      import-job-{id}", "9 of 9 products imported"),
        (
            "FAILED  GET /api/products/imports/{id}/progress",
            "Its fields are: state.",
        ),
        ("ok      the end", "SUCCESS"),
    ]);
}

#[tokio::test]
async fn another_scheme_for_the_key_is_named() {
    for scheme in ["Bearer", "Basic"] {
        let address = service(move |headers| async move {
            let has = headers.get(header::AUTHORIZATION);
            let has = has.and_then(|it| it.to_str().ok()).unwrap_or_default();
            match has.starts_with(scheme) {
                true => StatusCode::NOT_FOUND.into_response(),
                false => StatusCode::UNAUTHORIZED.into_response(),
            }
        })
        .await;
        let wanted = format!("`Authorization: {scheme}`");
        check(&address, &[])
            .await
            .ends_with(1)
            .has(&[("FAILED  the key", &wanted)]);
        // The upgrade of a plain WebSocket is rejected alike.
        let address = address.replace("http", "ws");
        check(&address, &[])
            .await
            .ends_with(1)
            .has(&[("FAILED  WebSocket", &wanted)]);
    }
    let address = service(|_| async {
        let challenge = [(header::WWW_AUTHENTICATE, r#"Digest realm="shop""#)];
        (StatusCode::UNAUTHORIZED, challenge).into_response()
    })
    .await;
    check(&address, &["--upload"]).await.ends_with(1).has(&[
        ("FAILED  the key", "asks for Digest"),
        ("FAILED  Socket.IO", "asks for Digest"),
        ("FAILED  POST /api/products/imports", "asks for Digest"),
    ]);
}

#[tokio::test]
async fn a_key_that_is_wrong_is_said_to_be() {
    let example = Example::start("another key");
    check(&example.origin, &[]).await.ends_with(1).has(&[
        ("FAILED  the key", "Invalid API key"),
        ("FAILED  Socket.IO", "Rejects the key: Unauthorized"),
    ]);
}

#[tokio::test]
async fn a_server_of_socket_io_2_is_named_whether_it_lets_us_in_or_not() {
    for mode in ["open", "refusing"] {
        let old = Node::start("old-monitor.mjs", &[mode]);
        old.until("it listens", |lines| !lines.is_empty()).await;
        let address = format!("http://127.0.0.1:{}", old.lines()[0]["listening"]);
        check(&address, &[])
            .await
            .ends_with(1)
            .has(&[("FAILED  Socket.IO", "Socket.IO 2 or older")]);
    }
}

#[tokio::test]
async fn a_namespace_that_is_not_there_and_a_path_that_is_not_there_are_named() {
    let monitor = SocketIoMonitor::start().await;
    let address = format!("http://{}", monitor.address);
    check(&format!("{address}/live"), &[])
        .await
        .ends_with(1)
        .has(&[("FAILED  Socket.IO", "no namespace /live")]);
    check(&format!("{address}/?path=/elsewhere"), &[])
        .await
        .ends_with(1)
        .has(&[("FAILED  Socket.IO", "Cannot be opened at Engine.IO's path")]);
}

#[tokio::test]
async fn a_socket_that_lets_nobody_in_is_not_waited_for() {
    let mut monitor = SocketIoMonitor::start().await;
    monitor.mute(true);
    let address = format!("http://{}", monitor.address);
    check(&address, &["--timeout", "2s"])
        .await
        .ends_with(1)
        .has(&[("FAILED  Socket.IO", "No response within 2s")]);
}

#[tokio::test]
async fn what_is_no_price_monitor_does_not_fit() {
    let page =
        service(|_| async { (StatusCode::NOT_FOUND, "<html>Not found</html>").into_response() })
            .await;
    check(&page, &[]).await.ends_with(1).has(&[
        (
            "FAILED  GET /api/products/imports/{id}/progress",
            "no such call at this address",
        ),
        ("note    Socket.IO", "HTTP 404"),
    ]);
    let json = service(|_| async {
        (
            StatusCode::NOT_FOUND,
            axum::Json(json!({"statusCode": 404})),
        )
            .into_response()
    })
    .await;
    check(&json, &[])
        .await
        .ends_with(1)
        .has(&[("FAILED  the address", "Nothing")]);
    let moved = service(|_| async {
        let to = [(
            header::LOCATION,
            "https://user:pass@elsewhere.example/x?secret=1",
        )];
        (StatusCode::MOVED_PERMANENTLY, to).into_response()
    })
    .await;
    let said = check(&moved, &[]).await.ends_with(1).has(&[(
        "FAILED  GET /api/products/imports/{id}/progress",
        "HTTP 301 to https://elsewhere.example/x)",
    )]);
    assert!(!said.text.contains("secret=1"), "{}", said.text);
}

#[tokio::test]
async fn who_does_not_answer_could_not_be_tried() {
    // A port that was just closed.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let args = ["--timeout", "1s"];
    check(&format!("http://{address}"), &args)
        .await
        .ends_with(2)
        .has(&[("FAILED  GET /health", "No response within 1s")]);
    drop(listener);
    check(&format!("http://{address}"), &args)
        .await
        .ends_with(2)
        .has(&[("FAILED  GET /health", "Cannot be reached")]);
    run(&[], &[])
        .await
        .ends_with(2)
        .has(&[("import-relay", "MONITOR_PRICE_APP_HOST is not set")]);
    run(&[("MONITOR_PRICE_APP_HOST", "ftp://x")], &[])
        .await
        .ends_with(2);
}
