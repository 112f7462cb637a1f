//! Relays and workers behind nginx, with the shipped configuration.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use reqwest::{Client, multipart, redirect::Policy};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::support::process::{Directory, Process, binary, client, create_owner};
use test_support::database::postgres_database;

/// Timeout of an import, with kills.
const PATIENCE: Duration = Duration::from_secs(120);
const KEY: &str = "the-key-of-the-workers";
/// Address of a client that is not the proxy.
pub(crate) const VISITOR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Member {
    Relay(usize),
    Worker(usize),
}

impl Member {
    pub(crate) const ALL: [Self; 5] = [
        Self::Worker(0),
        Self::Relay(0),
        Self::Worker(1),
        Self::Relay(1),
        Self::Relay(2),
    ];
}

pub(crate) struct Cluster {
    pub(crate) http: Client,
    pub(crate) origin: String,
    pub(crate) program: PathBuf,
    directory: Directory,
    relays: Vec<Place>,
    workers: Vec<Place>,
    monitor: String,
    relay_database: String,
    monitor_database: String,
    nginx: Child,
}

struct Place {
    address: SocketAddr,
    process: Option<Process>,
    worker: String,
}

impl Place {
    fn new() -> Self {
        Self {
            address: free(),
            process: None,
            worker: String::new(),
        }
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::start_of(binary()).await
    }

    pub(crate) async fn start_of(program: PathBuf) -> Self {
        let directory = Directory::new();
        let relays: Vec<_> = (0..3).map(|_| Place::new()).collect();
        let workers: Vec<_> = (0..2).map(|_| Place::new()).collect();
        let (front, back) = (free(), free());
        let nginx = nginx(&directory, &relays, front, &workers, back).await;
        let mut cluster = Self {
            http: client(),
            origin: format!("http://{front}"),
            program,
            directory,
            relays,
            workers,
            monitor: format!("http://{back}"),
            relay_database: postgres_database().await.expect("PostgreSQL is there"),
            monitor_database: postgres_database().await.expect("PostgreSQL is there"),
            nginx,
        };
        for member in Member::ALL {
            cluster.restart(member).await;
        }
        cluster
    }

    fn place(&mut self, member: Member) -> &mut Place {
        match member {
            Member::Relay(index) => &mut self.relays[index],
            Member::Worker(index) => &mut self.workers[index],
        }
    }

    pub(crate) async fn kill(&mut self, member: Member) {
        let process = self.place(member).process.take().expect("it runs");
        process.kill().await;
    }

    /// Stops a process gracefully and starts the current program.
    pub(crate) async fn replace(&mut self, member: Member) {
        let process = self.place(member).process.take().expect("it runs");
        assert_eq!(process.terminate().await, Some(0));
        self.restart(member).await;
    }

    pub(crate) fn visitor() -> Client {
        Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .local_address(VISITOR)
            .build()
            .unwrap()
    }

    /// Creates the owner by the printed link, which proxied requests need.
    pub(crate) async fn create_owner(&self, http: &Client) -> String {
        let settings = [
            ("DATABASE_URL", self.relay_database.as_str()),
            ("NEXTAUTH_URL", self.origin.as_str()),
        ];
        let link = self.directory.says_with(&["owner-link"], &settings).await;
        let (page, setup) = link.trim().split_once("?setup=").expect("a link");
        assert_eq!(page, format!("{}/sign-in", self.origin));
        create_owner(http, &self.origin, Some(setup)).await
    }

    pub(crate) async fn address_of_the_session(&self) -> String {
        let query = "SELECT address AS value FROM sessions ORDER BY created_at DESC LIMIT 1";
        value(&self.relay_database, query).await
    }

    /// Returns whether a worker runs an unfinished import; true for relays.
    pub(crate) async fn is_at_work(&mut self, member: Member) -> bool {
        if matches!(member, Member::Relay(_)) {
            return true;
        }
        let worker = self.place(member).worker.clone();
        holds_a_lease(&self.monitor_database, &worker).await
    }

    pub(crate) async fn until_all_relays_serve(&mut self) {
        for relay in 0..self.relays.len() {
            self.until_metric(relay, "import_relay_streams_opened_total ", |opened| {
                opened > 0
            })
            .await;
        }
    }

