//! The conversation on a socket: Socket.IO or plain WebSocket.

use std::{borrow::Cow, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json, value::RawValue};
use thiserror::Error;
use url::Url;

use crate::{
    engine_io,
    json::{self, clean},
    report::Reading,
    socket_io,
};

/// Event that follows a job.
pub const JOIN: &str = "join-import-job";
/// Event that no longer follows it.
pub const LEAVE: &str = "leave-import-job";
/// Name of the event with a job's progress, before the job's ID.
pub const EVENT_PREFIX: &str = "import-job-";
/// Idle timeout of a plain WebSocket, which announces none.
const PLAIN_IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// Maximum lengths of a refusal, an ID and an offset.
const MAX_WORDS: usize = 200;
const MAX_ID: usize = 128;
const MAX_OFFSET: usize = 200;
/// Error message of Socket.IO servers for an unknown namespace.
const INVALID_NAMESPACE: &str = "invalid namespace";

/// A price monitor's URL and key.
#[derive(Clone, Debug)]
pub struct Service {
    /// The URL. Its path is the Socket.IO namespace, or that of the plain WebSocket.
    pub url: Url,
    /// The protocol of its socket.
    pub protocol: Protocol,
    /// The API key.
    pub api_key: SecretString,
}

/// The protocol of a socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// Socket.IO 5 over Engine.IO 4.
    SocketIo,
    /// JSON in text frames.
    WebSocket,
}

/// State of a connection's conversation.
#[derive(Debug)]
pub enum Dialect {
    /// Socket.IO.
    SocketIo(SocketIo),
    /// A plain WebSocket.
    Plain,
}

/// A parsed frame.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// Jobs can be joined.
    Ready,
    /// A progress report.
    Report {
        /// The job's ID, from the event's name.
        job: String,
        /// The report.
        reading: Reading,
    },
    /// A frame to send back.
    Reply(String),
    /// The key was rejected; with the service's message.
    Refused(String),
    /// The connection was rejected for another reason; with the service's message.
    Rejected(String),
    /// The namespace does not exist; the main one is requested instead.
    UnknownNamespace(String),
    /// The service speaks Socket.IO 2 or older.
    Outdated,
    /// An unreadable message.
    Skipped(Skipped),
    /// The service closed the conversation.
    Ended,
}

/// An unreadable message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// The job that it seems to belong to.
    pub job: Option<String>,
    /// The error.
    pub reason: String,
}

/// The service does not speak the protocol.
#[derive(Debug, Error)]
pub enum ProtocolError {
    /// The first frame is not a valid handshake.
    #[error(transparent)]
    Handshake(#[from] engine_io::PacketError),
}

/// State of a Socket.IO conversation.
#[derive(Debug)]
pub struct SocketIo {
    namespace: String,
    auth: SecretString,
    is_open: bool,
    idle_timeout: Duration,
    max_payload: usize,
    /// Whether the server announced `maxPayload`, like Engine.IO 4 servers.
    says_max_payload: bool,
    recovery: Recovery,
}

/// Session ID and offset for connection state recovery (Socket.IO 4.6).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovery {
    pid: Option<String>,
    offset: Option<String>,
}

impl Dialect {
    /// Starts a conversation.
    #[must_use]
    pub fn new(service: &Service, recovery: Recovery) -> Self {
        match service.protocol {
            Protocol::SocketIo => Self::SocketIo(SocketIo::new(service, recovery)),
            Protocol::WebSocket => Self::Plain,
        }
    }

    /// Returns the URL to connect to, with the scheme `ws` or `wss`.
    #[must_use]
    pub fn url(service: &Service) -> String {
        let url = &service.url;
        match service.protocol {
            Protocol::WebSocket => websocket_scheme(url.as_str()),
            Protocol::SocketIo => {
                let custom = url.query_pairs().find(|(name, _)| name == "path");
                let path = custom.map_or("/socket.io/".into(), |(_, path)| path);
                let origin = websocket_scheme(&url.origin().ascii_serialization());
                let (path, slash) = (path.trim_matches('/'), "/");
                format!("{origin}{slash}{path}{slash}?EIO=4&transport=websocket")
            }
        }
    }

