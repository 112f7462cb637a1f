//! The scripted price monitor, the same for every server: Socket.IO 5 over Engine.IO 4, and the servers' REST calls.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{Failure, timeline::Timeline};

/// The key, which is not checked, to save time.
pub(crate) const KEY: &str = "bench";

const OPEN: &str =
    r#"0{"sid":"b","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const PING_INTERVAL: Duration = Duration::from_secs(25);

#[derive(Clone)]
pub(crate) struct Monitor {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    timeline: Timeline,
    jobs: AtomicUsize,
    sockets: AtomicUsize,
    rooms: Mutex<HashMap<String, Room>>,
    runtime: tokio::runtime::Handle,
}

#[derive(Default)]
struct Room {
    sockets: Vec<mpsc::UnboundedSender<Utf8Bytes>>,
    /// The bridge to nchan, which gets the bare data.
    bridge: Option<mpsc::UnboundedSender<String>>,
}

impl Monitor {
    /// Starts a thread.
    pub(crate) fn start(timeline: Timeline) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            timeline,
            jobs: AtomicUsize::new(1),
            sockets: AtomicUsize::new(0),
            rooms: Mutex::default(),
            runtime: runtime.handle().clone(),
        });
        let router = Router::new()
            .route("/socket.io/", get(upgrade))
            .route("/api/products/imports", post(create))
            .route("/api/products/imports/{id}/progress", get(progress))
            .with_state(shared.clone());
        std::thread::Builder::new()
            .name("price-monitor".to_owned())
            .spawn(move || runtime.block_on(async move { axum::serve(listener, router).await }))?;
        Ok(Self { address, shared })
    }

    pub(crate) fn create_job(&self) -> String {
        self.shared.create_job()
    }

    pub(crate) fn sockets(&self) -> usize {
        self.shared.sockets.load(Ordering::SeqCst)
    }

    pub(crate) fn listeners(&self, jobs: &[String]) -> usize {
        let rooms = self.shared.rooms();
        let heard = jobs.iter().filter_map(|job| rooms.get(job));
        heard
            .map(|room| room.sockets.len() + usize::from(room.bridge.is_some()))
            .sum()
    }

    /// Sends a job's data through a bridge of the load generator.
    pub(crate) fn bridge(&self, job: &str) -> mpsc::UnboundedReceiver<String> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared
            .rooms()
            .entry(job.to_owned())
            .or_default()
            .bridge = Some(sender);
        receiver
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.runtime.spawn(task);
    }

    /// Sends updates `1..=updates` of every job, `rate` per second, then the end. `index` numbers the jobs for the
    /// timeline.
    pub(crate) fn play(&self, jobs: &[String], rate: u32, updates: usize) {
        let shared = self.shared.clone();
        let jobs = jobs.to_owned();
        self.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
            for update in 1..=updates {
                ticks.tick().await;
                for (index, job) in jobs.iter().enumerate() {
                    shared.timeline.sent(index, update);
                    shared.emit(job, update, updates + 1);
                }
            }
        });
    }

    pub(crate) fn end(&self, jobs: &[String], updates: usize) {
        for job in jobs {
            self.shared.emit(job, updates + 1, updates + 1);
        }
    }
}

impl Shared {
    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create_job(&self) -> String {
        self.jobs.fetch_add(1, Ordering::SeqCst).to_string()
    }

    fn emit(&self, job: &str, processed: usize, total: usize) {
        let data = json!({
            "processedProducts": processed,
            "failedProducts": 0,
            "totalProducts": total,
        });
        let mut rooms = self.rooms();
        let Some(room) = rooms.get_mut(job) else {
            return;
        };
        if let Some(bridge) = &room.bridge {
            let _ = bridge.send(data.to_string());
        }
        let frame = Utf8Bytes::from(format!(r#"42["import-job-{job}",{data}]"#));
        room.sockets
            .retain(|socket| socket.send(frame.clone()).is_ok());
    }
}

async fn create(State(shared): State<Arc<Shared>>) -> (StatusCode, Json<Value>) {
    (
        StatusCode::CREATED,
        Json(json!({"id": shared.create_job()})),
    )
}

/// The socket reports everything in time.
async fn progress(Path(_): Path<String>) -> Json<Value> {
    Json(
        json!({"processedProducts": 0, "failedProducts": 0, "totalProducts": 0, "isCompleted": false}),
    )
}

async fn upgrade(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| async move {
        shared.sockets.fetch_add(1, Ordering::SeqCst);
        converse(&shared, socket).await;
        shared.sockets.fetch_sub(1, Ordering::SeqCst);
    })
}

async fn converse(shared: &Shared, mut socket: WebSocket) {
    let (sender, mut frames) = mpsc::unbounded_channel::<Utf8Bytes>();
    let mut pings =
        tokio::time::interval_at(tokio::time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
    let mut next = Some(Utf8Bytes::from_static(OPEN));
    loop {
        if let Some(frame) = next.take()
            && socket.send(Message::Text(frame)).await.is_err()
        {
            return;
        }
        tokio::select! {
            frame = frames.recv() => next = frame,
            _ = pings.tick() => next = Some(Utf8Bytes::from_static("2")),
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => next = shared.answer(&text, &sender),
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}

impl Shared {
    fn answer(&self, text: &str, sender: &mpsc::UnboundedSender<Utf8Bytes>) -> Option<Utf8Bytes> {
        if text.starts_with("40") {
            return Some(Utf8Bytes::from_static(r#"40{"sid":"b"}"#));
        }
        let (_, event) = text.split_once('[')?;
        let [name, job]: [String; 2] = serde_json::from_str(&format!("[{event}")).ok()?;
        if name == "join-import-job" {
            self.rooms()
                .entry(job)
                .or_default()
                .sockets
                .push(sender.clone());
        }
        None
    }
}
