//! A server with captured output, and the services that it calls.

use std::{
    fs::File,
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    body::Bytes,
    http::StatusCode,
    routing::{get, post},
};
use reqwest::{Client, header};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::support::process::{Directory, client};
use test_support::{DEADLINE, database::postgres_database};

pub(crate) struct Written {
    /// Without the line with the owner link, which is for the operator.
    pub(crate) output: String,
    pub(crate) errors: String,
}

pub(crate) struct Observed {
    directory: Directory,
    child: Child,
    origin: String,
    pub(crate) http: Client,
}

impl Observed {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let directory = Directory::new();
        let database = postgres_database().await;
        let mut all = vec![("LISTEN_ADDR", "127.0.0.1:0")];
        all.extend(database.iter().map(|url| ("DATABASE_URL", url.as_str())));
        all.extend_from_slice(settings);
        let file = |name: &str| Stdio::from(File::create(directory.path().join(name)).unwrap());
        let child = directory
            .command(&[], &all)
            .stdout(file("output"))
            .stderr(file("errors"))
            .spawn()
            .unwrap();
        let mut observed = Self {
            directory,
            child,
            origin: String::new(),
            http: client(),
        };
        observed.origin = observed.line_with("is ready at ").await;
        observed
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) async fn setup_secret(&self) -> String {
        self.line_with("?setup=").await
    }

    /// Waits for a text. Returns the rest of its line.
    async fn line_with(&self, words: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let output = self.read("output");
            let whole = output.rsplit_once('\n').map_or("", |(lines, _)| lines);
            if let Some((_, rest)) = whole.lines().find_map(|line| line.split_once(words)) {
                return rest.trim_end_matches('.').to_owned();
            }
            assert!(Instant::now() < deadline, "{}", self.read("errors"));
            sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.directory.path().join(name)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads the whole audit log, from the page and from its function.
    pub(crate) async fn audit(&self, cookie: &str) -> String {
        let mut text = String::new();
        for page in 1..=50 {
            let path = self.url(&format!("/api/audit_log?page={page}"));
            let request = self.http.get(path).header(header::COOKIE, cookie);
            let page: Value = request.send().await.unwrap().json().await.unwrap();
            text.push_str(&page.to_string());
            if page["items"].as_array().is_none_or(Vec::is_empty) {
                break;
            }
        }
        text
    }

    pub(crate) async fn stop(mut self) -> Written {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
        let ended = timeout(DEADLINE, self.child.wait()).await;
        ended.expect("the process ends in time").unwrap();
        let output = self.read("output");
        let lines = output.lines().filter(|line| !line.contains("?setup="));
        Written {
            output: lines.collect::<Vec<_>>().join("\n"),
            errors: self.read("errors"),
        }
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub(crate) struct Collector {
    pub(crate) address: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let take = move |body: Bytes| async move { kept.lock().unwrap().extend_from_slice(&body) };
        let address = serve(Router::new().route("/v1/traces", post(take))).await;
        Self { address, received }
    }

    pub(crate) fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }
}

/// An identity provider that rejects codes and repeats them.
pub(crate) struct Provider {
    pub(crate) issuer: String,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let itself = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        let refuse = |Form(form): Form<Vec<(String, String)>>| async move {
            let why = format!("not good: {form:?}");
            let answer = json!({"error": "invalid_grant", "error_description": why});
            (StatusCode::BAD_REQUEST, Json(answer))
        };
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| async { Json(itself) }),
            )
            .route("/keys", get(|| async { Json(json!({"keys": []})) }))
            .route("/token", post(refuse));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer }
    }
}