    /// Returns whether jobs can be joined before the first frame.
    #[must_use]
    pub fn is_ready_at_once(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Returns the idle timeout.
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        match self {
            Self::SocketIo(session) => session.idle_timeout,
            Self::Plain => PLAIN_IDLE_TIMEOUT,
        }
    }

    /// Encodes a request to join a job, or `None` if it exceeds the server's `maxPayload`.
    #[must_use]
    pub fn join(&self, job: &str) -> Option<String> {
        self.event(JOIN, job)
    }

    /// Encodes a request to leave a job. Services may ignore it.
    #[must_use]
    pub fn leave(&self, job: &str) -> Option<String> {
        self.event(LEAVE, job)
    }

    fn event(&self, name: &str, job: &str) -> Option<String> {
        match self {
            Self::Plain => Some(json!({"event": name, "data": job}).to_string()),
            Self::SocketIo(session) => {
                let payload = socket_io::event(&session.namespace, name, job);
                let packet = engine_io::message(&payload);
                (packet.len() <= session.max_payload).then_some(packet)
            }
        }
    }

    /// Parses a text frame. Returns nothing for an irrelevant frame, and [`Incoming::Skipped`] for an unreadable one.
    ///
    /// # Errors
    ///
    /// If the first frame is not a valid handshake.
    pub fn text(&mut self, text: &str) -> Result<Vec<Incoming>, ProtocolError> {
        match self {
            Self::SocketIo(session) => session.text(text),
            Self::Plain => Ok(plain(text).into_iter().collect()),
        }
    }

    /// Parses a binary frame: JSON on a plain WebSocket, an ignored attachment on Socket.IO.
    pub fn binary(&mut self, bytes: &[u8]) -> Vec<Incoming> {
        match self {
            Self::SocketIo(_) => Vec::new(),
            Self::Plain => plain(&json::text(bytes)).into_iter().collect(),
        }
    }

    /// Returns the state for recovering the session in the next conversation.
    #[must_use]
    pub fn into_recovery(self) -> Recovery {
        match self {
            Self::SocketIo(session) => session.recovery,
            Self::Plain => Recovery::default(),
        }
    }
}

impl SocketIo {
    fn new(service: &Service, recovery: Recovery) -> Self {
        let path = service.url.path().trim_end_matches('/');
        let namespace = if path.is_empty() { "/" } else { path };
        Self {
            namespace: namespace.to_owned(),
            auth: service.api_key.clone(),
            is_open: false,
            idle_timeout: PLAIN_IDLE_TIMEOUT,
            max_payload: usize::MAX,
            says_max_payload: false,
            recovery,
        }
    }

    fn text(&mut self, text: &str) -> Result<Vec<Incoming>, ProtocolError> {
        Ok(match engine_io::decode(text) {
            Ok(engine_io::Packet::Open(handshake)) => {
                self.is_open = true;
                self.idle_timeout = handshake.idle_timeout();
                self.max_payload = handshake.max_payload();
                self.says_max_payload = handshake.max_payload.is_some();
                vec![self.connect()]
            }
            Ok(engine_io::Packet::Ping) => vec![Incoming::Reply(engine_io::PONG.to_owned())],
            Ok(engine_io::Packet::Close) => vec![Incoming::Ended],
            Ok(engine_io::Packet::Message(payload)) => self.message(payload),
            Ok(engine_io::Packet::Other) => Vec::new(),
            Err(error) if self.is_open => vec![skipped(text, &error)],
            Err(error) => return Err(error.into()),
        })
    }

    fn connect(&self) -> Incoming {
        let connect = socket_io::connect(&self.namespace, &self.auth());
        Incoming::Reply(engine_io::message(&connect))
    }

    fn auth(&self) -> Value {
        let mut auth = json!({"apiKey": self.auth.expose_secret()});
        if let (Some(pid), Some(offset)) = (&self.recovery.pid, &self.recovery.offset) {
            auth["pid"] = pid.as_str().into();
            auth["offset"] = offset.as_str().into();
        }
        auth
    }

