//! Abusive clients: while they are active, others are still answered within a second.

use std::time::{Duration, Instant};

use reqwest::header;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::app::App;

/// Maximum response time for others.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends a request as the owner. Returns the response time.
async fn ask(app: &App) -> Duration {
    let began = Instant::now();
    // A new connection, because an open one would prove nothing.
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
    // A reset counts as closed.
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
    // The oldest were closed.
    let first = silent.swap_remove(0);
    assert_eq!(last_words(first).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_is_cut_off() {
    let app = App::start(&[]).await;
    let mut slow = Vec::new();
    for beginning in [
        "G",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
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
            // It may already be closed.
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
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(4 << 20)
    );
    // The server may answer before reading everything.
    let _ = socket.write_all(bomb.as_bytes()).await;
    let words = last_words(socket).await;
    assert!(
        words.is_empty() || words.starts_with("HTTP/1.1 431"),
        "{words}"
    );
    let mut socket = connect(&app).await;
    let many: String = (0..2_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let _ = socket
        .write_all(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes())
        .await;
    let words = last_words(socket).await;
    assert!(
        words.is_empty() || words.starts_with("HTTP/1.1 431"),
        "{words}"
    );
    assert!(ask(&app).await < PATIENCE);
}

async fn say(app: &App, request: &str) -> String {
    let mut socket = connect(app).await;
    socket.write_all(request.as_bytes()).await.unwrap();
    last_words(socket).await
}

/// What a proxy and this server may read in two ways (RFC 9112, sections 2.2, 3.2, 5 and 6).
#[tokio::test]
async fn no_request_hides_in_another_and_none_has_two_hosts() {
    let app = App::start(&[]).await;
    let hidden = "GET /api/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let length = hidden.len();
    for head in [
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n"),
        format!("Content-Length: {length}, 0\r\n"),
        format!("Content-Length: +{length}\r\n"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked, identity\r\n"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: xchunked\r\n"),
        format!("Content-Length : {length}\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\nX: \0\r\n"),
    ] {
        let request =
            format!("POST /api/set_language HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{hidden}");
        let words = say(&app, &request).await;
        let answers = words.matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{head:?}: {words}");
        assert!(
            words.is_empty() || words.starts_with("HTTP/1.1 4"),
            "{head:?}: {words}"
        );
    }
    for (line, hosts) in [
        ("GET http://evil.example/sign-in", "Host: localhost\r\n"),
        ("GET /sign-in", "Host: localhost\r\nHost: evil.example\r\n"),
        ("GET /sign-in", "Host: localhost,evil.example\r\n"),
        ("GET /sign-in", "Host: localhost/evil.example\r\n"),
        ("GET /sign-in", "Host: evil.example#localhost\r\n"),
        ("GET /sign-in", "Host: localhost\tevil.example\r\n"),
        ("GET /sign-in", "Host: [::1].evil.example\r\n"),
        ("GET /sign-in", "Host: localhost.evil.example\r\n"),
        ("GET /sign-in", "Host: 0x7f.1\r\n"),
        ("GET /sign-in", ""),
        ("OPTIONS *", "Host: evil.example\r\n"),
    ] {
        let request = format!("{line} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let words = say(&app, &request).await;
        let status = words.get(9..12).unwrap_or_default();
        assert!(matches!(status, "400" | "421"), "{line} {hosts:?}: {words}");
    }
    // The name in a whole URL counts, and what another header says does not.
    let request = format!(
        "POST http://localhost/api/end_session HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\
         Cookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\
         Connection: close\r\n\r\nid=none",
        app.cookie
    );
    let words = say(&app, &request).await;
    assert!(words.starts_with("HTTP/1.1 403 "), "{words}");
}

/// Nothing beside the method and path of a request says what it is.
#[tokio::test]
async fn no_header_makes_another_request_of_one() {
    let app = App::start(&[]).await;
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-method-override", "POST"),
        ("x-original-url", "/api/team"),
        ("x-rewrite-url", "/api/team"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-user", "ada@example.com"),
        ("x-remote-user", "ada@example.com"),
        ("x-import-owner", "ada@example.com"),
        ("x-api-key", "anything"),
        ("x-middleware-subrequest", "middleware"),
    ] {
        let nobody = app.http.get(app.url("/api/account")).header(name, value);
        assert_eq!(nobody.send().await.unwrap().status(), 401, "{name}");
        let page = app.http.get(app.url("/account")).header(name, value);
        let page = page
            .header(header::ACCEPT, "text/html")
            .send()
            .await
            .unwrap();
        assert_eq!(
            page.headers()[header::LOCATION],
            "/sign-in?next=%2Faccount",
            "{name}"
        );
        let page = app.http.get(app.url("/sign-in")).header(name, value);
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(
            !page.contains("evil.example") && !page.contains("/evil/"),
            "{name}"
        );
    }
    for method in [
        "TRACE", "TRACK", "PROPFIND", "PUT", "DEBUG", "get", "G\u{6f}T",
    ] {
        let request = format!(
            "{method} /api/account HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nConnection: close\r\n\r\n",
            app.cookie
        );
        let words = say(&app, &request).await;
        assert!(
            !words.contains(" 200 ") && !words.contains("ada@example.com"),
            "{method}: {words}"
        );
        assert!(!words.contains(&app.cookie), "{method}: {words}");
    }
}

/// Paths that lead elsewhere once somebody has decoded or shortened them.
#[tokio::test]
async fn no_path_leads_past_its_rule() {
    let app = App::start(&[]).await;
    for path in [
        "//api/account",
        "/./api/account",
        "/pkg/../api/account",
        "/pkg/..%2fapi/account",
        "/pkg/%2e%2e/api/account",
        "/pkg/..;/api/account",
        "/pkg/..\\api\\account",
        "/api/account/",
        "/api/account%00",
        "/api/account%20",
        "/api/account;.css",
        "/api/account.css",
        "/api%2faccount",
        "/API/account",
        "/api/%61ccount",
        "/pkg/%2e%2e%2f%2e%2e%2fimport-relay.db",
        "/pkg/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/pkg//etc/passwd",
        "/favicon.ico/../import-relay.db",
        "/import-relay.db",
        "/.env",
        "/.git/config",
        "/pkg/",
        "/pkg",
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let words = say(&app, &request).await;
        let status = words.get(9..12).unwrap_or_default();
        assert!(
            matches!(status, "400" | "401" | "403" | "404"),
            "{path}: {words}"
        );
        assert!(
            !words.contains("root:") && !words.contains("SQLite"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn nobody_gets_a_tunnel() {
    let app = App::start(&[]).await;
    let mut socket = connect(&app).await;
    let wish =
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\nconnection: close\r\n\r\nSSH-2.0";
    socket.write_all(wish).await.unwrap();
    let words = last_words(socket).await;
    assert!(words.starts_with("HTTP/1.1 405 "), "{words}");
    assert!(words.ends_with("\r\n\r\n"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_nobody_asked_for_is_refused() {
    let app = App::start(&[("MAX_UPLOAD_SIZE", "1MiB")]).await;
    let megabytes = vec![b'x'; 16 << 20];
    for (path, kind, status) in [
        ("/api/sign_in", "application/x-www-form-urlencoded", 413),
        ("/api/create_owner", "application/json", 413),
        ("/imports", "multipart/form-data; boundary=x", 413),
        ("/api/imports", "multipart/form-data; boundary=x", 413),
    ] {
        let request = app
            .http
            .post(app.url(path))
            .header(header::COOKIE, &app.cookie)
            .header(header::CONTENT_TYPE, kind)
            .body(megabytes.clone());
        // The server may close the connection before everything is sent.
        if let Ok(answer) = request.send().await {
            assert_eq!(answer.status(), status, "{path}");
        }
        let took = ask(&app).await;
        assert!(took < PATIENCE, "{took:?} after {path}");
    }
}

/// Request encodings are not decoded, so small bodies stay small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_upload_is_not_blown_up() {
    let app = App::start(&[]).await;
    // The start of a gzip stream that claims to be a form.
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

/// In one field, or in the head of one: a parser would buffer it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_an_end_is_cut_off_before_its_file() {
    let app = App::start(&[]).await;
    let head = "--x\r\nContent-Disposition: form-data; name=\"other\"";
    for beginning in [head.to_owned(), format!("{head}\r\n\r\n")] {
        let mut sent = 0;
        let mut socket = connect(&app).await;
        let request = format!(
            "POST /imports HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nAccept: application/json\r\n\
             Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n",
            app.cookie
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let piece = "y".repeat(64 << 10);
        let mut next = beginning;
        // 256 MiB if all were accepted.
        for _ in 0..4096 {
            let chunk = format!("{:x}\r\n{next}\r\n", next.len());
            if socket.write_all(chunk.as_bytes()).await.is_err() {
                break;
            }
            sent += next.len();
            next.clone_from(&piece);
        }
        assert!(sent < 200 << 20, "{sent} bytes were taken");
        let words = last_words(socket).await;
        assert!(
            words.is_empty() || words.starts_with("HTTP/1.1 4"),
            "{words}"
        );
        assert!(ask(&app).await < PATIENCE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_among_the_files_keep_nobody_waiting() {
    let app = App::start(&[("MAX_UPLOAD_SIZE", "4MiB")]).await;
    let rows = "a,b,1\n".repeat(10_000);
    let gzip = {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, b"sku,name,price\n").unwrap();
        for _ in 0..2_000 {
            std::io::Write::write_all(&mut packed, rows.as_bytes()).unwrap();
        }
        packed.finish().unwrap()
    };
    let archive = |name: &str, beginning: &str| {
        let mut packed = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .compression_level(Some(1));
        packed.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut packed, beginning.as_bytes()).unwrap();
        for _ in 0..2_000 {
            std::io::Write::write_all(&mut packed, rows.as_bytes()).unwrap();
        }
        packed.finish().unwrap().into_inner()
    };
    let zip = archive("products.csv", "sku,name,price\n");
    let xlsx = archive(
        "xl/worksheets/sheet1.xml",
        "<worksheet><sheetData><row><c><v>",
    );
    for (name, bomb) in [
        ("bomb.csv.gz", gzip),
        ("bomb.zip", zip),
        ("bomb.xlsx", xlsx),
    ] {
        assert!(bomb.len() < 4 << 20, "{name} has {} bytes", bomb.len());
        let part = reqwest::multipart::Part::bytes(bomb).file_name(name);
        let answer = app
            .http
            .post(app.url("/imports"))
            .header(header::COOKIE, &app.cookie)
            .header(header::ACCEPT, "application/json")
            .multipart(reqwest::multipart::Form::new().part("file", part))
            .send()
            .await
            .unwrap();
        if answer.status().is_client_error() {
            continue; // refused at the door
        }
        let answer: serde_json::Value = answer.json().await.unwrap();
        let path = format!("/api/imports/{}", answer["id"].as_str().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let took = ask(&app).await;
            assert!(took < PATIENCE, "{took:?} beside {name}");
            let import: serde_json::Value = app.get(&path).await.json().await.unwrap();
            if import["status"] != "PENDING" {
                assert_eq!(import["status"], "ERROR", "{name}: {import}");
                break;
            }
            assert!(Instant::now() < deadline, "{name} goes on and on");
        }
    }
}

/// Slow bodies, and responses that are not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies_and_slow_readers_keep_nobody_waiting() {
    let app = App::start(&[]).await;
    let mut slow = Vec::new();
    for path in ["/api/sign_in", "/imports"] {
        for _ in 0..100 {
            let mut socket = connect(&app).await;
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nContent-Length: 60000\r\n\
                 Content-Type: multipart/form-data; boundary=x\r\n\r\n-",
                app.cookie
            );
            socket.write_all(head.as_bytes()).await.unwrap();
            slow.push(socket);
        }
    }
    for _ in 0..100 {
        // Requests many responses and reads none.
        let mut socket = connect(&app).await;
        let one = format!(
            "GET /sign-in HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n",
            app.cookie
        );
        let _ = socket.try_write(one.repeat(50).as_bytes());
        socket.flush().await.unwrap();
        slow.push(socket);
    }
    for round in 0..5 {
        for socket in &slow {
            let _ = socket.try_write(b"x");
        }
        let took = ask(&app).await;
        assert!(took < PATIENCE, "{took:?} in round {round}");
    }
    // A body that does not arrive times out.
    let words = last_words(slow.swap_remove(0)).await;
    assert!(
        words.is_empty() || words.starts_with("HTTP/1.1 4"),
        "{words}"
    );
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Requests that are cancelled at once cost their client next to nothing (CVE-2023-44487).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_taken_back_at_once_end_their_connection() {
    let app = App::start(&[]).await;
    let mut socket = connect(&app).await;
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    request.extend(frame(4, 0, 0, &[]));
    // GET /sign-in, by the static table but for its path and host.
    let mut block = vec![0x82, 0x86, 0x04, 8];
    block.extend(b"/sign-in");
    block.extend([0x01, 9]);
    block.extend(b"localhost");
    for number in 0..20_000_u32 {
        let stream = number * 2 + 1;
        request.extend(frame(1, 0x5, stream, &block));
        request.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    // The server may close the connection before it is all sent.
    let _ = socket.write_all(&request).await;
    let took = ask(&app).await;
    assert!(took < PATIENCE, "{took:?}");
    let words = tokio::time::timeout(Duration::from_secs(30), async {
        let mut words = Vec::new();
        let _ = socket.read_to_end(&mut words).await;
        words
    });
    let words = words.await.expect("the connection is closed");
    // A reset may overtake the last frame.
    let kinds = kinds_of(&words);
    assert!(
        kinds.is_empty() || kinds.contains(&7) || !kinds.contains(&1),
        "{kinds:?}"
    );
    assert!(ask(&app).await < PATIENCE);
}

/// HPACK: a few bytes can reference a header any number of times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_of_compressed_headers_is_refused() {
    let app = App::start(&[]).await;
    let mut socket = connect(&app).await;
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    request.extend(frame(4, 0, 0, &[]));
    // GET / by the static table, then a header of 3,000 bytes for the dynamic one ...
    let mut block = vec![0x82, 0x84, 0x86, 0x40, 1, b'x', 0x7f, 0xb9, 0x16];
    block.extend([b'y'; 3000]);
    // ... referenced 12,000 times: 36 MB of headers.
    block.extend([0xbe; 12_000]);
    request.extend(frame(1, 0x5, 1, &block));
    let _ = socket.write_all(&request).await;
    let began = Instant::now();
    let took = ask(&app).await;
    assert!(took < PATIENCE, "{took:?}");
    // Rejected by status 431, or by closing stream or connection.
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(count) = socket.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..count]);
            let kinds = kinds_of(&answer);
            if count == 0 || kinds.iter().any(|kind| matches!(kind, 1 | 3 | 7)) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .expect("the bomb is refused");
    assert!(began.elapsed() < Duration::from_secs(30));
    let kinds = kinds_of(&answer);
    // Only `:status 200` of the static table is a single byte.
    let is_ok = answer.windows(10).any(|it| it[3] == 1 && it[9] == 0x88);
    assert!(!is_ok, "{kinds:?}");
}

fn kinds_of(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while bytes.len() >= 9 {
        let length =
            usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
        kinds.push(bytes[3]);
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    kinds
}
