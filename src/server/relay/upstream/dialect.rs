//! What is said on a socket to a price monitor: two dialects, one shape (pure).

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use super::{engine_io, socket_io};
use crate::{
    job::JobId,
    server::{
        config::{MonitorEndpoint, SocketProtocol},
        relay::report::Report,
    },
};

const JOIN: &str = "join-import-job";
const LEAVE: &str = "leave-import-job";
const EVENT_PREFIX: &str = "import-job-";
/// A plain WebSocket says nothing of its heartbeat: so long without a frame, even a pong, is dead.
const PLAIN_PATIENCE: Duration = Duration::from_secs(45);

/// One connection's side of the conversation.
#[derive(Debug)]
pub(super) enum Dialect {
    /// CONTRACT section 2.
    SocketIo(SocketIo),
    /// CONTRACT section 3.
    Plain,
}

/// What a frame of the price monitor means.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// We are in: rooms can be joined.
    Ready,
    /// A job has news.
    Report(JobId, Report),
    /// Send this back.
    Reply(String),
    /// We are not let in. The text is the service's own.
    Refused(String),
    /// The service ends the conversation.
    Ended,
}

/// The service does not speak the protocol.
#[derive(Debug, Error)]
pub(super) enum ProtocolError {
    /// A frame is no Engine.IO packet.
    #[error(transparent)]
    EngineIo(#[from] engine_io::PacketError),
    /// A frame is no Socket.IO packet.
    #[error(transparent)]
    SocketIo(#[from] socket_io::PacketError),
}

/// A Socket.IO conversation: what is remembered between two frames.
#[derive(Debug)]
pub(super) struct SocketIo {
    namespace: String,
    auth: SecretString,
    patience: Duration,
    max_payload: usize,
    /// Binary frames that are still to come for the last packet.
    attachments: usize,
    recovery: Recovery,
}

/// What a server needs to give back a lost session and the events missed meanwhile
/// (connection state recovery, Socket.IO 4.6).
#[derive(Clone, Debug, Default)]
pub(super) struct Recovery {
    pid: Option<String>,
    offset: Option<String>,
}

impl Dialect {
    /// Begins a conversation.
    pub(super) fn new(endpoint: &MonitorEndpoint, recovery: Recovery) -> Self {
        match endpoint.protocol {
            SocketProtocol::SocketIo => Self::SocketIo(SocketIo::new(endpoint, recovery)),
            SocketProtocol::WebSocket => Self::Plain,
        }
    }

    /// Returns the address to connect to, always `ws` or `wss`.
    pub(super) fn url(endpoint: &MonitorEndpoint) -> String {
        let url = &endpoint.url;
        match endpoint.protocol {
            SocketProtocol::WebSocket => websocket_scheme(url.as_str()),
            SocketProtocol::SocketIo => {
                let custom = url.query_pairs().find(|(name, _)| name == "path");
                let path = custom.map_or("/socket.io/".into(), |(_, path)| path);
                let origin = websocket_scheme(&url.origin().ascii_serialization());
                let (path, slash) = (path.trim_matches('/'), "/");
                format!("{origin}{slash}{path}{slash}?EIO=4&transport=websocket")
            }
        }
    }

    /// Returns whether rooms can be joined as soon as the socket is open.
    pub(super) fn is_ready_at_once(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Returns the silence after which the connection is dead.
    pub(super) fn patience(&self) -> Duration {
        match self {
            Self::SocketIo(session) => session.patience,
            Self::Plain => PLAIN_PATIENCE,
        }
    }

    /// Asks for a job's reports. `None` when the server does not take a frame of this size.
    pub(super) fn join(&self, job: &JobId) -> Option<String> {
        self.event(JOIN, job)
    }

    /// Gives them up. A service that does not know the event ignores it.
    pub(super) fn leave(&self, job: &JobId) -> Option<String> {
        self.event(LEAVE, job)
    }

    fn event(&self, name: &str, job: &JobId) -> Option<String> {
        match self {
            Self::Plain => Some(json!({"event": name, "data": job}).to_string()),
            Self::SocketIo(session) => {
                let payload = socket_io::event(&session.namespace, name, job.as_str());
                let packet = engine_io::message(&payload);
                (packet.len() <= session.max_payload).then_some(packet)
            }
        }
    }

    /// Takes a text frame in. One that means nothing to us gives `None`.
    pub(super) fn text(&mut self, text: &str) -> Result<Vec<Incoming>, ProtocolError> {
        match self {
            Self::SocketIo(session) => session.text(text),
            Self::Plain => Ok(plain(text).into_iter().collect()),
        }
    }

    /// Takes a binary frame in: an attachment of an event that is not for us.
    pub(super) fn binary(&mut self) {
        if let Self::SocketIo(session) = self {
            session.attachments = session.attachments.saturating_sub(1);
        }
    }

    /// Returns what the next conversation begins with.
    pub(super) fn into_recovery(self) -> Recovery {
        match self {
            Self::SocketIo(session) => session.recovery,
            Self::Plain => Recovery::default(),
        }
    }
}

impl SocketIo {
    fn new(endpoint: &MonitorEndpoint, recovery: Recovery) -> Self {
        let path = endpoint.url.path();
        Self {
            namespace: if path.is_empty() {
                "/".to_owned()
            } else {
                path.to_owned()
            },
            auth: endpoint.api_key.clone(),
            patience: PLAIN_PATIENCE,
            max_payload: usize::MAX,
            attachments: 0,
            recovery,
        }
    }

    fn text(&mut self, text: &str) -> Result<Vec<Incoming>, ProtocolError> {
        Ok(match engine_io::decode(text)? {
            engine_io::Packet::Open(handshake) => {
                self.patience = handshake.patience();
                self.max_payload = handshake.max_payload;
                let connect = socket_io::connect(&self.namespace, &self.auth());
                vec![Incoming::Reply(engine_io::message(&connect))]
            }
            engine_io::Packet::Ping => vec![Incoming::Reply(engine_io::PONG.to_owned())],
            engine_io::Packet::Close => vec![Incoming::Ended],
            engine_io::Packet::Message(payload) => self.message(payload)?,
            engine_io::Packet::Other => Vec::new(),
        })
    }

    fn auth(&self) -> Value {
        let mut auth = json!({"apiKey": self.auth.expose_secret()});
        if let (Some(pid), Some(offset)) = (&self.recovery.pid, &self.recovery.offset) {
            auth["pid"] = pid.as_str().into();
            auth["offset"] = offset.as_str().into();
        }
        auth
    }

    fn message(&mut self, payload: &str) -> Result<Vec<Incoming>, ProtocolError> {
        let packet = socket_io::decode(payload)?;
        if packet.namespace != self.namespace {
            return Ok(Vec::new());
        }
        Ok(match packet.kind {
            socket_io::PacketKind::Connect(details) => {
                self.recovery.pid = details["pid"].as_str().map(str::to_owned);
                vec![Incoming::Ready]
            }
            socket_io::PacketKind::ConnectError(details) => {
                let message = details["message"].as_str().unwrap_or("no reason given");
                vec![Incoming::Refused(message.chars().take(200).collect())]
            }
            socket_io::PacketKind::Disconnect => vec![Incoming::Ended],
            socket_io::PacketKind::Ack { attachments } => {
                self.attachments = attachments;
                Vec::new()
            }
            socket_io::PacketKind::Event {
                data,
                ack,
                attachments,
            } => {
                self.attachments = attachments;
                self.event(data, ack)
            }
        })
    }

    fn event(&mut self, data: Vec<Value>, ack: Option<u64>) -> Vec<Incoming> {
        // With recovery on, the server adds an offset behind the arguments of every event.
        if self.recovery.pid.is_some()
            && data.len() > 2
            && let Some(Value::String(offset)) = data.last()
        {
            self.recovery.offset = Some(offset.clone());
        }
        let reply =
            ack.map(|id| Incoming::Reply(engine_io::message(&socket_io::ack(&self.namespace, id))));
        let mut data = data.into_iter();
        let report = match (data.next(), data.next()) {
            (Some(Value::String(name)), Some(data)) => job_event(&name, data),
            _ => None,
        };
        report.into_iter().chain(reply).collect()
    }
}

/// Reads a frame of the plain dialect.
fn plain(text: &str) -> Option<Incoming> {
    #[derive(Deserialize)]
    struct Frame {
        event: String,
        #[serde(default)]
        data: Value,
    }
    let frame: Frame = serde_json::from_str(text).ok()?;
    job_event(&frame.event, frame.data)
}

fn job_event(name: &str, data: Value) -> Option<Incoming> {
    let job = name.strip_prefix(EVENT_PREFIX)?.parse().ok()?;
    Some(Incoming::Report(job, Report::from_value(data).ok()?))
}

fn websocket_scheme(http: &str) -> String {
    http.replacen("http", "ws", 1)
}

/// Returns the origin of a price monitor's REST calls.
pub(in crate::server::relay) fn rest_origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn endpoint(url: &str, protocol: SocketProtocol) -> MonitorEndpoint {
        MonitorEndpoint {
            url: url.parse().unwrap(),
            protocol,
            api_key: "k".into(),
        }
    }

    fn socket_io(url: &str) -> Dialect {
        Dialect::new(
            &endpoint(url, SocketProtocol::SocketIo),
            Recovery::default(),
        )
    }

    const OPEN: &str = r#"0{"sid":"a","pingInterval":300,"pingTimeout":200,"maxPayload":64}"#;

    #[test]
    fn the_address_names_transport_path_and_namespace() {
        for (url, expected) in [
            (
                "http://h:4000",
                "ws://h:4000/socket.io/?EIO=4&transport=websocket",
            ),
            (
                "https://h/admin",
                "wss://h/socket.io/?EIO=4&transport=websocket",
            ),
            (
                "https://h/?path=/live/io",
                "wss://h/live/io/?EIO=4&transport=websocket",
            ),
        ] {
            assert_eq!(
                Dialect::url(&endpoint(url, SocketProtocol::SocketIo)),
                expected
            );
        }
        let plain = endpoint("http://h/live?x=1", SocketProtocol::WebSocket);
        assert_eq!(Dialect::url(&plain), "ws://h/live?x=1");
    }

    #[test]
    fn a_socket_io_conversation_goes_from_open_to_ready() {
        let mut dialect = socket_io("http://h/admin");
        let reply = r#"40/admin,{"apiKey":"k"}"#.to_owned();
        assert_eq!(dialect.text(OPEN).unwrap(), [Incoming::Reply(reply)]);
        assert_eq!(dialect.patience(), Duration::from_millis(500));
        assert_eq!(
            dialect.text(r#"40/admin,{"sid":"b"}"#).unwrap(),
            [Incoming::Ready]
        );
        assert_eq!(
            dialect.text("2").unwrap(),
            [Incoming::Reply("3".to_owned())]
        );
        let job = "7".parse().unwrap();
        assert_eq!(
            dialect.join(&job).unwrap(),
            r#"42/admin,["join-import-job","7"]"#
        );
    }

    #[test]
    fn a_refusal_carries_the_service_s_message() {
        let mut dialect = socket_io("http://h");
        let refused = dialect.text(r#"44{"message":"Invalid API key"}"#).unwrap();
        assert_eq!(refused, [Incoming::Refused("Invalid API key".to_owned())]);
    }

    #[test]
    fn an_event_is_reported_and_acknowledged() {
        let mut dialect = socket_io("http://h");
        let incoming = dialect
            .text(r#"425["import-job-7",{"processedProducts":3}]"#)
            .unwrap();
        let report = Report {
            processed: 3,
            ..Report::default()
        };
        let reply = Incoming::Reply("435[]".to_owned());
        assert_eq!(
            incoming,
            [Incoming::Report("7".parse().unwrap(), report), reply]
        );
    }

    #[test]
    fn other_events_and_attachments_are_passed_over() {
        let mut dialect = socket_io("http://h");
        assert_eq!(dialect.text(r#"42["hello"]"#).unwrap(), []);
        assert_eq!(dialect.text(r#"42["import-job-a/b",{}]"#).unwrap(), []);
        let binary = r#"451-["import-file",{"_placeholder":true,"num":0}]"#;
        assert_eq!(dialect.text(binary).unwrap(), []);
        dialect.binary();
        assert_eq!(dialect.text(r#"42["import-job-7",{}]"#).unwrap().len(), 1);
    }

    #[test]
    fn a_lost_session_is_asked_for_by_pid_and_offset() {
        let mut dialect = socket_io("http://h");
        dialect.text(r#"40{"sid":"b","pid":"p1"}"#).unwrap();
        dialect.text(r#"42["import-job-7",{},"o9"]"#).unwrap();
        let recovery = dialect.into_recovery();
        let endpoint = endpoint("http://h", SocketProtocol::SocketIo);
        let mut dialect = Dialect::new(&endpoint, recovery);
        let reply = r#"40{"apiKey":"k","offset":"o9","pid":"p1"}"#.to_owned();
        assert_eq!(dialect.text(OPEN).unwrap(), [Incoming::Reply(reply)]);
    }

    #[test]
    fn a_frame_beyond_the_server_s_limit_is_not_sent() {
        let mut dialect = socket_io("http://h");
        dialect.text(OPEN).unwrap();
        assert_eq!(dialect.join(&"x".repeat(64).parse().unwrap()), None);
    }

    #[test]
    fn the_plain_dialect_reads_and_writes_the_contract_s_frames() {
        let mut dialect = Dialect::new(
            &endpoint("http://h", SocketProtocol::WebSocket),
            Recovery::default(),
        );
        let job: JobId = "7".parse().unwrap();
        let join: Value = serde_json::from_str(&dialect.join(&job).unwrap()).unwrap();
        assert_eq!(join, json!({"event": "join-import-job", "data": "7"}));
        let event = r#"{"event":"import-job-7","data":{"failedProducts":2}}"#;
        let report = Report {
            failed: 2,
            ..Report::default()
        };
        assert_eq!(
            dialect.text(event).unwrap(),
            [Incoming::Report(job, report)]
        );
        for noise in [
            "",
            "[]",
            "{",
            r#"{"event":"x"}"#,
            r#"{"event":"import-job-7","data":3}"#,
        ] {
            assert_eq!(dialect.text(noise).unwrap(), [], "{noise:?}");
        }
    }

    proptest! {
        #[test]
        fn what_the_plain_dialect_says_reads_back(
            job in "[a-zA-Z0-9_:~-]{1,128}",
            counts: [u32; 3],
            error: Option<String>,
        ) {
            let plain_endpoint = endpoint("http://h", SocketProtocol::WebSocket);
            let mut dialect = Dialect::new(&plain_endpoint, Recovery::default());
            let id: JobId = job.parse().unwrap();
            for (text, name) in [(dialect.join(&id), JOIN), (dialect.leave(&id), LEAVE)] {
                let frame: Value = serde_json::from_str(&text.unwrap()).unwrap();
                prop_assert_eq!(frame, json!({"event": name, "data": job}));
            }
            let data = json!({
                "processedProducts": counts[0],
                "failedProducts": counts[1],
                "totalProducts": counts[2],
                "error": error,
            });
            let frame = json!({"event": format!("import-job-{job}"), "data": data});
            let report = Report::from_value(data).unwrap();
            prop_assert_eq!(
                dialect.text(&frame.to_string()).unwrap(),
                [Incoming::Report(id, report)]
            );
        }

        #[test]
        fn no_text_makes_either_dialect_panic(texts: Vec<String>) {
            let mut dialect = socket_io("http://h");
            for text in texts {
                let _ = dialect.text(&text);
                let _ = plain(&text);
                dialect.binary();
            }
        }
    }
}