    fn message(&mut self, payload: &str) -> Vec<Incoming> {
        let payload = json::repair(payload);
        let packet = match socket_io::decode(&payload) {
            Ok(packet) => packet,
            Err(error) => return vec![skipped(&payload, &error)],
        };
        // Servers since version 3 name the session and refuse with an object. Older ones open or refuse the main
        // namespace unasked.
        let is_outdated = match &packet.kind {
            socket_io::PacketKind::Connect(details) => !details["sid"].is_string(),
            socket_io::PacketKind::ConnectError(details) => {
                details.is_string() && !self.says_max_payload
            }
            _ => false,
        };
        if is_outdated {
            return vec![Incoming::Outdated];
        }
        if packet.namespace != self.namespace {
            return Vec::new();
        }
        match packet.kind {
            socket_io::PacketKind::Connect(details) => {
                let pid = details["pid"]
                    .as_str()
                    .filter(|pid| pid.len() <= MAX_OFFSET);
                self.recovery.pid = pid.map(str::to_owned);
                vec![Incoming::Ready]
            }
            socket_io::PacketKind::ConnectError(details) => self.refused(&details),
            socket_io::PacketKind::Disconnect => vec![Incoming::Ended],
            socket_io::PacketKind::Ack => Vec::new(),
            socket_io::PacketKind::Event { data, ack } => self.event(&data, ack),
        }
    }

    fn refused(&mut self, details: &Value) -> Vec<Incoming> {
        let words = details.as_str().or_else(|| details["message"].as_str());
        let words = clean(words.unwrap_or("no reason given"), MAX_WORDS);
        if words.eq_ignore_ascii_case(INVALID_NAMESPACE) && self.namespace != "/" {
            let unknown = std::mem::replace(&mut self.namespace, "/".to_owned());
            self.recovery = Recovery::default();
            return vec![Incoming::UnknownNamespace(unknown), self.connect()];
        }
        let code = &details["data"];
        let code = [code, &code["status"], &code["code"]];
        let is_unauthorized = code.iter().any(|code| **code == json!(401));
        vec![if is_unauthorized || is_about_the_key(&words) {
            Incoming::Refused(words)
        } else {
            Incoming::Rejected(words)
        }]
    }

    fn event(&mut self, data: &json::Ends<'_>, ack: Option<&str>) -> Vec<Incoming> {
        // With recovery enabled, the server appends an offset to the arguments of every event.
        if self.recovery.pid.is_some()
            && data.len > 2
            && let Some(offset) = socket_io::text_of(data.last)
            && offset.len() <= MAX_OFFSET
        {
            self.recovery.offset = Some(offset);
        }
        let reply =
            ack.map(|id| Incoming::Reply(engine_io::message(&socket_io::ack(&self.namespace, id))));
        let name = socket_io::text_of(data.first);
        let report = name.and_then(|name| job_event(&name, data.second));
        report.into_iter().chain(reply).collect()
    }
}

fn is_about_the_key(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    [
        "unauthori",
        "not authori",
        "unauthenticated",
        "not authenticated",
        "authentication",
        "forbidden",
        "api key",
        "api-key",
        "api_key",
        "apikey",
        "invalid key",
        "wrong key",
        "credentials",
        "401",
    ]
    .iter()
    .any(|sign| words.contains(sign))
}

fn plain(text: &str) -> Option<Incoming> {
    let text = json::repair(text);
    let (mut event, mut data) = (None, None);
    let fields = json::for_each_field(text.trim(), |name, value| match &*name {
        "event" => event = Some(value),
        "data" => data = Some(value),
        _ => {}
    });
    match fields {
        Ok(()) => job_event(&socket_io::text_of(event)?, data),
        // Other JSON belongs to another protocol.
        Err(_) if json::is_json(&text) => None,
        Err(error) => Some(skipped(&text, &error)),
    }
}

fn job_event(name: &str, data: Option<&RawValue>) -> Option<Incoming> {
    let job = name.strip_prefix(EVENT_PREFIX)?;
    if job.len() > MAX_ID {
        return None;
    }
    let job = job.to_owned();
    let data = data.map_or("null", RawValue::get);
    Some(match Reading::from_repaired(data) {
        Ok(reading) => Incoming::Report { job, reading },
        Err(error) => Incoming::Skipped(Skipped {
            job: Some(job),
            reason: error.to_string(),
        }),
    })
}

