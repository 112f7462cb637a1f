//! A stand-in of Vercel's runtime.

use std::{
    collections::HashSet,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use import_relay::server::{auth::first_owner, config::DatabaseUrl, store::Store};
use reqwest::{Client, Response, multipart, redirect::Policy};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::UnixListener,
    process::{Child, Command},
    sync::{Mutex, mpsc},
    time::timeout,
};

use test_support::{DEADLINE, fake_monitor::FakeMonitor};

/// A database of its own for a test.
pub(crate) async fn postgres_database() -> String {
    let database = test_support::database::postgres_database().await;
    database.expect("scripts/test.sh starts PostgreSQL")
}

fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_index"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("VERCEL", "1")
        .env("VERCEL_URL", "relay.vercel.app")
        .env("NO_COLOR", "1")
        // Nothing of the function's is written anywhere.
        .current_dir("/")
        .envs(settings.iter().copied())
        .kill_on_drop(true);
    command
}

/// Starts a function that does not start, and returns what it says.
pub(crate) async fn refused(settings: &[(&str, &str)]) -> String {
    let output = timeout(DEADLINE, command(settings).output())
        .await
        .unwrap()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// One running function.
pub(crate) struct Function {
    child: Child,
    http: Client,
    origin: String,
    requests: AtomicU64,
    ends: mpsc::UnboundedReceiver<u64>,
    /// Where its database is.
    database: String,
    ended: HashSet<u64>,
    _directory: tempfile::TempDir,
}

impl Function {
    /// Starts it and waits until it says over the runtime's socket that it listens.
    pub(crate) async fn start(
        monitor: &FakeMonitor,
        database: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("ipc.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port().to_string()
        };
        let mut settings = vec![
            ("VERCEL_IPC_PATH", socket.to_str().unwrap().to_owned()),
            ("VERCEL_DEV_PORT", port),
            ("DATABASE_URL", database.to_owned()),
            // Its cookies are read over plain HTTP here.
            ("NEXTAUTH_URL", "http://relay.vercel.app".to_owned()),
        ];
        settings.extend(monitor.settings());
        settings.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let child = command(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (connection, _) = timeout(DEADLINE, listener.accept())
            .await
            .expect("the function starts")
            .unwrap();
        let mut connection = BufReader::new(connection);
        let started = message(&mut connection).await.unwrap();
        assert_eq!(started["type"], "server-started");
        let origin = format!("http://127.0.0.1:{}", started["payload"]["httpPort"]);
        let (sender, ends) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = message(&mut connection).await {
                if message["type"] == "end" {
                    let id = message["payload"]["context"]["requestId"].as_u64().unwrap();
                    let _ = sender.send(id);
                }
            }
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self {
            child,
            http,
            origin,
            requests: AtomicU64::new(1),
            ends,
            ended: HashSet::new(),
            database: database.to_owned(),
            _directory: directory,
        }
    }

    /// Asks it to end, and returns its exit code.
    pub(crate) fn terminate(mut self) -> impl Future<Output = Option<i32>> {
        let id = self.child.id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status();
        assert!(sent.unwrap().success());
        async move {
            let ended = timeout(DEADLINE, self.child.wait()).await;
            ended.expect("the function ends").unwrap().code()
        }
    }

    /// The number that the next request gets.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn request(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let id = self.requests.fetch_add(1, Ordering::Relaxed);
        request
            .header(
                "x-vercel-internal-invocation-id",
                format!("invocation-{id}"),
            )
            .header("x-vercel-internal-request-id", id)
    }

    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> Response {
        let mut request = self.http.get(format!("{}{path}", self.origin));
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        self.request(request).send().await.unwrap()
    }

    pub(crate) async fn open(&self, path: &str, cookie: &str, last: Option<&str>) -> Response {
        let mut request = self
            .http
            .get(format!("{}{path}", self.origin))
            .header("cookie", cookie);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        self.request(request).send().await.unwrap()
    }

    /// Makes the secret of the owner's link, as its command does: a function has nobody to tell it to.
    async fn setup(&self) -> String {
        let url = DatabaseUrl::parse(&self.database).unwrap();
        let store = Store::open(&url).await.unwrap();
        let link = first_owner::make_link(&store, "").await.unwrap().unwrap();
        link.split_once("setup=").unwrap().1.to_owned()
    }

    pub(crate) async fn create_owner(&self) -> String {
        let setup = self.setup().await;
        let request = self
            .http
            .post(format!("{}/api/create_owner", self.origin))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!(
                "name=Ada&email=ada%40example.com&password=correct+horse&setup={setup}"
            ));
        let response = self.request(request).send().await.unwrap();
        let set = response.headers()["set-cookie"].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    pub(crate) async fn import(&self, cookie: &str) -> String {
        let part = multipart::Part::bytes(&b"sku,name,price\na,A,1\n"[..]).file_name("shop.csv");
        let request = self
            .http
            .post(format!("{}/imports", self.origin))
            .header("cookie", cookie)
            .header("accept", "application/json")
            .multipart(multipart::Form::new().part("file", part));
        let response = self.request(request).send().await.unwrap();
        assert_eq!(response.status(), 201);
        let answer: Value = response.json().await.unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Waits for a request's end, and returns all that have ended by then.
    pub(crate) async fn ended_before(&mut self, id: u64) -> HashSet<u64> {
        self.ended(id).await;
        self.ended.clone()
    }

    /// Waits for a request's end.
    pub(crate) async fn ended(&mut self, id: u64) {
        while !self.ended.contains(&id) {
            let ended = timeout(DEADLINE, self.ends.recv()).await;
            let ended = ended.unwrap_or_else(|_| panic!("request {id} does not end"));
            self.ended.insert(ended.expect("the function lives"));
        }
    }
}

/// Reads one message of the runtime's protocol: JSON that ends with NUL.
async fn message(connection: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Value> {
    let mut bytes = Vec::new();
    connection.read_until(0, &mut bytes).await.ok()?;
    let json = bytes.strip_suffix(&[0])?;
    Some(serde_json::from_slice(json).unwrap())
}

/// Starts functions when there are requests, and kills each at its limit.
#[derive(Clone)]
pub(crate) struct Platform(Arc<Inner>);

struct Inner {
    monitor: FakeMonitor,
    database: String,
    settings: Vec<(String, String)>,
    limit: Duration,
    newest: Mutex<Option<Arc<Function>>>,
    killed: Arc<AtomicUsize>,
}

impl Platform {
    pub(crate) async fn start(
        monitor: &FakeMonitor,
        limit: Duration,
        settings: &[(&str, &str)],
    ) -> Self {
        Self(Arc::new(Inner {
            monitor: monitor.clone(),
            database: postgres_database().await,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            limit,
            newest: Mutex::new(None),
            killed: Arc::default(),
        }))
    }

    /// How many functions were killed so far.
    pub(crate) fn killed(&self) -> usize {
        self.0.killed.load(Ordering::Relaxed)
    }

    /// The function that takes new requests. It takes none in the second half of its life, so that a
    /// request may last that long.
    pub(crate) async fn function(&self) -> Arc<Function> {
        let mut newest = self.0.newest.lock().await;
        if let Some(function) = &*newest {
            return Arc::clone(function);
        }
        let settings: Vec<_> = self
            .0
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let function =
            Arc::new(Function::start(&self.0.monitor, &self.0.database, &settings).await);
        *newest = Some(Arc::clone(&function));
        let platform = self.clone();
        let dying = Arc::clone(&function);
        tokio::spawn(async move {
            tokio::time::sleep(platform.0.limit / 2).await;
            *platform.0.newest.lock().await = None;
            tokio::time::sleep(platform.0.limit / 2).await;
            // It is held until here: a function that nobody holds is killed at once.
            let id = dying.child.id().unwrap();
            let status = Command::new("kill")
                .args(["-KILL", &id.to_string()])
                .status()
                .await;
            assert!(status.unwrap().success());
            platform.0.killed.fetch_add(1, Ordering::Relaxed);
        });
        function
    }
}
