//! A price monitor for each test.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use import_relay::server::{
    config::{Config, DatabaseUrl, Retention, SpaceLimits},
    price_monitor::{self, PriceMonitorOptions},
    store::{Store, monitor_imports::MonitorImport},
    telemetry::Metrics,
    uploads::space::Space,
};
use reqwest::{Client, RequestBuilder, Response, multipart};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use test_support::{DEADLINE, database};

pub(crate) const KEY: &str = "the-key";
pub(crate) const MAX_UPLOAD: usize = 4 << 20;

#[allow(dead_code)] // not every test program uses all of it
pub(crate) struct Monitor {
    pub(crate) address: SocketAddr,
    pub(crate) http: Client,
    pub(crate) store: Store,
    /// The oldest unfinished import at the restart.
    pub(crate) before_restart: Option<MonitorImport>,
    pub(crate) rows_per_second: Option<NonZeroU32>,
    pub(crate) database: String,
    directory: tempfile::TempDir,
    shutdown: CancellationToken,
    service: JoinHandle<std::io::Result<()>>,
}

#[allow(dead_code)]
impl Monitor {
    pub(crate) async fn start() -> Self {
        Self::start_in(&std::env::temp_dir()).await
    }

    /// Starts a service whose imports take a second per batch.
    pub(crate) async fn start_slow() -> Self {
        Self::start_slow_in(&std::env::temp_dir()).await
    }