fn skipped(text: &str, error: &dyn std::error::Error) -> Incoming {
    Incoming::Skipped(Skipped {
        job: job_in(text).map(Cow::into_owned),
        reason: error.to_string(),
    })
}

/// Finds the job that an unreadable message seems to belong to.
fn job_in(text: &str) -> Option<Cow<'_, str>> {
    let (_, rest) = text.split_once(&format!("\"{EVENT_PREFIX}"))?;
    let (job, _) = rest.split_once('"')?;
    (job.len() <= MAX_ID && !job.is_empty()).then(|| clean(job, MAX_ID).into())
}

fn websocket_scheme(http: &str) -> String {
    http.replacen("http", "ws", 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::Report;

    fn service(url: &str, protocol: Protocol) -> Service {
        Service {
            url: url.parse().unwrap(),
            protocol,
            api_key: "k".into(),
        }
    }

    fn socket_io(url: &str) -> Dialect {
        Dialect::new(&service(url, Protocol::SocketIo), Recovery::default())
    }

    fn plain_dialect() -> Dialect {
        Dialect::new(
            &service("http://h", Protocol::WebSocket),
            Recovery::default(),
        )
    }

    /// Returns job and processed count of the first frame, if it is a report.
    fn counts(incoming: &[Incoming]) -> Option<(String, u64)> {
        match incoming {
            [Incoming::Report { job, reading }, ..] => {
                Some((job.clone(), reading.report.processed))
            }
            _ => None,
        }
    }

    fn is_skipped(incoming: &[Incoming], about: Option<&str>) -> bool {
        matches!(incoming, [Incoming::Skipped(skipped)] if skipped.job.as_deref() == about)
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
            assert_eq!(Dialect::url(&service(url, Protocol::SocketIo)), expected);
        }
        let plain = service("http://h/live?x=1", Protocol::WebSocket);
        assert_eq!(Dialect::url(&plain), "ws://h/live?x=1");
    }

    #[test]
    fn a_socket_io_conversation_goes_from_open_to_ready() {
        // A trailing slash is not part of the namespace.
        for url in ["http://h/admin", "http://h/admin/", "http://h/admin//"] {
            let mut dialect = socket_io(url);
            let reply = r#"40/admin,{"apiKey":"k"}"#.to_owned();
            assert_eq!(dialect.text(OPEN).unwrap(), [Incoming::Reply(reply)]);
            assert_eq!(dialect.idle_timeout(), Duration::from_millis(500));
            assert_eq!(
                dialect.text(r#"40/admin,{"sid":"b"}"#).unwrap(),
                [Incoming::Ready]
            );
            assert_eq!(
                dialect.text("2").unwrap(),
                [Incoming::Reply("3".to_owned())]
            );
            assert_eq!(
                dialect.join("7").unwrap(),
                r#"42/admin,["join-import-job","7"]"#
            );
        }
    }

    #[test]
    fn a_namespace_that_is_unknown_is_named_and_the_main_one_asked_for() {
        let mut dialect = socket_io("http://h/api/v1");
        dialect.text(OPEN).unwrap();
        let said = dialect
            .text(r#"44/api/v1,{"message":"Invalid namespace"}"#)
            .unwrap();
        let reply = Incoming::Reply(r#"40{"apiKey":"k"}"#.to_owned());
        assert_eq!(
            said,
            [Incoming::UnknownNamespace("/api/v1".to_owned()), reply]
        );
        assert_eq!(dialect.text(r#"40{"sid":"b"}"#).unwrap(), [Incoming::Ready]);
        assert_eq!(dialect.join("7").unwrap(), r#"42["join-import-job","7"]"#);
    }

    #[test]
    fn only_a_refusal_that_speaks_of_the_key_is_one() {
        for words in [
            "Invalid API key",
            "unauthorized",
            "Not authorised",
            "Forbidden",
            "Authentication error",
            "HTTP 401",
        ] {
            let mut dialect = socket_io("http://h");
            let refused = dialect
                .text(&format!(r#"44{{"message":"{words}"}}"#))
                .unwrap();
            assert_eq!(refused, [Incoming::Refused(words.to_owned())]);
        }
        for words in [
            "Database connection lost, try again",
            "too many clients",
            "rate limited",
        ] {
            let mut dialect = socket_io("http://h");
            let refused = dialect
                .text(&format!(r#"44{{"message":"{words}"}}"#))
                .unwrap();
            assert_eq!(refused, [Incoming::Rejected(words.to_owned())]);
        }
        let with_data = r#"44{"message":"no","data":{"status":401}}"#;
        let refused = socket_io("http://h").text(with_data).unwrap();
        assert_eq!(refused, [Incoming::Refused("no".to_owned())]);
        let of_another = socket_io("http://h").text(r#"44/x,{"message":"unauthorized"}"#);
        assert_eq!(of_another.unwrap(), []);
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
        let reading = Reading {
            report,
            is_known: true,
            shows_import: true,
            ..Reading::default()
        };
        let reply = Incoming::Reply("435[]".to_owned());
        let job = "7".to_owned();
        assert_eq!(incoming, [Incoming::Report { job, reading }, reply]);
    }

    #[test]
    fn other_events_and_attachments_are_passed_over() {
        let mut dialect = socket_io("http://h");
        dialect.text(OPEN).unwrap();
        let deep = format!(
            r#"42["tree",{}1{}]"#,
            r#"{"o":"#.repeat(200),
            "}".repeat(200)
        );
        for other in [
            r#"42["hello"]"#,
            "42[]",
            "42[3]",
            r#"42/other,["import-job-7",{}]"#,
            r#"451-["import-file",{"_placeholder":true,"num":0}]"#,
            r#"451001-["thumbs",[]]"#,
            r#"42["chat","\ud83d"]"#,
            r#"42["chat",{"\udc00":1}]"#,
            &format!(r#"42["x",{}]"#, "9".repeat(400)),
            &deep,
            "6",
        ] {
            assert_eq!(dialect.text(other).unwrap(), [], "{other}");
        }
        assert_eq!(dialect.binary(b"x"), []);
        let read = dialect
            .text(r#"42["import-job-7",{"processedProducts":3}]"#)
            .unwrap();
        assert_eq!(counts(&read), Some(("7".to_owned(), 3)));
    }

    #[test]
    fn what_cannot_be_read_is_skipped_and_named() {
        let mut dialect = socket_io("http://h");
        dialect.text(OPEN).unwrap();
        for (frame, about) in [
            ("47{}", None),
            ("9", None),
            ("", None),
            ("42[", None),
            ("0{}", None),
            (r#"42["import-job-7",{"processedProducts":"#, Some("7")),
            (r#"42["import-job-7",3]"#, Some("7")),
            (r#"42["import-job-7"]"#, Some("7")),
            (r#"45x-["import-job-7",{}]"#, Some("7")),
        ] {
            let read = dialect.text(frame).unwrap();
            assert!(is_skipped(&read, about), "{frame}: {read:?}");
        }
        let mut plain = plain_dialect();
        assert!(is_skipped(&plain.text("").unwrap(), None));
        let cut = r#"{"event":"import-job-7","data":{"#;
        assert!(is_skipped(&plain.text(cut).unwrap(), Some("7")));
        assert!(is_skipped(&plain.binary(b"\x00\xff"), None));
    }

    #[test]
    fn a_report_may_hold_what_serde_does_not_read() {
        let fields = r#"{"x":"\ud83d","processedProducts":3}"#;
        let expected = Some(("7".to_owned(), 3));
        let event = format!(r#"42["import-job-7",{fields},"more",{{}}]"#);
        assert_eq!(
            counts(&socket_io("http://h").text(&event).unwrap()),
            expected
        );
        let frame = format!(r#"{{"event":"import-job-7","data":{fields}}}"#);
        assert_eq!(counts(&plain_dialect().text(&frame).unwrap()), expected);
        assert_eq!(counts(&plain_dialect().binary(frame.as_bytes())), expected);
    }

    #[test]
    fn a_connection_that_does_not_begin_with_a_handshake_is_an_error() {
        for bad in ["", "x", "0{}", "<html>"] {
            assert!(socket_io("http://h").text(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_old_server_is_known_by_a_session_without_a_name() {
        let mut dialect = socket_io("http://h/admin");
        let old = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
        dialect.text(old).unwrap();
        assert_eq!(dialect.text("40").unwrap(), [Incoming::Outdated]);
    }

    #[test]
    fn an_old_server_that_refuses_the_key_is_known_by_words_alone() {
        // From Socket.IO 2.5, unasked, with a middleware that expects the key in the URL.
        let old = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
        for address in ["http://h", "http://h/admin"] {
            let mut dialect = socket_io(address);
            dialect.text(old).unwrap();
            let read = dialect.text(r#"44"Unauthorized""#).unwrap();
            assert_eq!(read, [Incoming::Outdated], "{address}");
        }
        // From python-socketio, for an unknown namespace.
        let mut dialect = socket_io("http://h");
        dialect.text(OPEN).unwrap();
        let read = dialect.text(r#"44"Unable to connect""#).unwrap();
        assert_eq!(read, [Incoming::Rejected("Unable to connect".to_owned())]);
    }

    #[test]
    fn a_lost_session_is_asked_for_by_pid_and_offset() {
        let mut dialect = socket_io("http://h");
        dialect.text(r#"40{"sid":"b","pid":"p1"}"#).unwrap();
        dialect.text(r#"42["import-job-7",{},"o8"]"#).unwrap();
        // The offset of a skipped event counts too.
        let deep = format!(r#"42["x",{}{},"o9"]"#, "[".repeat(300), "]".repeat(300));
        assert_eq!(dialect.text(&deep).unwrap(), []);
        let recovery = dialect.into_recovery();
        let mut dialect = Dialect::new(&service("http://h", Protocol::SocketIo), recovery);
        let reply = r#"40{"apiKey":"k","offset":"o9","pid":"p1"}"#.to_owned();
        assert_eq!(dialect.text(OPEN).unwrap(), [Incoming::Reply(reply)]);
    }

    #[test]
    fn a_frame_beyond_the_server_s_limit_is_not_sent() {
        let mut dialect = socket_io("http://h");
        dialect.text(OPEN).unwrap();
        assert_eq!(dialect.join(&"x".repeat(64)), None);
    }

    #[test]
    fn the_plain_dialect_reads_and_writes_the_contract_s_frames() {
        let mut dialect = plain_dialect();
        let join: Value = serde_json::from_str(&dialect.join("7").unwrap()).unwrap();
        assert_eq!(join, json!({"event": "join-import-job", "data": "7"}));
        let event = r#"{"event":"import-job-7","data":{"processedProducts":2}}"#;
        assert_eq!(
            counts(&dialect.text(event).unwrap()),
            Some(("7".to_owned(), 2))
        );
        for noise in ["[]", "3", r#"{"event":"x"}"#, r#"{"data":{}}"#, "{}"] {
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
            let mut dialect = plain_dialect();
            for (text, name) in [(dialect.join(&job), JOIN), (dialect.leave(&job), LEAVE)] {
                let frame: Value = serde_json::from_str(&text.unwrap()).unwrap();
                prop_assert_eq!(frame, json!({"event": name, "data": job}));
            }
            let data = json!({
                "processedProducts": counts[0],
                "failedProducts": counts[1],
                "totalProducts": counts[2],
                "error": error,
            });
            let reading = Reading::from_slice(data.to_string().as_bytes()).unwrap();
            let frame = json!({"event": format!("import-job-{job}"), "data": data});
            prop_assert_eq!(
                dialect.text(&frame.to_string()).unwrap(),
                [Incoming::Report { job, reading }]
            );
        }

        #[test]
        fn no_frame_costs_an_open_connection(frames: Vec<String>) {
            let mut dialect = socket_io("http://h");
            dialect.text(OPEN).unwrap();
            for frame in frames {
                prop_assert!(dialect.text(&frame).is_ok());
                let event = format!("42{frame}");
                prop_assert!(dialect.text(&event).is_ok());
                let report = format!(r#"42["import-job-7",{frame}]"#);
                prop_assert!(dialect.text(&report).is_ok());
                let _ = plain(&frame);
                dialect.binary(frame.as_bytes());
            }
        }
    }
}
