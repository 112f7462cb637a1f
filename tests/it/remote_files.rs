//! Files fetched from a URL: what is accepted, and what must never be requested.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::Response;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
    server::TlsStream,
};

use crate::support::process::Relay;
use test_support::{DEADLINE, certificates};

const FILE: &str = "sku,name,price\na,A,1.00\nb,B,2.00\nc,C,oops\n";
const MAX: &str = "64KiB";

struct Supplier {
    port: u16,
    authority: PathBuf,
    connections: Arc<AtomicUsize>,
    _directory: tempfile::TempDir,
}

impl Supplier {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let issued = certificates::issue(&["localhost", "127.0.0.1"]);
        let path = directory.path().join("authority.pem");
        std::fs::write(&path, issued.authority.pem()).unwrap();
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(issued.certificate)],
                PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(acceptor.clone(), socket, port));
            }
        });
        Self {
            port,
            authority: path,
            connections,
            _directory: directory,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn relay(&self, hosts: &str) -> (Relay, String) {
        let relay = Relay::start(&[
            ("IMPORT_URL_HOSTS", hosts),
            ("MAX_UPLOAD_SIZE", MAX),
            ("SSL_CERT_FILE", self.authority.to_str().unwrap()),
        ])
        .await;
        let cookie = relay.create_owner().await;
        (relay, cookie)
    }
}

async fn serve(acceptor: TlsAcceptor, socket: TcpStream, port: u16) {
    let Ok(mut tls) = acceptor.accept(socket).await else {
        return;
    };
    let Some(path) = path_of(&mut tls).await else {
        return;
    };
    let file = |head: &str| format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n{FILE}");
    let to = |place: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n")
    };
    let answer = match path.as_str() {
        "/feeds/M%C3%A4rz.csv" => file("content-type: text/csv\r\n"),
        "/moved" => to("/feeds/M%C3%A4rz.csv"),
        "/to-an-address" => to(&format!("https://127.0.0.1:{port}/feeds/M%C3%A4rz.csv")),
        "/to-plain-http" => to(&format!("http://localhost:{port}/feeds/M%C3%A4rz.csv")),
        "/round" => to("/round"),
        "/page" => file("content-type: text/html; charset=utf-8\r\n"),
        "/cut" => file("content-length: 9000\r\n"),
        "/empty" => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "/long" => file("content-length: 70000\r\n"),
        "/endless" => {
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nsku,name,price\n";
            let _ = tls.write_all(head.as_bytes()).await;
            while tls.write_all(&b"a,A,1.00\n".repeat(500)).await.is_ok() {}
            return;
        }
        _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    };
    let _ = tls.write_all(answer.as_bytes()).await;
    let _ = tls.shutdown().await;
}

async fn path_of(tls: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tls.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    assert!(!head.contains("cookie"), "{head}");
    head.split(' ').nth(1).map(str::to_owned)
}

async fn ask(relay: &Relay, cookie: &str, url: &str) -> Response {
    let request = relay.http.post(relay.url("/api/imports"));
    let request = request.header("cookie", cookie).json(&json!({"url": url}));
    request.send().await.unwrap()
}