    /// Starts a service whose imports stop for a minute after each batch, so that an import of several batches does not
    /// end during a test.
    pub(crate) async fn start_paused() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = database(&directory).await;
        Self::start_on(database, directory, PAUSED).await
    }

    pub(crate) async fn start_slow_in(parent: &std::path::Path) -> Self {
        let directory = tempfile::tempdir_in(parent).unwrap();
        let database = database(&directory).await;
        Self::start_on(database, directory, NonZeroU32::new(2000)).await
    }

    pub(crate) async fn start_in(parent: &std::path::Path) -> Self {
        let directory = tempfile::tempdir_in(parent).unwrap();
        let database = database(&directory).await;
        Self::start_on(database, directory, None).await
    }

    pub(crate) async fn start_with(database: String) -> Self {
        Self::start_on(database, tempfile::tempdir().unwrap(), None).await
    }

    /// Starts another one on the same database, with its own directory.
    pub(crate) async fn beside(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_on(self.database.clone(), directory, self.rows_per_second).await
    }

    pub(crate) async fn accepted_of(&self, owner: &str, file: impl Into<Vec<u8>>) -> String {
        let part = multipart::Part::bytes(file.into()).file_name("list.csv");
        let request = self.post("/api/products/imports");
        let request = request.header("X-Import-Owner", owner);
        let form = multipart::Form::new().part("file", part);
        let answer = request.multipart(form).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let job: Value = answer.json().await.unwrap();
        job["id"].as_str().unwrap().to_owned()
    }

    async fn start_on(
        database: String,
        directory: tempfile::TempDir,
        rows_per_second: Option<NonZeroU32>,
    ) -> Self {
        // Another test may have installed one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = DatabaseUrl::parse(&database).unwrap();
        let store = Store::open(&url).await.unwrap();
        let (address, shutdown, service) = serve(&store, &directory, rows_per_second).await;
        let http = Client::builder().no_proxy().build().unwrap();
        Self {
            address,
            http,
            store,
            before_restart: None,
            rows_per_second,
            database,
            directory,
            shutdown,
            service,
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.halt().await;
        self.resume().await;
    }

    /// Stops the service until [`resume`](Self::resume).
    pub(crate) async fn halt(&mut self) {
        self.shutdown.cancel();
        (&mut self.service).await.unwrap().unwrap();
    }

    pub(crate) async fn resume(&mut self) {
        self.before_restart = self
            .store
            .unfinished_monitor_imports()
            .await
            .unwrap()
            .into_iter()
            .next();
        (self.address, self.shutdown, self.service) =
            serve(&self.store, &self.directory, self.rows_per_second).await;
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(DEADLINE, self.service)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).header("X-API-Key", KEY)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path)).header("X-API-Key", KEY)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.request(path)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) async fn upload(&self, name: &str, file: impl Into<Vec<u8>>) -> Response {
        self.upload_as("file", name, file.into()).await
    }

    pub(crate) async fn upload_as(&self, field: &str, name: &str, file: Vec<u8>) -> Response {
        let part = multipart::Part::bytes(file).file_name(name.to_owned());
        let form = multipart::Form::new()
            .text("note", "x")
            .part(field.to_owned(), part);
        self.post("/api/products/imports")
            .multipart(form)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn accepted(&self, file: impl Into<Vec<u8>>) -> String {
        let answer = self.upload("list.csv", file).await;
        assert_eq!(answer.status(), 201);
        let job: Value = answer.json().await.unwrap();
        job["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn finished(&self, id: &str) -> Value {
        let over = eventually("the import is over", async || {
            let mut state = self
                .get(&format!("/api/products/imports/{id}/progress"))
                .await;
            state["id"] = id.into();
            (state["isCompleted"] == true).then_some(state)
        })
        .await;
        // Counting and importing must agree for any file.
        let count = |name: &str| over[name].as_u64().unwrap();
        assert_eq!(
            count("processedProducts") + count("failedProducts"),
            count("totalProducts"),
            "{over}"
        );
        over
    }

    /// Waits for a job to end, by any source.
    pub(crate) async fn finished_somehow(&self, id: &str) -> Value {
        let path = format!("/api/products/imports/{id}/progress");
        eventually("the import is over", async || {
            let state = self.get(&path).await;
            (state["isCompleted"] == true).then_some(state)
        })
        .await
    }

    pub(crate) async fn import(&self, file: &str) -> Value {
        let id = self.accepted(file).await;
        self.finished(&id).await
    }

    pub(crate) fn sqlite(&self) -> Option<std::path::PathBuf> {
        let path = self.directory.path().join("test.db");
        path.exists().then_some(path)
    }

    pub(crate) fn upload_path(&self, id: &str) -> std::path::PathBuf {
        let uploads = self.directory.path().join("uploads");
        uploads.join(format!("{id}.upload"))
    }

    pub(crate) fn uploads(&self) -> Vec<String> {
        std::fs::read_dir(self.directory.path().join("uploads"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect()
    }
}

pub(crate) const PAUSED: Option<NonZeroU32> = Some(NonZeroU32::MIN);

/// More than any test uses.
const SPACE: SpaceLimits = SpaceLimits {
    of_user: 1 << 40,
    of_all: 1 << 40,
    free: 0,
};

async fn database(directory: &tempfile::TempDir) -> String {
    let file = directory.path().join("test.db");
    let postgres = database::postgres_database().await;
    postgres.unwrap_or_else(|| format!("sqlite:{}", file.display()))
}

async fn serve(
    store: &Store,
    directory: &tempfile::TempDir,
    rows_per_second: Option<NonZeroU32>,
) -> (
    SocketAddr,
    CancellationToken,
    JoinHandle<std::io::Result<()>>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = PriceMonitorOptions {
        api_key: KEY.into(),
        uploads_dir: directory.path().join("uploads"),
        max_upload: MAX_UPLOAD as u64,
        metrics: Metrics::default(),
        imports_per_user: 2,
        rows_per_second,
        queued_per_user: 25,
        space: Space::new(directory.path(), SPACE),
        retention: Retention {
            uploads: Duration::from_secs(3600),
            ..Retention::default()
        },
        safety: Config::read(|_| None).unwrap().safety,
    };
    let shutdown = CancellationToken::new();
    let serving = price_monitor::serve(listener, store.clone(), options, shutdown.clone());
    let service = tokio::spawn(serving);
    let health = format!("http://{address}/health");
    reqwest::get(health)
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    (address, shutdown, service)
}

pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
