//! Webhooks of the running program: created by the API, received by a real receiver, never lost in a crash.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};

use crate::support::process::{Directory, Process, client, create_owner, import};
use test_support::{DEADLINE, database::postgres_database};

const FILE: &str = "sku,name,price\na,A,1.00\nb,B,2.00\nc,C,oops\n";
const KEY: (&str, &str) = ("ENCRYPTION_KEY", "a key of this test");

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver on loopback that can be stopped and restarted.
struct Receiver {
    received: Received,
    address: std::net::SocketAddr,
    serving: JoinHandle<()>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Received::default();
        let serving = serve(listener, received.clone());
        Self {
            received,
            address,
            serving,
        }
    }

    async fn go_away(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }

    async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serving = serve(listener, self.received.clone());
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Returns the messages; verifies their signatures.
    fn messages(&self, secret: &str) -> Vec<Value> {
        let verifier = standardwebhooks::Webhook::new(secret).unwrap();
        let received = self.received.lock().unwrap();
        let message = |(headers, body): &(HeaderMap, Bytes)| {
            verifier.verify(body, headers).expect("it is signed");
            serde_json::from_slice(body).unwrap()
        };
        received.iter().map(message).collect()
    }

    async fn wait_until(&self, secret: &str, what: &str, holds: impl Fn(&[Value]) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let messages = self.messages(secret);
            if holds(&messages) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {messages:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn serve(listener: TcpListener, received: Received) -> JoinHandle<()> {
    let take = async |State(received): State<Received>, headers: HeaderMap, body: Bytes| {
        received.lock().unwrap().push((headers, body));
    };
    let router = Router::new()
        .route("/hook", post(take))
        .with_state(received);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

/// The app, its owner's session, and its origin.
struct Scene {
    directory: Directory,
    settings: Vec<(String, String)>,
    http: Client,
    process: Process,
    cookie: String,
}

impl Scene {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let directory = Directory::new();
        let mut all = vec![("LISTEN_ADDR", "127.0.0.1:0"), KEY];
        let database = postgres_database().await;
        if let Some(url) = &database {
            all.push(("DATABASE_URL", url));
        }
        all.extend_from_slice(settings);
        let process = Process::start(directory.command(&[], &all)).await;
        let http = client();
        let cookie = create_owner(&http, &format!("http://{}", process.address), None).await;
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            settings: all.iter().map(owned).collect(),
            directory,
            http,
            process,
            cookie,
        }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.process.address)
    }

    async fn kill_and_start(self) -> Self {
        self.process.kill().await;
        let settings = self.settings.iter();
        let settings: Vec<_> = settings.map(|(name, value)| (&**name, &**value)).collect();
        Self {
            process: Process::start(self.directory.command(&[], &settings)).await,
            ..self
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let url = format!("{}{path}", self.origin());
        let mut request = self.http.request(method.parse().unwrap(), url);
        request = request.header("cookie", &self.cookie);
        if let Some(body) = body {
            let text = body.to_string();
            request = request
                .header("content-type", "application/json")
                .body(text);
        }
        request.send().await.unwrap()
    }

    async fn json(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.call(method, path, body).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn webhook(&self, url: &str, events: &[&str]) -> (String, String) {
        let wanted = json!({"url": url, "events": events});
        let new = self.json("POST", "/api/webhooks", Some(wanted)).await;
        let text = |name: &str| new[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    async fn import(&self) -> String {
        import(&self.http, &self.origin(), &self.cookie, "shop.csv", FILE).await
    }
}

fn of_type<'a>(messages: &'a [Value], kind: &str) -> Vec<&'a str> {
    let of_type = messages.iter().filter(|message| message["type"] == kind);
    of_type
        .map(|message| message["data"]["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_webhook_is_told_of_an_import_and_shows_what_became_of_each_message() {
    let scene = Scene::start(&[("WEBHOOK_HOSTS", "127.0.0.1")]).await;
    let receiver = Receiver::start().await;
    let events = ["import.started", "import.finished"];
    let (id, secret) = scene.webhook(&receiver.url(), &events).await;
    let job = scene.import().await;
    let both = |messages: &[Value]| events.iter().all(|kind| of_type(messages, kind) == [&*job]);
    receiver.wait_until(&secret, "start and end", both).await;
    let messages = receiver.messages(&secret);
    let finished = messages.iter().find(|it| it["type"] == "import.finished");
    let data = &finished.unwrap()["data"];
    assert_eq!(data["status"], "PARTIAL_SUCCESS");
    assert_eq!(
        (&data["processedProducts"], &data["failedProducts"]),
        (&json!(2), &json!(1))
    );
    let page = format!("{}/imports/{job}", scene.origin());
    // The settings have the path but not the port.
    assert!(
        data["url"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/imports/{job}")),
        "{page}"
    );

    scene
        .json("POST", &format!("/api/webhooks/{id}/test"), None)
        .await;
    let tested = |messages: &[Value]| messages.iter().any(|it| it["type"] == "webhook.test");
    receiver.wait_until(&secret, "a test", tested).await;
    let path = format!("/api/webhooks/{id}/deliveries");
    let deadline = Instant::now() + DEADLINE;
    let log = loop {
        let log = scene.json("GET", &path, None).await;
        let items = log["items"].as_array().unwrap();
        if items.iter().all(|it| it["state"] == "delivered") {
            break log;
        }
        assert!(Instant::now() < deadline, "{log:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&log["items"][0]["event"], &log["next"]),
        (&json!("webhook.test"), &Value::Null)
    );

    let delivery = log["items"][2]["id"].as_str().unwrap();
    let again = format!("{path}/{delivery}/redeliver");
    let answer = scene.call("POST", &again, None).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let twice = |messages: &[Value]| of_type(messages, "import.started").len() == 2;
    receiver
        .wait_until(&secret, "the start once more", twice)
        .await;

    // Disabled, it gets nothing; its secret is never shown again.
    let one = format!("/api/webhooks/{id}");
    scene
        .json("PATCH", &one, Some(json!({"enabled": false})))
        .await;
    let shown = scene.json("GET", "/api/webhooks", None).await.to_string();
    assert!(!shown.contains("whsec_") && shown.contains(&id), "{shown}");
    let answer = scene.call("DELETE", &one, None).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        scene.call("GET", &one, None).await.status(),
        StatusCode::NOT_FOUND
    );
    let audit = scene
        .json("GET", "/api/audit_log?page=1", None)
        .await
        .to_string();
    for action in ["WebhookCreated", "WebhookDisabled", "WebhookDeleted"] {
        assert!(audit.contains(action), "{audit}");
    }
}

#[tokio::test]
async fn a_private_address_is_refused_unless_its_host_is_named() {
    let scene = Scene::start(&[]).await;
    for url in [
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://169.254.169.254/latest/meta-data",
        "http://hooks.example/hook",
    ] {
        let wanted = json!({"url": url, "events": ["import.finished"]});
        let answer = scene.call("POST", "/api/webhooks", Some(wanted)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{url}");
    }
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_loses_no_message() {
    let mut scene = Scene::start(&[("WEBHOOK_HOSTS", "127.0.0.1")]).await;
    let mut receiver = Receiver::start().await;
    let (_, secret) = scene.webhook(&receiver.url(), &["import.finished"]).await;
    let mut jobs = BTreeSet::new();
    for round in 0..6_u64 {
        // In every other round, another process sends what was recorded.
        if round % 2 == 0 {
            receiver.go_away().await;
        }
        for _ in 0..3 {
            jobs.insert(scene.import().await);
        }
        tokio::time::sleep(Duration::from_millis(round * 40)).await;
        scene = scene.kill_and_start().await;
        if round % 2 == 0 {
            receiver.come_back().await;
        }
    }
    let all = |messages: &[Value]| {
        let finished: BTreeSet<_> = of_type(messages, "import.finished").into_iter().collect();
        finished == jobs.iter().map(String::as_str).collect()
    };
    receiver.wait_until(&secret, "each end", all).await;
}