    /// Waits until each relay has connected once.
    pub(crate) async fn until_each_relay_holds_one_socket(&mut self) {
        for relay in 0..self.relays.len() {
            let connected = "import_relay_upstream_state{state=\"connected\"} ";
            self.until_metric(relay, connected, |is| is == 1).await;
            self.until_metric(relay, "import_relay_upstream_connections_total ", |all| {
                all == 1
            })
            .await;
        }
    }

    async fn until_metric(&mut self, relay: usize, name: &str, is_so: impl Fn(u64) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.metrics(Member::Relay(relay)).await;
            if is_so(figure(&text, name)) {
                return;
            }
            assert!(Instant::now() < deadline, "relay {relay}: {name}\n{text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn metrics(&mut self, member: Member) -> String {
        let url = format!("http://{}/metrics", self.place(member).address);
        let answer = self.http.get(&url).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    pub(crate) async fn restart(&mut self, member: Member) {
        let address = self.place(member).address.to_string();
        let origin = self.origin.clone();
        // Instances share only the database.
        let own = match member {
            Member::Relay(index) => format!("relay{index}"),
            Member::Worker(_) => "workers".to_owned(),
        };
        let own = self.directory.path().join(own).display().to_string();
        let command = match member {
            Member::Relay(_) => self.directory.command_of(
                &self.program,
                &[],
                &[
                    ("LISTEN_ADDR", &address),
                    ("DATA_DIR", &own),
                    ("TRUSTED_PROXIES", "127.0.0.1"),
                    ("NEXTAUTH_URL", &origin),
                    ("DATABASE_URL", &self.relay_database),
                    ("MONITOR_PRICE_APP_HOST", &self.monitor),
                    ("PRICE_MONITOR_API_KEY", KEY),
                    ("RELAY_SETTLE_INTERVAL", "3s"),
                    ("SSE_MAX_STREAMS_PER_USER", "10000"),
                    ("SSE_MAX_STREAMS_PER_ADDRESS", "10000"),
                ],
            ),
            Member::Worker(_) => self.directory.command_of(
                &self.program,
                &["price-monitor", "--listen", &address],
                &[
                    ("DATA_DIR", &own),
                    ("DATABASE_URL", &self.monitor_database),
                    ("PRICE_MONITOR_API_KEY", KEY),
                    ("IMPORTS_PER_USER", "4"),
                    // Slow enough on any machine.
                    ("IMPORT_MAX_RATE", "5000"),
                ],
            ),
        };
        let mut process = Process::start(command).await;
        if matches!(member, Member::Worker(_)) {
            self.place(member).worker = worker_name(&mut process).await;
        }
        self.place(member).process = Some(process);
    }

    /// Opens a stream like the hook: reconnects until the import's end.
    pub(crate) fn watch(&self, cookie: &str, job: &str) -> Viewer {
        let (newest, seen) = watch::channel(Value::Null);
        let url = format!("{}/api/jobs/{job}/progress", self.origin);
        let (http, cookie) = (self.http.clone(), cookie.to_owned());
        let task = tokio::spawn(async move {
            loop {
                let request = http.get(&url).header("cookie", &cookie).send().await;
                if let Ok(mut stream) = request
                    && stream.status() == 200
                {
                    let mut text = String::new();
                    while let Ok(Some(chunk)) = stream.chunk().await {
                        text.push_str(&String::from_utf8_lossy(&chunk));
                        while let Some((block, rest)) = text.split_once("\n\n") {
                            if let Some(state) = state(block) {
                                newest.send_replace(state);
                            }
                            text = rest.to_owned();
                        }
                    }
                }
                if newest.borrow()["status"]
                    .as_str()
                    .is_some_and(|it| it != "PENDING")
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Viewer { seen, task }
    }

    pub(crate) fn watcher(&self, cookie: &str) -> Watcher {
        Watcher {
            http: self.http.clone(),
            origin: self.origin.clone(),
            cookie: cookie.to_owned(),
        }
    }

    pub(crate) async fn try_import(&self, cookie: &str, name: &str, file: &str) -> Option<String> {
        let part = multipart::Part::bytes(file.as_bytes().to_vec()).file_name(name.to_owned());
        let response = self
            .http
            .post(format!("{}/imports", self.origin))
            .header("cookie", cookie)
            .header("accept", "application/json")
            .multipart(multipart::Form::new().part("file", part))
            .send()
            .await
            .ok()?;
        if response.status() != 201 {
            return None;
        }
        let answer: Value = response.json().await.ok()?;
        Some(answer["id"].as_str()?.to_owned())
    }

    /// Polls a job until it has ended.
    pub(crate) async fn until_over(&self, cookie: &str, job: &str) -> Value {
        let url = format!("{}/api/get_import?id={job}", self.origin);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.http.get(&url).header("cookie", cookie).send().await;
            if let Ok(answer) = answer
                && answer.status() == 200
            {
                let recorded: Value = answer.json().await.unwrap();
                if recorded["status"] != "PENDING" {
                    return recorded;
                }
            }
            assert!(Instant::now() < deadline, "{job} is not over");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns the metrics that must not grow.
    pub(crate) async fn figures(&mut self, member: Member) -> Figures {
        let text = self.metrics(member).await;
        Figures {
            viewers: figure(&text, "import_relay_viewers "),
            resident_bytes: figure(&text, "import_relay_resident_memory_bytes "),
            open_files: figure(&text, "import_relay_open_files "),
            tasks: figure(&text, "import_relay_tasks "),
        }
    }

    /// Returns the metrics without subscribers and idle connections, which the proxy keeps for a minute.
    pub(crate) async fn quiet_figures(&mut self, member: Member) -> Figures {
        let deadline = Instant::now() + PATIENCE;
        let (mut last, mut same) = (self.figures(member).await, 0);
        while (last.viewers > 0 || same < 15) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let figures = self.figures(member).await;
            let is_same = figures.open_files == last.open_files && figures.tasks == last.tasks;
            same = if is_same { same + 1 } else { 0 };
            last = figures;
        }
        last
    }

    pub(crate) async fn cancel(&self, cookie: &str, job: &str) -> bool {
        let request = self
            .http
            .post(format!("{}/api/cancel_import", self.origin))
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("id={job}"));
        let answer = request.send().await;
        answer.is_ok_and(|answer| answer.status().is_success() || answer.status().is_redirection())
    }

    /// Waits until every import has rows and none has ended.
    pub(crate) async fn until_underway(&self, viewers: &[(String, Viewer)]) {
        for (job, viewer) in viewers {
            let mut seen = viewer.seen.clone();
            let begun = seen.wait_for(|state| state["processedProducts"].as_u64() > Some(0));
            let begun = timeout(PATIENCE, begun).await;
            begun
                .unwrap_or_else(|_| panic!("{job} does not begin"))
                .unwrap();
        }
    }

    /// Returns the recorded job from any relay.
    pub(crate) async fn recorded(&self, cookie: &str, job: &str) -> Value {
        let url = format!("{}/api/get_import?id={job}", self.origin);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.http.get(&url).header("cookie", cookie).send().await;
            if let Ok(answer) = answer
                && answer.status() == 200
            {
                let recorded: Value = answer.json().await.unwrap();
                // Failed products are recorded right after the end.
                let skus = recorded["failedProductSkus"].as_array();
                if skus.is_some_and(|skus| !skus.is_empty()) {
                    return recorded;
                }
            }
            assert!(
                Instant::now() < deadline,
                "the failed rows of {job} are not recorded"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn products(&self) -> Value {
        let count = "SELECT CAST(count(*) AS TEXT) AS value FROM products";
        let count = value(&self.monitor_database, count).await;
        Value::from(count.parse::<u64>().unwrap())
    }
}

pub(crate) async fn worker_name(process: &mut Process) -> String {
    let line = process.log_line("This worker runs imports").await;
    let name = line.split('"').nth(1).expect("the worker's name");
    assert!(!name.is_empty());
    name.to_owned()
}

pub(crate) async fn holds_a_lease(database: &str, worker: &str) -> bool {
    let query = format!(
        "SELECT CAST(count(*) AS TEXT) AS value FROM monitor_leases \
         JOIN monitor_imports ON monitor_imports.id = import_id \
         WHERE worker = '{worker}' AND status = 'PENDING' \
         AND until > EXTRACT(EPOCH FROM clock_timestamp()) * 1000"
    );
    value(database, &query).await != "0"
}

/// Queries a single text, `value`.
async fn value(database: &str, query: &str) -> String {
    let database = Database::connect(database).await.unwrap();
    let statement = Statement::from_string(DbBackend::Postgres, query);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "value").unwrap()
}

fn figure(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.trim().parse().ok())
        .unwrap_or_else(|| panic!("{name} is not in\n{text}"))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.nginx.start_kill();
    }
}

fn state(block: &str) -> Option<Value> {
    if block.lines().any(|line| line.starts_with("event:")) {
        return None;
    }
    let data = block.lines().find_map(|line| line.strip_prefix("data: "))?;
    serde_json::from_str(data).ok()
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) viewers: u64,
    pub(crate) resident_bytes: u64,
    pub(crate) open_files: u64,
    pub(crate) tasks: u64,
}

/// A client that comes and goes.
#[derive(Clone)]
pub(crate) struct Watcher {
    http: Client,
    origin: String,
    cookie: String,
}

#[derive(Debug)]
pub(crate) enum Seen {
    /// Left before the end.
    Part,
    End(Value),
}

impl Watcher {
    /// Follows a job for a time, or to its end.
    pub(crate) async fn visit(&self, job: &str, patience: Duration) -> Seen {
        timeout(patience, self.watch_to_the_end(job))
            .await
            .map_or(Seen::Part, Seen::End)
    }

    async fn watch_to_the_end(&self, job: &str) -> Value {
        let url = format!("{}/api/jobs/{job}/progress", self.origin);
        loop {
            let request = self.http.get(&url).header("cookie", &self.cookie);
            if let Ok(mut stream) = request.send().await
                && stream.status() == 200
            {
                let mut text = String::new();
                while let Ok(Some(chunk)) = stream.chunk().await {
                    text.push_str(&String::from_utf8_lossy(&chunk));
                    while let Some((block, rest)) = text.split_once("\n\n") {
                        if let Some(state) = state(block)
                            && state["status"] != "PENDING"
                        {
                            return state;
                        }
                        text = rest.to_owned();
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

pub(crate) struct Viewer {
    seen: watch::Receiver<Value>,
    task: JoinHandle<()>,
}

impl Viewer {
    /// Waits for the end of the import. Returns the last state.
    pub(crate) async fn last(self) -> Value {
        timeout(PATIENCE, self.task)
            .await
            .unwrap_or_else(|_| panic!("no end is seen: {}", *self.seen.borrow()))
            .unwrap();
        self.seen.borrow().clone()
    }
}

async fn nginx(
    directory: &Directory,
    relays: &[Place],
    front: SocketAddr,
    workers: &[Place],
    back: SocketAddr,
) -> Child {
    let servers = |places: &[Place]| -> String {
        places
            .iter()
            .map(|place| format!("server {} max_fails=1 fail_timeout=1s;\n", place.address))
            .collect()
    };
    let site = include_str!("../../../deploy/nginx.conf")
        .replace(
            "server relay:3000 max_fails=1 fail_timeout=2s;",
            &servers(relays),
        )
        .replace("listen 80;", &format!("listen {front};"));
    let monitor = include_str!("../../../deploy/nginx-monitor.conf")
        .replace(
            "server monitor:4000 max_fails=1 fail_timeout=2s;",
            &servers(workers),
        )
        .replace("listen 4000;", &format!("listen {back};"));
    let path = directory.path();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", path.display()))
        .collect();
    let config = format!(
        "daemon off;\nmaster_process off;\npid {0}/nginx.pid;\nerror_log {0}/nginx.log;\n\
         events {{ worker_connections 16384; }}\n\
         http {{\naccess_log off;\n{temporary}\n{site}\n{monitor}\n}}\n",
        path.display()
    );
    let file = path.join("nginx.conf");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("nginx");
    command
        .env(
            "PATH",
            format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()),
        )
        .args(["-p", path.to_str().unwrap(), "-c", file.to_str().unwrap()])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let child = command.spawn().expect("nginx is installed");
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(front).is_err() {
        assert!(Instant::now() < deadline, "nginx does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}
