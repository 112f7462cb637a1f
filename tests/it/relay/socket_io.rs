//! A scripted Socket.IO server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
    routing::get,
};
use tokio::{net::TcpListener, time::Instant};

use test_support::{DEADLINE, fake_monitor::KEY};

/// Answers a client frame with others; an empty one closes the socket.
type Script = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct SocketIo {
    pub(crate) address: SocketAddr,
    script: Script,
    heard: Arc<Mutex<Vec<String>>>,
}

impl SocketIo {
    /// `script` is called with `open` first.
    pub(crate) async fn start(
        script: impl Fn(&str) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            script: Arc::new(script),
            heard: Arc::default(),
        };
        let created = || async { r#"{"id":"1"}"# };
        let router = Router::new()
            .route("/socket.io/", get(upgrade))
            .route("/api/products/imports", axum::routing::post(created))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub(crate) fn settings(&self, path: &str) -> Vec<(&'static str, String)> {
        vec![
            (
                "MONITOR_PRICE_APP_HOST",
                format!("http://{}{path}", self.address),
            ),
            ("PRICE_MONITOR_API_KEY", KEY.to_owned()),
            ("RELAY_POLL_INTERVAL", "100ms".to_owned()),
            ("RELAY_UNWATCHED_JOBS", "0".to_owned()),
        ]
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) async fn until_heard(&self, begin: &str, count: usize) {
        let deadline = Instant::now() + DEADLINE;
        while self
            .heard()
            .iter()
            .filter(|frame| frame.starts_with(begin))
            .count()
            < count
        {
            assert!(Instant::now() < deadline, "{begin} in {:?}", self.heard());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

async fn upgrade(State(server): State<SocketIo>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| converse(server, socket))
}

async fn converse(server: SocketIo, mut socket: WebSocket) {
    let mut frame = "open".to_owned();
    loop {
        for answer in (server.script)(&frame) {
            if answer.is_empty() || socket.send(Message::text(answer)).await.is_err() {
                return;
            }
        }
        let Some(Ok(message)) = socket.recv().await else {
            return;
        };
        if let Message::Text(text) = message {
            frame = text.to_string();
            server.heard.lock().unwrap().push(frame.clone());
        }
    }
}