async fn until_over(relay: &Relay, cookie: &str, id: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let request = relay.http.get(relay.url(&format!("/api/imports/{id}")));
        let answer = request.header("cookie", cookie).send().await.unwrap();
        let import: Value = answer.json().await.unwrap();
        if import["status"] != "PENDING" {
            return import;
        }
        assert!(Instant::now() < deadline, "{import}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_file_is_fetched_and_imported() {
    let supplier = Supplier::start().await;
    let (relay, cookie) = supplier.relay("localhost").await;
    for path in ["/feeds/M%C3%A4rz.csv", "/moved"] {
        let answer = ask(&relay, &cookie, &supplier.url(path)).await;
        assert_eq!(answer.status(), 201);
        let id: Value = answer.json().await.unwrap();
        let import = until_over(&relay, &cookie, id["id"].as_str().unwrap()).await;
        assert_eq!(import["filename"], "März.csv");
        assert_eq!(import["status"], "PARTIAL_SUCCESS");
        assert_eq!(import["failedProductSkus"], json!(["c"]));
    }
}

#[tokio::test]
async fn a_form_leads_to_the_import_or_back_with_the_reason() {
    let supplier = Supplier::start().await;
    let (relay, cookie) = supplier.relay("localhost").await;
    let send = async |fields: &[(&str, &str)]| {
        let request = relay.http.post(relay.url("/imports/from-address"));
        let request = request
            .header("cookie", &cookie)
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded");
        let fields = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        request.body(fields).send().await.unwrap()
    };
    let address = supplier.url("/moved");
    let answer = send(&[("url", &address), ("mode", "check")]).await;
    assert_eq!(answer.status(), 303);
    let place = answer.headers()["location"].to_str().unwrap();
    let id = place.strip_prefix("/imports/").unwrap();
    until_over(&relay, &cookie, id).await;
    let answer = relay.http.get(relay.url("/products"));
    let products = answer.header("cookie", &cookie).send().await.unwrap();
    let products = products.text().await.unwrap();
    assert!(!products.contains("sku:a"), "it was to be checked alone");

    let answer = send(&[("url", "http://localhost/x")]).await;
    assert_eq!(answer.headers()["location"], "/imports");
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    let reason = set.split(';').next().unwrap();
    let page = relay.http.get(relay.url("/imports"));
    let page = page.header("cookie", format!("{cookie}; {reason}"));
    let page = page.header("accept", "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("The URL must start with https:// and must not contain a password."));
    assert!(page.contains("data-testid=\"address-form\""));
    assert_eq!(send(&[]).await.headers()["location"], "/imports");
}

#[tokio::test]
async fn what_is_no_file_is_refused_with_the_reason() {
    let supplier = Supplier::start().await;
    let (relay, cookie) = supplier.relay("localhost").await;
    let cases = [
        ("/gone", 422, "returned status 404"),
        ("/page", 422, "points to a web page"),
        ("/round", 422, "Too many redirects"),
        ("/to-plain-http", 422, "must start with https://"),
        ("/to-an-address", 422, "from this host is not allowed"),
        ("/cut", 422, "was interrupted"),
        ("/empty", 400, "is empty"),
        ("/long", 413, "too large"),
        ("/endless", 413, "too large"),
    ];
    for (path, status, words) in cases {
        let url = supplier.url(path);
        let asked = ask(&relay, &cookie, &url);
        let answer = timeout(DEADLINE, asked).await.expect("an answer in time");
        assert_eq!(answer.status(), status, "{path}");
        let answer: Value = answer.json().await.unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(words), "{path}: {error}");
    }
    let unreadable = relay.http.post(relay.url("/api/imports"));
    let unreadable = unreadable
        .header("cookie", &cookie)
        .json(&json!({"uri": 1}));
    assert_eq!(unreadable.send().await.unwrap().status(), 422);
    let list = relay.http.get(relay.url("/api/imports"));
    let list = list.header("cookie", &cookie).send().await.unwrap();
    let list: Value = list.json().await.unwrap();
    assert_eq!(list["total"], 0, "nothing of them is left");
}

#[tokio::test]
async fn nothing_of_ours_is_asked_where_any_public_host_may_be() {
    let supplier = Supplier::start().await;
    let (relay, cookie) = supplier.relay("*").await;
    for host in [
        "localhost",
        "127.0.0.1",
        "2130706433",
        "[::ffff:7f00:1]",
        "0",
    ] {
        let url = format!("https://{host}:{}/moved", supplier.port);
        let answer = ask(&relay, &cookie, &url).await;
        assert_eq!(answer.status(), 422, "{host}");
        let answer: Value = answer.json().await.unwrap();
        let words = "Importing from this host is not allowed.";
        assert_eq!(answer["error"], words, "{host}");
    }
    assert_eq!(supplier.connections(), 0);
}

#[tokio::test]
async fn nothing_is_fetched_where_no_host_is_allowed() {
    let supplier = Supplier::start().await;
    let (relay, cookie) = supplier.relay("").await;
    let answer = ask(&relay, &cookie, &supplier.url("/moved")).await;
    assert_eq!(answer.status(), 422);
    let page = relay.http.get(relay.url("/imports"));
    let page = page.header("cookie", &cookie).send().await.unwrap();
    assert!(!page.text().await.unwrap().contains("address-form"));
    assert_eq!(supplier.connections(), 0);
}
