//! Those who mean no good: while they are at it, everybody else is still answered within a second.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may panic

#[path = "relay/app.rs"]
#[allow(dead_code)] // each test program uses a part of it
mod app;

use std::time::{Duration, Instant};

use reqwest::header;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use self::app::App;

/// How long anybody else may have to wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks as the owner and returns how long it took.
async fn ask(app: &App) -> Duration {
    let began = Instant::now();
    // On a connection of its own: one that is open already would prove nothing.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .get(app.url("/api/list_imports?page=1"))
        .header(header::COOKIE, &app.cookie);
    let answer = request.timeout(10 * PATIENCE).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    began.elapsed()
}

async fn connect(app: &App) -> TcpStream {
    TcpStream::connect(app.address).await.unwrap()
}

/// Reads until the server closes the connection.
async fn last_words(mut socket: TcpStream) -> String {
    let mut words = Vec::new();
    let read = socket.read_to_end(&mut words);
    // A connection that is reset is closed as well.
    let _ = tokio::time::timeout(Duration::from_secs(60), read)
        .await
        .expect("the server closes the connection");
    String::from_utf8_lossy(&words).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_sockets_that_say_nothing_keep_nobody_out() {
    let app = App::start(&[]).await;
    let mut silent = Vec::new();
    for number in 1..=10_000 {
        silent.push(connect(&app).await);
        if number % 2_500 == 0 {
            let took = ask(&app).await;
            assert!(took < PATIENCE, "{took:?} beside {number} silent sockets");
        }
    }
    // The first have made room for the last.
    let first = silent.swap_remove(0);
    assert_eq!(last_words(first).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_is_cut_off() {
    let app = App::start(&[]).await;
    let mut slow = Vec::new();
    for beginning in [
        "G",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        "PRI * HTTP/2.0\r\n",
    ] {
        for _ in 0..200 {
            let mut socket = connect(&app).await;
            socket.write_all(beginning.as_bytes()).await.unwrap();
            slow.push(socket);
        }
    }
    for round in 0..5 {
        for socket in &mut slow {
            // It may be closed by now, which is what is wanted.
            let _ = socket.try_write(b"x");
        }
        let took = ask(&app).await;
        assert!(took < PATIENCE, "{took:?} in round {round}");
    }
    for socket in slow {
        let words = last_words(socket).await;
        assert!(!words.contains(" 200 "), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_too_long_is_refused() {
    let app = App::start(&[]).await;
    let mut socket = connect(&app).await;
    let bomb = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(4 << 20)
    );
    // The server need not read it all before it answers.
    let _ = socket.write_all(bomb.as_bytes()).await;
    let words = last_words(socket).await;
    assert!(
        words.is_empty() || words.starts_with("HTTP/1.1 431"),
        "{words}"
    );
    let mut socket = connect(&app).await;
    let many: String = (0..5_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let _ = socket
        .write_all(format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes())
        .await;
    let words = last_words(socket).await;
    assert!(
        words.is_empty() || words.starts_with("HTTP/1.1 431"),
        "{words}"
    );
    assert!(ask(&app).await < PATIENCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_nobody_asked_for_is_refused() {
    let app = App::start(&[("MAX_UPLOAD_SIZE", "1MiB")]).await;
    let megabytes = vec![b'x'; 16 << 20];
    for (path, kind) in [
        ("/api/sign_in", "application/x-www-form-urlencoded"),
        ("/api/create_owner", "application/json"),
        ("/imports", "multipart/form-data; boundary=x"),
        ("/api/imports", "multipart/form-data; boundary=x"),
    ] {
        let request = app
            .http
            .post(app.url(path))
            .header(header::COOKIE, &app.cookie)
            .header(header::CONTENT_TYPE, kind)
            .body(megabytes.clone());
        // The server may close the connection before all of it is sent.
        if let Ok(answer) = request.send().await {
            assert!(
                answer.status().is_client_error(),
                "{path}: {}",
                answer.status()
            );
        }
        let took = ask(&app).await;
        assert!(took < PATIENCE, "{took:?} after {path}");
    }
}

/// A request's encoding is not undone, so what is small stays small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_upload_is_not_blown_up() {
    let app = App::start(&[]).await;
    // The beginning of a gzip stream, which says that a form follows.
    let gzip = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xed, 0xc1, 1, 1, 0, 0, 0, 0x80,
    ];
    let answer = app
        .http
        .post(app.url("/imports"))
        .header(header::COOKIE, &app.cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .header(header::CONTENT_ENCODING, "gzip")
        .body(gzip.to_vec())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert!(ask(&app).await < PATIENCE);
}
