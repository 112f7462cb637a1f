//! The program in operation: commands, settings, signals, monitoring.

mod caddy;
mod event_source;
mod freezing_proxy;
mod full_disk;
mod nginx;
mod pooler;
mod storage;

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use sea_orm::Database;
use tokio::sync::mpsc;

use self::{caddy::Caddy, event_source::EventSource, freezing_proxy::FreezingProxy, nginx::Nginx};
use crate::support::process::{self, Directory, Process, Relay};
use test_support::no_room;

const FILE: &str = "sku,name,price\na,A,1.00\nb,B,2.00\nc,C,oops\n";

#[tokio::test]
async fn the_settings_that_hold_are_shown_without_secrets() {
    let directory = Directory::new();
    let shown = directory
        .run(
            &["--check-config"],
            &[
                ("MONITOR_PRICE_APP_HOST", "https://monitor.example.com"),
                ("PRICE_MONITOR_API_KEY", "hunter2"),
                ("SSE_HEARTBEAT", "5s"),
            ],
        )
        .await;
    assert!(shown.status.success());
    let text = String::from_utf8(shown.stdout).unwrap();
    for line in [
        "MONITOR_PRICE_APP_HOST=https://monitor.example.com",
        "PRICE_MONITOR_API_KEY=***",
        "SSE_HEARTBEAT=5s",
        "SHUTDOWN_DRAIN=10s # by default",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn a_bad_setting_stops_the_start_with_one_line() {
    let directory = Directory::new();
    let stopped = directory.run(&[], &[("CORS_ORIGINS", "*")]).await;
    assert!(!stopped.status.success());
    assert_eq!(
        String::from_utf8(stopped.stderr).unwrap(),
        "import-relay: CORS_ORIGINS is \"*\"; expected comma-separated origins, for example \
         https://app.example.com, http://localhost:5173\n"
    );
    for command in [&[][..], &["--check-config"], &["migrate"]] {
        let stopped = directory.run(command, &[("SSE_HEARTBEAT", "1h")]).await;
        assert!(!stopped.status.success());
        assert_eq!(
            String::from_utf8(stopped.stderr).unwrap(),
            "import-relay: SSE_HEARTBEAT is \"1h\"; expected a duration from 1s to 15s\n"
        );
    }
}

#[tokio::test]
async fn a_setting_that_is_not_text_stops_the_start_with_one_line() {
    let directory = Directory::new();
    let mut command = directory.command(&["--check-config"], &[]);
    command.env("SSE_HEARTBEAT", OsStr::from_bytes(b"5s\xff"));
    let stopped = command.output().await.unwrap();
    assert!(!stopped.status.success());
    assert_eq!(
        String::from_utf8(stopped.stderr).unwrap(),
        "import-relay: SSE_HEARTBEAT is not UTF-8 text; expected a duration from 1s to 15s\n"
    );
}

#[tokio::test]
async fn the_database_is_checked_migrated_and_copied() {
    let directory = Directory::new();
    let database = test_support::database::postgres_database().await;
    // Another server on this port.
    let mut settings = vec![("LISTEN_ADDR", "127.0.0.1:0")];
    settings.extend(database.iter().map(|url| ("DATABASE_URL", url.as_str())));
    let says = async |args: &[&str]| directory.says_with(args, &settings).await;
    let said = says(&["check"]).await;
    assert!(said.contains("ok      database: "), "{said}");
    let said = says(&["migrate"]).await;
    assert!(said.contains("Applied m0001_initial"), "{said}");
    let said = says(&["migrate"]).await;
    assert_eq!(said, "The database is up to date.\n");
    let said = says(&["check"]).await;
    assert!(said.contains("ok      database: up to date"), "{said}");
    let copy = directory.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    says(&["backup", copy]).await;
    let again = directory.run(&["backup", copy], &settings).await;
    assert!(!again.status.success());
    let why = String::from_utf8(again.stderr).unwrap();
    assert!(why.ends_with("copy.db already exists\n"), "{why}");
}

#[tokio::test]
async fn there_is_no_copy_of_a_database_that_is_not_there() {
    let directory = Directory::new();
    let copied = directory.run(&["backup", "copy.db"], &[]).await;
    assert!(!copied.status.success());
    let why = String::from_utf8(copied.stderr).unwrap();
    assert!(why.contains("does not exist"), "{why}");
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_check_finds_an_address_and_a_directory_that_cannot_be_had() {
    let directory = Directory::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    // It answers unlike our server.
    std::thread::spawn(move || while taken.accept().is_ok() {});
    std::fs::write(directory.path().join("file"), "").unwrap();
    let taken = address.to_string();
    let settings = [
        ("LISTEN_ADDR", taken.as_str()),
        ("DATA_DIR", "file/data"),
        ("DATABASE_URL", "sqlite:shop.db"),
    ];
    let checked = directory.run(&["check"], &settings).await;
    assert!(!checked.status.success());
    let said = String::from_utf8(checked.stdout).unwrap();
    for line in [
        format!("FAILED  address: cannot listen on {address}"),
        "FAILED  data: file is not a directory".to_owned(),
    ] {
        assert!(said.contains(&line), "{line} is not in\n{said}");
    }
    // Our own running server is fine.
    let relay = Relay::start(&[]).await;
    let address = relay.address().to_string();
    let settings = [("LISTEN_ADDR", address.as_str())];
    let checked = relay.directory.run(&["check"], &settings).await;
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(
        said.contains(&format!("a server is already listening on {address}")),
        "{said}"
    );
}

#[tokio::test]
async fn a_check_that_fails_says_what_is_wrong() {
    let directory = Directory::new();
    let checked = directory
        .run(
            &["check"],
            &[
                ("MONITOR_PRICE_APP_HOST", "http://127.0.0.1:9"),
                ("PRICE_MONITOR_API_KEY", "hunter2"),
            ],
        )
        .await;
    assert!(!checked.status.success());
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(
        said.contains("FAILED  price monitor: 127.0.0.1 cannot be reached"),
        "{said}"
    );
    assert!(!said.contains("hunter2"));
}

#[tokio::test]
async fn the_server_says_whether_it_lives_and_is_ready() {
    let relay = Relay::start(&[]).await;
    assert_eq!(relay.get("/health/live").await.status(), 200);
    let ready = relay.get("/health/ready").await;
    assert_eq!(ready.status(), 200);
    let ready: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(
        ready,
        serde_json::json!({"status": "ready", "database": "up", "upstream": "connecting"})
    );
    let address = relay.address().to_string();
    let asked = relay
        .directory
        .run(&["health"], &[("LISTEN_ADDR", &address)])
        .await;
    assert!(asked.status.success());
    relay.terminate().await;
    let asked = Directory::new()
        .run(&["health"], &[("LISTEN_ADDR", &address)])
        .await;
    assert!(!asked.status.success());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn a_server_whose_database_is_away_says_so_soon_and_comes_back() {
    let database = test_support::database::postgres_database().await.unwrap();
    let proxy = FreezingProxy::start(&database).await;
    let relay = Relay::start(&[("DATABASE_URL", &proxy.database)]).await;
    assert_eq!(relay.get("/health/ready").await.status(), 200);
    proxy.freeze(true);
    let began = Instant::now();
    let answer = relay.get("/health/ready").await;
    assert_eq!(answer.status(), 503);
    let said: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(said["database"], "down");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(relay.get("/health/live").await.status(), 200);
    proxy.freeze(false);
    let deadline = Instant::now() + test_support::DEADLINE;
    while relay.get("/health/ready").await.status() != 200 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_price_monitor_by_itself_says_how_it_is() {
    let directory = Directory::new();
    let settings = [("PRICE_MONITOR_API_KEY", "hunter2")];
    let arguments = ["price-monitor", "--listen", "127.0.0.1:0"];
    let monitor = Process::start(directory.command(&arguments, &settings)).await;
    let http = process::client();
    let get = async |path: &str| {
        let url = format!("http://{}{path}", monitor.address);
        http.get(url).send().await.unwrap()
    };
    assert_eq!(get("/health/live").await.status(), 200);
    let ready = get("/health/ready").await;
    assert_eq!(ready.status(), 200);
    let ready: serde_json::Value = ready.json().await.unwrap();
    let well = serde_json::json!({"status": "ready", "database": "up"});
    assert_eq!(ready, well);
    let metrics = get("/metrics").await.text().await.unwrap();
    for line in [
        "import_relay_rows_total{outcome=\"processed\"} 0",
        "import_relay_batch_commit_duration_seconds_count 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let passed_on = http
        .get(format!("http://{}/metrics", monitor.address))
        .header("x-forwarded-for", "192.0.2.1");
    assert_eq!(passed_on.send().await.unwrap().status(), 401);
    assert_eq!(monitor.terminate().await, Some(0));
}

#[tokio::test]
async fn the_owner_sees_how_the_server_is() {
    let relay = Relay::start(&[("RELAY_GRACE", "0s"), ("IMPORT_MAX_RATE", "2000")]).await;
    let cookie = relay.create_owner().await;
    let job = relay.import(&cookie, "shop.csv", FILE).await;
    relay.stream(&cookie, &job).await.until_end().await;
    // A slow import with a subscriber.
    let rows: String = (0..200_000)
        .map(|row| format!("s{row},N{row},1.00\n"))
        .collect();
    let rows = format!("sku,name,price\n{rows}");
    let job = relay.import(&cookie, "long.csv", &rows).await;
    let _stream = relay.stream(&cookie, &job).await;
    let get = async |path: &str| {
        let request = relay.http.get(relay.url(path)).header("cookie", &cookie);
        request.send().await.unwrap()
    };
    // The stream is counted until its connection is closed.
    let deadline = Instant::now() + test_support::DEADLINE;
    let status = loop {
        let status: serde_json::Value = get("/api/server_status").await.json().await.unwrap();
        // A connection is announced once it has held.
        let is_connected = status["upstream"] == "CONNECTED";
        if status["viewers"] == 1 && status["followed_jobs"] == 1 && is_connected {
            break status;
        }
        assert!(Instant::now() < deadline, "{status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let imports = serde_json::json!({"pending": 1, "success": 0, "partial_success": 1, "error": 0});
    assert_eq!(status["imports"], imports);
    assert!(status["memory"].as_u64() > Some(1 << 20), "{status}");
    let page = get("/status").await.text().await.unwrap();
    for words in ["Connected", "data-testid=\"viewers\"", "Embedded"] {
        assert!(page.contains(words), "{words} is not in\n{page}");
    }
}

#[tokio::test]
#[ignore = "needs Caddy: scripts/test.sh runs it"]
async fn progress_comes_through_caddy_at_once() {
    let relay = Relay::start(&[
        ("SSE_HEARTBEAT", "1s"),
        ("IMPORTS_PER_USER", "1"),
        ("IMPORT_MAX_RATE", "1"),
    ])
    .await;
    let cookie = relay.create_owner().await;
    let rows: String = (0..10_000)
        .map(|row| format!("s{row},N{row},1.00\n"))
        .collect();
    let rows = format!("sku,name,price\n{rows}");
    relay.import(&cookie, "long.csv", &rows).await;
    // It waits for the first one, so there are only expected events.
    let job = relay.import(&cookie, "waits.csv", FILE).await;
    let caddy = Caddy::start(relay.address()).await;
    let url = format!("{}/api/jobs/{job}/progress", caddy.origin);
    let request = relay.http.get(url).header("cookie", &cookie);
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut text = String::new();
    let heartbeats = async {
        while text.matches("event: heartbeat").count() < 2 {
            text += &String::from_utf8_lossy(&stream.chunk().await.unwrap().expect("it goes on"));
        }
    };
    let came = tokio::time::timeout(test_support::DEADLINE, heartbeats).await;
    assert!(came.is_ok(), "{text}");
    assert!(text.contains("\"status\":\"PENDING\""), "{text}");
    let metrics = relay.http.get(format!("{}/metrics", caddy.origin));
    assert_eq!(metrics.send().await.unwrap().status(), 404);
}

/// One import at a time, which stops for a minute after each batch.
const ONE_THAT_LASTS: [(&str, &str); 3] = [
    ("IMPORTS_PER_USER", "1"),
    ("IMPORT_MAX_RATE", "1"),
    ("SHUTDOWN_DRAIN", "1s"),
];

/// Restarts an instance behind a proxy while a plain `EventSource` follows a waiting import.
async fn a_plain_event_source_outlives_a_restart(relay: Relay, origin: &str) {
    let cookie = relay.create_owner().await;
    let rows: String = (0..10_000)
        .map(|row| format!("s{row},N{row},1.00\n"))
        .collect();
    let rows = format!("sku,name,price\n{rows}");
    relay.import(&cookie, "long.csv", &rows).await;
    let waits = relay.import(&cookie, "waits.csv", FILE).await;
    let url = format!("{origin}/api/jobs/{waits}/progress");
    let mut source = EventSource::open(&url, &cookie);
    source.until("message").await;
    let address = relay.address().to_string();
    let (directory, mut settings) = relay.stop_and_keep().await;
    // The proxy sends a reconnection delay to each attempt.
    source.until("error").await;
    source.until("open").await;
    source.until("error").await;
    settings.push(("LISTEN_ADDR".to_owned(), address));
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let _again = Process::start(directory.command(&[], &settings)).await;
    source.until("message").await;
}

#[tokio::test]
#[ignore = "needs nginx and Node: scripts/test.sh runs it"]
async fn a_plain_event_source_behind_nginx_outlives_a_restart() {
    let relay = Relay::start(&ONE_THAT_LASTS).await;
    let nginx = Nginx::start(relay.address()).await;
    let origin = nginx.origin.clone();
    a_plain_event_source_outlives_a_restart(relay, &origin).await;
}

#[tokio::test]
#[ignore = "needs Caddy and Node: scripts/test.sh runs it"]
async fn a_plain_event_source_behind_caddy_outlives_a_restart() {
    let relay = Relay::start(&ONE_THAT_LASTS).await;
    let caddy = Caddy::start(relay.address()).await;
    let origin = caddy.origin.clone();
    a_plain_event_source_outlives_a_restart(relay, &origin).await;
}

#[tokio::test]
#[ignore = "needs nginx: scripts/test.sh runs it"]
async fn nginx_speaks_http_2_and_hands_on_what_is_not_a_stream_as_it_is() {
    let relay = Relay::start(&[]).await;
    let cookie = relay.create_owner().await;
    let nginx = Nginx::start(relay.address()).await;
    let mut known = rustls::RootCertStore::empty();
    known.add(nginx.issued.authority.der().clone()).unwrap();
    let mut tls = rustls::ClientConfig::builder()
        .with_root_certificates(known)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .resolve("localhost", nginx.secure)
        .build()
        .unwrap();
    let url = |path| format!("https://localhost:{}{path}", nginx.secure.port());
    let get = |path| http.get(url(path)).header("cookie", &cookie).send();
    let stream = get("/api/jobs/progress").await.unwrap();
    assert_eq!(stream.version(), reqwest::Version::HTTP_2);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    for (path, status) in [("/api/jobs/none/progress", 404), ("/imports", 200)] {
        assert_eq!(get(path).await.unwrap().status(), status, "{path}");
    }
    assert_eq!(relay.terminate().await, Some(0));
    // Only streams are answered with `retry:`; others get an error.
    let stream = get("/api/jobs/progress").await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let text = stream.text().await.unwrap();
    assert!(
        text.starts_with("retry: ") && text.ends_with("\n\n"),
        "{text}"
    );
    assert_eq!(get("/api/imports").await.unwrap().status(), 502);
}

fn addresses(page: &str) -> Vec<&str> {
    let starts = ["href=\"/", "src=\"/", "action=\"/", "&quot;/"];
    let found = starts
        .into_iter()
        .flat_map(|start| page.split(start).skip(1));
    found
        .map(|rest| rest.split(['"', '&']).next().unwrap_or_default())
        .collect()
}

#[tokio::test]
#[ignore = "needs nginx: scripts/test.sh runs it"]
async fn behind_nginx_the_app_can_be_below_a_path_of_a_host() {
    let relay = Relay::start(&[("NEXTAUTH_URL", "http://127.0.0.1/import")]).await;
    let nginx = Nginx::start_below_a_path(relay.address()).await;
    let host = nginx.origin.clone();
    let app = format!("{host}/import");
    let leads_to = |response: &reqwest::Response| {
        let location = response.headers().get("location");
        location.map(|it| it.to_str().unwrap().to_owned())
    };
    let page = |path: &str, cookie: &str| {
        let request = relay.http.get(format!("{host}{path}"));
        let request = request.header("accept", "text/html");
        request.header("cookie", cookie).send()
    };

    let refused = page("/import/products?page=2", "").await.unwrap();
    let sign_in = "/import/sign-in?next=%2Fproducts%3Fpage%3D2";
    assert_eq!(leads_to(&refused).as_deref(), Some(sign_in));

    // From this machine, because proxied requests need the link.
    let made = relay
        .http
        .post(relay.url("/import/api/create_owner"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "text/html")
        .body("name=Ada&email=ada%40example.com&password=correct+horse");
    let made = made.send().await.unwrap();
    assert_eq!(leads_to(&made).as_deref(), Some("/import/imports"));
    let cookie = made.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; Path=/import/;"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();

    let job = process::import(&relay.http, &app, &cookie, "shop.csv", FILE).await;
    let path = format!("{app}/api/jobs/{job}/progress");
    let stream = relay.http.get(path).header("cookie", &cookie).send();
    let stream = stream.await.unwrap().text().await.unwrap();
    assert!(stream.contains("PARTIAL_SUCCESS"), "{stream}");

    // Every link on every page is below the path.
    let root = page("/import/", &cookie).await.unwrap();
    assert_eq!(leads_to(&root).as_deref(), Some("/import/imports"));
    for path in [
        "/imports",
        "/products",
        "/account",
        "/team",
        &format!("/imports/{job}"),
    ] {
        let shown = page(&format!("/import{path}"), &cookie).await.unwrap();
        assert_eq!(shown.status(), 200, "{path}");
        let shown = shown.text().await.unwrap();
        let addresses = addresses(&shown);
        assert!(addresses.len() > 5, "{shown}");
        for address in addresses {
            assert!(address.starts_with("import/"), "/{address} in\n{shown}");
        }
    }

    // A resumable upload, and one by REST.
    let begun = relay
        .http
        .post(format!("{app}/uploads"))
        .header("cookie", &cookie)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", "10")
        .header("upload-metadata", "filename c2hvcC5jc3Y=");
    let begun = begun.send().await.unwrap();
    assert_eq!(begun.status(), 201);
    let upload = leads_to(&begun).unwrap();
    assert!(upload.starts_with("/import/uploads/"), "{upload}");
    let there = relay.http.head(format!("{host}{upload}"));
    let there = there
        .header("cookie", &cookie)
        .header("tus-resumable", "1.0.0");
    assert_eq!(there.send().await.unwrap().headers()["upload-offset"], "0");
    let described = page("/import/api/openapi.json", &cookie).await.unwrap();
    let described: serde_json::Value = described.json().await.unwrap();
    assert_eq!(described["servers"][0]["url"], "/import");

    let invited = relay
        .http
        .post(format!("{app}/api/invite"))
        .header("cookie", &cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("role=staff&note=Bob");
    let invited = invited.send().await.unwrap().text().await.unwrap();
    assert!(
        invited.contains("http://127.0.0.1/import/join/"),
        "{invited}"
    );

    // Outside the path there is only monitoring.
    for (path, status) in [("/imports", 404), ("/health/live", 200), ("/metrics", 200)] {
        assert_eq!(relay.get(path).await.status(), status, "{path}");
    }
    let metrics = page("/import/metrics", "").await.unwrap();
    assert_eq!(metrics.status(), 404);

    assert_eq!(relay.terminate().await, Some(0));
    let path = format!("{app}/api/jobs/{job}/progress");
    let stream = process::client().get(path).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
}

#[tokio::test]
async fn an_import_that_cannot_begin_on_a_full_disk_says_so_and_begins_once_there_is_room() {
    let mut relay = Relay::start(&[]).await;
    let file = relay.directory.path().join("data/import-relay.db");
    if !file.exists() {
        return;
    }
    let cookie = relay.create_owner().await;
    let database = Database::connect(format!("sqlite:{}", file.display()));
    let database = database.await.unwrap();
    // No space for a worker's lease.
    no_room::take(&database, "INSERT ON monitor_leases").await;
    let job = relay.import(&cookie, "shop.csv", FILE).await;
    relay
        .log_line("imports wait until the database has space")
        .await;
    let metrics = relay
        .metrics_with("import_relay_imports_wait_for_room 1")
        .await;
    let waiting = "import_relay_imports{state=\"waiting\"} 1";
    assert!(metrics.lines().any(|it| it == waiting), "{metrics}");
    for (path, words) in [
        ("/status".to_owned(), "data-testid=\"waits-for-room\""),
        (
            format!("/imports/{job}"),
            "disk is full. The import starts once there is free space",
        ),
    ] {
        let page = relay.http.get(relay.url(&path)).header("cookie", &cookie);
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains(words), "{words} is not in\n{page}");
    }
    no_room::give_back(&database).await;
    relay.stream(&cookie, &job).await.until_end().await;
    relay
        .metrics_with("import_relay_imports_wait_for_room 0")
        .await;
    relay
        .metrics_with("import_relay_imports_ended_total{status=\"PARTIAL_SUCCESS\"} 1")
        .await;
}

#[tokio::test]
async fn metrics_count_streams_imports_and_rows() {
    let relay = Relay::start(&[]).await;
    let cookie = relay.create_owner().await;
    let job = relay.import(&cookie, "shop.csv", FILE).await;
    let mut stream = relay.stream(&cookie, &job).await;
    stream.until_end().await;
    relay
        .metrics_with("import_relay_imports_ended_total{status=\"PARTIAL_SUCCESS\"} 1")
        .await;
    // A connection is announced once it has held.
    let metrics = relay
        .metrics_with("import_relay_upstream_state{state=\"connected\"} 1")
        .await;
    for line in [
        "import_relay_viewers 0",
        "import_relay_streams_opened_total 1",
        "import_relay_streams_closed_total{cause=\"finished\"} 1",
        "import_relay_imports_started_total 1",
        "import_relay_rows_total{outcome=\"processed\"} 2",
        "import_relay_rows_total{outcome=\"failed\"} 1",
        "import_relay_upstream_connections_total 1",
        "import_relay_upstream_state{state=\"connected\"} 1",
        "import_relay_upstream_state{state=\"polling\"} 0",
    ] {
        assert!(
            metrics.lines().any(|it| it == line),
            "{line} is not in\n{metrics}"
        );
    }
    for series in [
        "import_relay_http_request_duration_seconds_bucket{le=\"0.001\",method=\"GET\",\
         route=\"/api/jobs/{job}/progress\",status=\"200\"}",
        "import_relay_upstream_request_duration_seconds_count{call=\"create\"} 1",
        "import_relay_sent_bytes_total",
        "import_relay_resident_memory_bytes",
    ] {
        assert!(metrics.contains(series), "{series} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_for_who_shows_the_token() {
    let relay = Relay::start(&[]).await;
    assert_eq!(relay.get("/metrics").await.status(), 200);
    let passed_on = relay
        .http
        .get(relay.url("/metrics"))
        .header("x-forwarded-for", "192.0.2.1");
    assert_eq!(passed_on.send().await.unwrap().status(), 401);

    let relay = Relay::start(&[("METRICS_TOKEN", "hunter2")]).await;
    assert_eq!(relay.get("/metrics").await.status(), 401);
    let shown = relay.http.get(relay.url("/metrics")).bearer_auth("hunter2");
    assert_eq!(shown.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_answer_bears_its_request_s_identifier_and_so_does_the_log() {
    let mut relay = Relay::start(&[]).await;
    let cookie = relay.create_owner().await;
    let job = relay.import(&cookie, "shop.csv", FILE).await;
    let path = format!("/api/jobs/{job}/progress");
    let request = relay
        .http
        .get(relay.url(&path))
        .header("cookie", &cookie)
        .header("x-request-id", "given-by-the-proxy");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "given-by-the-proxy");
    let own = relay.get("/health/live").await;
    assert_eq!(own.headers()["x-request-id"].len(), 32);
    let line = relay.log_line("SSE Progress API called").await;
    assert!(line.contains("given-by-the-proxy"), "{line}");
}

#[tokio::test]
async fn json_logs_are_an_object_a_line() {
    let mut relay = Relay::start(&[("LOG_FORMAT", "json")]).await;
    let cookie = relay.create_owner().await;
    let job = relay.import(&cookie, "shop.csv", FILE).await;
    relay.stream(&cookie, &job).await.until_end().await;
    let line = relay.log_line("SSE Progress API called").await;
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["fields"]["message"], "SSE Progress API called");
    assert_eq!(entry["span"]["path"], format!("/api/jobs/{job}/progress"));
}

#[tokio::test]
async fn traces_go_to_the_collector() {
    let (sender, mut received) = mpsc::unbounded_channel::<Bytes>();
    let collect = |State(sender): State<mpsc::UnboundedSender<Bytes>>, body: Bytes| async move {
        let _ = sender.send(body);
    };
    let collector = Router::new()
        .route("/v1/traces", post(collect))
        .with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await });
    let relay = Relay::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    relay.get("/health/live").await;
    // Buffered spans are flushed at the end.
    relay.terminate().await;
    let sent = tokio::time::timeout(test_support::DEADLINE, received.recv())
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&sent);
    assert!(
        text.contains("/health/live") && text.contains("import-relay"),
        "{text}"
    );
}

#[tokio::test]
async fn a_signal_ends_the_process_within_its_drain_time() {
    let relay = Relay::start(&[("SHUTDOWN_DRAIN", "2s"), ("IMPORT_MAX_RATE", "1")]).await;
    let cookie = relay.create_owner().await;
    let rows: String = (0..10_000)
        .map(|row| format!("s{row},N{row},1.00\n"))
        .collect();
    let job = relay
        .import(&cookie, "shop.csv", &format!("sku,name,price\n{rows}"))
        .await;
    let mut stream = relay.stream(&cookie, &job).await;
    // Its import would take five minutes.
    let ended = relay.terminate();
    let ((), code) = tokio::join!(stream.until_end(), ended);
    assert_eq!(code, Some(0));
}

/// Runs every block marked `sh` in order in one shell, with a free port.
#[tokio::test]
async fn the_walk_through_works_as_it_is_written() {
    let script = blocks("sh");
    assert!(script.contains("import-relay backup"), "{script}");
    let script = script.replace("127.0.0.1:3000", &free_address());
    let said = run_as_written(&script).await;
    for words in [
        "ok      database",
        "ada@example.com can sign in now.",
        "import_relay_viewers 0",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
}

/// Runs blocks marked `bash`, which need PostgreSQL.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test.sh runs it"]
async fn the_walk_through_with_postgresql_works_as_it_is_written() {
    let mut script = blocks("bash");
    assert!(script.contains("pg_restore"), "{script}");
    for port in ["127.0.0.1:3000", "127.0.0.1:4000"] {
        script = script.replace(port, &free_address());
    }
    for name in ["relay", "monitor", "restored"] {
        let database = test_support::database::postgres_database().await.unwrap();
        let written = format!("postgres://relay:secret@db.example.com/{name}");
        assert!(script.contains(&written), "{written}");
        script = script.replace(&written, &database);
    }
    let said = run_as_written(&script).await;
    for words in [
        "ada@example.com can sign in now.",
        "import_relay_rows_total",
        "\"status\":\"ready\"",
        "ok      database: up to date",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
}

#[test]
fn the_readme_lists_every_setting_with_its_default() {
    let readme = include_str!("../../README.md");
    for setting in import_relay::server::config::settings() {
        let name = format!("`{}`", setting.name);
        let row = readme.lines().find(|line| {
            line.split('|')
                .nth(1)
                .is_some_and(|cell| cell.contains(&name))
        });
        let row = row.unwrap_or_else(|| panic!("README.md has no row for {name}"));
        // Other defaults are descriptions.
        if let Some(default) = setting.default.value() {
            let default = format!("`{default}`");
            assert!(row.contains(&default), "{default} is not in {row}");
        }
    }
}

fn free_address() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().to_string()
}

/// Returns the page's blocks of a language as one script.
fn blocks(kind: &str) -> String {
    let page = include_str!("../../docs/deploy.md");
    let begin = format!("```{kind}");
    let mut script = "set -euo pipefail\n".to_owned();
    let mut is_run = false;
    for line in page.lines() {
        match line {
            "```" => is_run = false,
            line if line == begin => is_run = true,
            _ if is_run => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

/// Runs a script with the program in a directory. Returns its output.
async fn run_as_written(script: &str) -> String {
    let directory = Directory::new();
    std::os::unix::fs::symlink(process::binary(), directory.path().join("import-relay")).unwrap();
    let path = format!(
        "{}:{}",
        directory.path().display(),
        std::env::var("PATH").unwrap()
    );
    // Ends background jobs.
    let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}");
    let mut shell = tokio::process::Command::new("bash");
    shell
        .args(["-c", &script])
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", path)
        .env(
            "LEPTOS_SITE_ROOT",
            concat!(env!("CARGO_MANIFEST_DIR"), "/target/site"),
        )
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(test_support::DEADLINE * 4, shell.output())
        .await
        .expect("the page's commands end")
        .unwrap();
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{errors}");
    format!("{said}\n{errors}")
}

#[tokio::test]
async fn the_dashboard_shows_what_is_measured() {
    let relay = Relay::start(&[]).await;
    // A request is counted at its end.
    relay.get("/health/live").await;
    let metrics = relay.get("/metrics").await.text().await.unwrap();
    let described: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let dashboard = include_str!("../../deploy/grafana.json");
    let asked: Vec<&str> = dashboard
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .filter(|word| word.starts_with("import_relay_"))
        .collect();
    assert!(asked.len() > 20);
    for name in asked {
        let base = ["_total", "_bucket", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        assert!(described.contains(&base), "{name} is not in\n{metrics}");
    }
    let left_out = ["build", "start_time_seconds", "frames_sent"];
    for name in described {
        let is_shown = dashboard.contains(name);
        let is_left_out = left_out.contains(&name.trim_start_matches("import_relay_"));
        assert!(is_shown != is_left_out, "{name}");
    }
}

/// A rendering page must not exchange headers or nonce with concurrent responses.
#[tokio::test]
async fn answers_that_are_made_at_once_are_kept_apart() {
    // With a static file, whether or not the site is built.
    let public = concat!(env!("CARGO_MANIFEST_DIR"), "/public");
    let relay = Relay::start(&[("LEPTOS_SITE_ROOT", public)]).await;
    let cookie = relay.create_owner().await;
    let job = relay.import(&cookie, "shop.csv", FILE).await;
    let get = |path: &str| {
        let request = relay.http.get(relay.url(path)).header("cookie", &cookie);
        async { request.send().await.unwrap() }
    };
    let page = format!("/imports/{job}");
    let data = format!("/api/get_import?id={job}");
    let policy = |answer: &reqwest::Response| {
        let policy = &answer.headers()["content-security-policy"];
        policy.to_str().unwrap().to_owned()
    };
    for round in 0..25 {
        let (pages, lists, others, files) = tokio::join!(
            futures_util::future::join_all((0..4).map(|_| get(&page))),
            futures_util::future::join_all((0..2).map(|_| get("/imports"))),
            futures_util::future::join_all((0..4).map(|_| get(&data))),
            futures_util::future::join_all((0..4).map(|_| get("/favicon.svg"))),
        );
        for answer in pages.into_iter().chain(lists) {
            assert_eq!(answer.status(), 200, "round {round}");
            let policy = policy(&answer);
            let nonce = policy
                .split_once("'nonce-")
                .and_then(|(_, rest)| rest.split_once('\''))
                .unwrap_or_else(|| panic!("round {round}: a page with {policy}"));
            let text = answer.text().await.unwrap();
            assert!(text.contains(&format!("nonce=\"{}\"", nonce.0)), "{text}");
        }
        for answer in others {
            assert_eq!(answer.status(), 200, "round {round}");
            let policy = policy(&answer);
            assert!(
                !policy.contains("nonce"),
                "round {round}: data with {policy}"
            );
        }
        for answer in files {
            assert_eq!(answer.status(), 200, "round {round}");
            let policy = policy(&answer);
            assert!(
                !policy.contains("wasm"),
                "round {round}: a file with {policy}"
            );
        }
    }
}

async fn resident_bytes(relay: &Relay) -> u64 {
    let metrics = relay.get("/metrics").await.text().await.unwrap();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("import_relay_resident_memory_bytes "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_server_at_rest_takes_little_memory() {
    let relay = Relay::start(&[]).await;
    // After its most expensive operations: a password hash, an upload, an import.
    let cookie = relay.create_owner().await;
    let job = relay.import(&cookie, "shop.csv", FILE).await;
    relay.stream(&cookie, &job).await.until_end().await;
    let list = relay
        .http
        .get(relay.url("/api/list_imports?page=1"))
        .header("cookie", &cookie);
    assert_eq!(list.send().await.unwrap().status(), 200);
    // A development build is larger than the release, whose limit is 40 MiB.
    let limit = if cfg!(debug_assertions) { 80 } else { 40 } << 20;
    // Freed memory is returned to the system within seconds.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut resident = resident_bytes(&relay).await;
    while resident >= limit {
        assert!(Instant::now() < deadline, "{} MiB", resident >> 20);
        tokio::time::sleep(Duration::from_millis(200)).await;
        resident = resident_bytes(&relay).await;
    }
}
