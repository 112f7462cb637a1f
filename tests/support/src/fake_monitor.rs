//! A fake price monitor with faults: REST and plain WebSocket.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::broadcast, time::Instant};

use crate::DEADLINE;

pub const KEY: &str = "the-secret-key";

#[derive(Clone)]
pub struct FakeMonitor {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    frames: broadcast::Sender<Frame>,
    joins: Mutex<Vec<String>>,
    leaves: Mutex<Vec<String>>,
    /// Numbers of sockets and of progress calls.
    tries: AtomicUsize,
    asked: AtomicUsize,
    rest: Mutex<HashMap<String, Answer>>,
    /// The answer to uploads, and the received idempotency keys.
    created: Mutex<Option<Answer>>,
    keys: Mutex<Vec<String>>,
    next_id: AtomicUsize,
    open: AtomicUsize,
    opened: AtomicUsize,
    refuse_sockets: AtomicBool,
    hangs_up_at_once: AtomicBool,
    reject_key: AtomicBool,
    changed_key: AtomicBool,
}

#[derive(Clone)]
enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Hangup,
}

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }
}

impl FakeMonitor {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            frames: broadcast::Sender::new(4096),
            joins: Mutex::default(),
            leaves: Mutex::default(),
            tries: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            rest: Mutex::default(),
            created: Mutex::default(),
            keys: Mutex::default(),
            next_id: AtomicUsize::new(1),
            open: AtomicUsize::new(0),
            opened: AtomicUsize::new(0),
            refuse_sockets: AtomicBool::new(false),
            hangs_up_at_once: AtomicBool::new(false),
            reject_key: AtomicBool::new(false),
            changed_key: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/", get(upgrade))
            .route("/api/products/imports", post(create))
            .route("/api/products/imports/{id}/progress", get(progress))
            .route("/api/products/imports/{id}/again", post(create))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// Returns the settings of an app that uses it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MONITOR_PRICE_APP_HOST", format!("ws://{}/", self.address)),
            ("PRICE_MONITOR_API_KEY", KEY.to_owned()),
            ("RELAY_POLL_INTERVAL", "100ms".to_owned()),
            ("RELAY_SETTLE_INTERVAL", "1s".to_owned()),
            ("RELAY_GRACE", "0s".to_owned()),
            // Rooms are for subscribers unless a test says otherwise.
            ("RELAY_UNWATCHED_JOBS", "0".to_owned()),
        ]
    }

    pub fn emit(&self, job: &str, data: Value) {
        let frame = json!({"event": format!("import-job-{job}"), "data": data});
        self.emit_raw(&frame.to_string());
    }

    pub fn emit_raw(&self, text: &str) {
        let _ = self.shared.frames.send(Frame::Text(text.to_owned()));
    }

    pub fn emit_bytes(&self, bytes: &[u8]) {
        let _ = self.shared.frames.send(Frame::Binary(bytes.to_vec()));
    }

    pub fn set_rest(&self, job: &str, data: Value) {
        self.set_answer(job, 200, data.to_string().as_bytes());
    }

    /// Sets any status and body.
    pub fn set_answer(&self, job: &str, status: u16, body: &[u8]) {
        let answer = Answer {
            status,
            headers: Vec::new(),
            body: body.to_vec(),
        };
        self.shared
            .rest
            .lock()
            .unwrap()
            .insert(job.to_owned(), answer);
    }

    pub fn set_created(&self, status: u16, body: &str, headers: &[(&'static str, &str)]) {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        *self.shared.created.lock().unwrap() = Some(Answer {
            status,
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
        });
    }

    pub fn keys(&self) -> Vec<String> {
        self.shared.keys.lock().unwrap().clone()
    }

    pub fn hang_up(&self) {
        let _ = self.shared.frames.send(Frame::Hangup);
    }

    pub fn hang_up_at_once(&self) {
        self.shared.hangs_up_at_once.store(true, Ordering::SeqCst);
    }

    pub fn refuse_sockets(&self, refuse: bool) {
        self.shared.refuse_sockets.store(refuse, Ordering::SeqCst);
    }

    pub fn reject_key(&self) {
        self.shared.reject_key.store(true, Ordering::SeqCst);
    }

    pub fn change_key(&self, changed: bool) {
        self.shared.changed_key.store(changed, Ordering::SeqCst);
    }

    pub fn tries(&self) -> usize {
        self.shared.tries.load(Ordering::SeqCst)
    }

    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    pub fn leaves(&self) -> Vec<String> {
        self.shared.leaves.lock().unwrap().clone()
    }

    pub fn open_sockets(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    pub fn sockets_ever(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }

    pub fn joins(&self) -> Vec<String> {
        self.shared.joins.lock().unwrap().clone()
    }

    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !condition(self) {
            assert!(Instant::now() < deadline, "in time: {what}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

fn has_key(shared: &Shared, headers: &HeaderMap) -> bool {
    let has_key = headers.get("x-api-key").is_some_and(|key| key == KEY);
    has_key && !shared.changed_key.load(Ordering::SeqCst)
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !has_key(&shared, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(key) = headers.get("idempotency-key") {
        let key = key.to_str().unwrap().to_owned();
        shared.keys.lock().unwrap().push(key);
    }
    if let Some(answer) = shared.created.lock().unwrap().clone() {
        return answer.into_response();
    }
    let id = shared.next_id.fetch_add(1, Ordering::SeqCst).to_string();
    (StatusCode::CREATED, Json(json!({"_id": id}))).into_response()
}

async fn progress(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    if !has_key(&shared, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = shared.rest.lock().unwrap().get(&id).cloned();
    match answer {
        Some(answer) => answer.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    shared.tries.fetch_add(1, Ordering::SeqCst);
    if !has_key(&shared, &headers) || shared.reject_key.load(Ordering::SeqCst) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if shared.refuse_sockets.load(Ordering::SeqCst) {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(move |socket| converse(shared, socket))
}

async fn converse(shared: Arc<Shared>, mut socket: WebSocket) {
    let mut frames = shared.frames.subscribe();
    shared.open.fetch_add(1, Ordering::SeqCst);
    shared.opened.fetch_add(1, Ordering::SeqCst);
    while !shared.hangs_up_at_once.load(Ordering::SeqCst) {
        tokio::select! {
            frame = frames.recv() => match frame {
                Ok(Frame::Text(text)) => {
                    if socket.send(Message::text(text)).await.is_err() {
                        break;
                    }
                }
                Ok(Frame::Binary(bytes)) => {
                    if socket.send(Message::binary(bytes)).await.is_err() {
                        break;
                    }
                }
                Ok(Frame::Hangup) | Err(_) => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    let job = frame["data"].as_str().unwrap().to_owned();
                    match frame["event"].as_str() {
                        Some("join-import-job") => shared.joins.lock().unwrap().push(job),
                        Some("leave-import-job") => shared.leaves.lock().unwrap().push(job),
                        _ => {}
                    }
                }
                Some(Ok(_)) => {}
                _ => break,
            },
        }
    }
    shared.open.fetch_sub(1, Ordering::SeqCst);
}
