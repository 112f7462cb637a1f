//! Minimal Socket.IO and WebSocket clients.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use test_support::DEADLINE;

use crate::support::monitor::Monitor;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn next_text(stream: &mut Stream) -> String {
    loop {
        let frame = timeout(DEADLINE, stream.next())
            .await
            .expect("a frame in time");
        if let Message::Text(text) = frame.expect("an open socket").unwrap() {
            return text.to_string();
        }
    }
}

/// Returns the next Engine.IO packet, answering pings.
async fn next_packet(stream: &mut Stream) -> String {
    loop {
        let packet = next_text(stream).await;
        if packet != "2" {
            return packet;
        }
        stream.send(Message::text("3")).await.unwrap();
    }
}

pub(crate) struct SocketIoClient(Stream);

impl SocketIoClient {
    /// The error is the content of `CONNECT_ERROR`.
    pub(crate) async fn connect(monitor: &Monitor, auth: &Value) -> Result<Self, Value> {
        let url = format!(
            "ws://{}/socket.io/?EIO=4&transport=websocket",
            monitor.address
        );
        let (mut stream, _) = connect_async(url).await.unwrap();
        assert!(
            next_packet(&mut stream).await.starts_with("0{"),
            "an Engine.IO open packet"
        );
        stream
            .send(Message::text(format!("40{auth}")))
            .await
            .unwrap();
        let answer = next_packet(&mut stream).await;
        match answer.split_at_checked(2) {
            Some(("40", _)) => Ok(Self(stream)),
            Some(("44", error)) => Err(serde_json::from_str(error).unwrap()),
            _ => panic!("no answer to CONNECT: {answer}"),
        }
    }

    pub(crate) async fn emit(&mut self, event: &str, data: &Value) {
        self.0
            .send(Message::text(format!("42{}", json!([event, data]))))
            .await
            .unwrap();
    }

    /// Returns a job's states up to the final one.
    pub(crate) async fn states(&mut self, id: &str) -> Vec<Value> {
        self.states_and_others(id).await.0
    }

    /// Returns a job's states up to the final one, and the names of all other events.
    pub(crate) async fn states_and_others(&mut self, id: &str) -> (Vec<Value>, Vec<String>) {
        let (mut states, mut others) = (Vec::new(), Vec::new());
        loop {
            let packet = next_packet(&mut self.0).await;
            let event = packet.strip_prefix("42").expect("an event");
            let (name, state): (String, Value) = serde_json::from_str(event).unwrap();
            if name != format!("import-job-{id}") {
                others.push(name);
                continue;
            }
            states.push(state);
            if states[states.len() - 1]["status"] != "PENDING" {
                return (states, others);
            }
        }
    }
}

pub(crate) struct PlainClient(Stream);

impl PlainClient {
    pub(crate) async fn connect(monitor: &Monitor, key: &str) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{}/", monitor.address)
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("X-API-Key", key.parse().unwrap());
        Ok(Self(connect_async(request).await?.0))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn emit(&mut self, event: &str, data: &Value) {
        self.send(&json!({ "event": event, "data": data }).to_string())
            .await;
    }

    /// Returns a job's states up to the final one.
    pub(crate) async fn states(&mut self, id: &str) -> Vec<Value> {
        let mut states = Vec::new();
        loop {
            let frame: Value = serde_json::from_str(&next_text(&mut self.0).await).unwrap();
            assert_eq!(frame["event"], format!("import-job-{id}"));
            states.push(frame["data"].clone());
            if states[states.len() - 1]["status"] != "PENDING" {
                return states;
            }
        }
    }
}
