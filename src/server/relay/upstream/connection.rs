//! One WebSocket to the price monitor: the thin driver of a dialect.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use price_monitor_wire::{Dialect, Incoming, ProtocolError, Recovery, Service};
use secrecy::ExposeSecret;
use thiserror::Error;
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{self, HeaderValue, StatusCode},
        protocol::WebSocketConfig,
    },
};

use url::Url;

use super::dial::dial;
use crate::{model::job::JobId, server::http_client::schemes};

/// How long the connection may take, with the WebSocket's handshake; and then as long again until
/// rooms can be joined.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one frame may take to go out.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a plain WebSocket is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug, Error)]
pub(in crate::server::relay) enum ConnectionError {
    /// The key was not accepted. The text is the service's own.
    #[error("refused: {0}")]
    Refused(String),
    /// The host, or the proxy on the way to it, cannot be reached.
    #[error("{0}")]
    Dial(Box<dyn std::error::Error + Send + Sync>),
    /// The service does not let us in, for a reason that is not the key. The text is its own.
    #[error("not let in: {0}")]
    Rejected(String),
    /// The service speaks a version of Socket.IO that is too old.
    #[error("the price monitor speaks Socket.IO 2 or older; version 3 or later is needed")]
    Outdated,
    /// The connection broke, or the service does not take it.
    #[error("{0}")]
    Socket(#[from] Box<tungstenite::Error>),
    /// The service does not speak the protocol.
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
    /// The service said nothing for longer than it may.
    #[error("silent for too long")]
    Silent,
    /// The service is there, and does not let us in.
    #[error("not let in in time")]
    NotReady,
    /// The service ended the connection.
    #[error("closed by the price monitor")]
    Closed,
    /// The address cannot be connected to.
    #[error("the address cannot be used")]
    Address,
}

impl From<tungstenite::Error> for ConnectionError {
    fn from(error: tungstenite::Error) -> Self {
        match &error {
            tungstenite::Error::Http(response) if response.status() == StatusCode::UNAUTHORIZED => {
                Self::Refused(refusal(response))
            }
            _ => Self::Socket(Box::new(error)),
        }
    }
}

/// Returns the status of a refusal, and the schemes by which a key would be taken.
fn refusal(response: &http::Response<Option<Vec<u8>>>) -> String {
    let schemes = schemes(response.headers());
    let status = response.status();
    match schemes.is_empty() {
        true => status.to_string(),
        false => format!("{status}, WWW-Authenticate asks for {schemes}"),
    }
}

impl ConnectionError {
    /// Returns whether what the other side sent could not be taken. A session that is resumed would
    /// bring the same again.
    pub(in crate::server::relay) fn forbids_resuming(&self) -> bool {
        match self {
            Self::Protocol(_) => true,
            Self::Socket(error) => match &**error {
                tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_) => true,
                // A connection that just broke is what sessions are resumed for.
                tungstenite::Error::Protocol(error) => {
                    *error != tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
                }
                _ => false,
            },
            _ => false,
        }
    }
}

/// An open socket and what is being said on it.
pub(in crate::server::relay) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    dialect: Dialect,
    is_ready: bool,
    /// When it has to be ready.
    ready_by: Instant,
    pending: VecDeque<Incoming>,
    /// By when what was handed to the socket has to be out, where it is not.
    flush_by: Option<Instant>,
    last_heard: Instant,
    next_ping: Instant,
}

impl Connection {
    /// Connects. The key goes as a header too, as the plain dialect wants it.
    pub(in crate::server::relay) async fn open(
        service: &Service,
        recovery: Recovery,
        max_message: usize,
    ) -> Result<Self, ConnectionError> {
        let address = Dialect::url(service);
        let mut request = address.as_str().into_client_request()?;
        let address = Url::parse(&address).map_err(|_| ConnectionError::Address)?;
        let mut key = HeaderValue::from_str(service.api_key.expose_secret())
            .map_err(|_| ConnectionError::Address)?;
        key.set_sensitive(true);
        request.headers_mut().insert("x-api-key", key);
        let config = WebSocketConfig::default()
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let connecting = async {
            let stream = dial(&address).await?;
            Ok::<_, ConnectionError>(
                client_async_tls_with_config(request, stream, Some(config), None).await?,
            )
        };
        let (socket, _) = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| ConnectionError::Silent)??;
        let dialect = Dialect::new(service, recovery);
        let pending = dialect
            .is_ready_at_once()
            .then_some(Incoming::Ready)
            .into_iter()
            .collect();
        let now = Instant::now();
        Ok(Self {
            socket,
            dialect,
            is_ready: false,
            ready_by: now + CONNECT_TIMEOUT,
            pending,
            flush_by: None,
            last_heard: now,
            next_ping: now + PING_INTERVAL,
        })
    }

    /// Returns whether rooms can be joined.
    pub(in crate::server::relay) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Waits for news. Pings are answered on the way. Safe to cancel.
    pub(in crate::server::relay) async fn receive(&mut self) -> Result<Incoming, ConnectionError> {
        loop {
            // The socket has a reply as soon as it has been fed, whatever becomes of this call: so it
            // is taken off at once, and flushed by whichever call comes next.
            if let Some(by) = self.flush_by {
                let flushed = tokio::time::timeout_at(by, self.socket.flush()).await;
                flushed.map_err(|_| ConnectionError::Silent)??;
                self.flush_by = None;
            }
            if let Some(Incoming::Reply(text)) = self.pending.front() {
                let reply = Message::text(text.as_str());
                let fed = tokio::time::timeout(SEND_TIMEOUT, self.socket.feed(reply)).await;
                fed.map_err(|_| ConnectionError::Silent)??;
                self.pending.pop_front();
                self.flush_by = Some(Instant::now() + SEND_TIMEOUT);
                continue;
            }
            match self.pending.pop_front() {
                Some(Incoming::Ready) => {
                    self.is_ready = true;
                    return Ok(Incoming::Ready);
                }
                Some(Incoming::Refused(message)) => return Err(ConnectionError::Refused(message)),
                Some(Incoming::Rejected(message)) => {
                    return Err(ConnectionError::Rejected(message));
                }
                Some(Incoming::Outdated) => return Err(ConnectionError::Outdated),
                Some(Incoming::Ended) => return Err(ConnectionError::Closed),
                Some(other) => return Ok(other),
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), ConnectionError> {
        let deadline = self.last_heard + self.dialect.patience();
        tokio::select! {
            // What has come is read before anybody says that it has not.
            biased;
            frame = self.socket.next() => {
                let frame = frame.ok_or(ConnectionError::Closed)??;
                self.last_heard = Instant::now();
                match frame {
                    Message::Text(text) => self.pending.extend(self.dialect.text(&text)?),
                    Message::Binary(bytes) => self.pending.extend(self.dialect.binary(&bytes)),
                    Message::Close(_) => return Err(ConnectionError::Closed),
                    Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                }
                Ok(())
            }
            () = tokio::time::sleep_until(deadline) => Err(ConnectionError::Silent),
            () = tokio::time::sleep_until(self.ready_by), if !self.is_ready => {
                Err(ConnectionError::NotReady)
            }
            () = tokio::time::sleep_until(self.next_ping), if self.dialect.is_ready_at_once() => {
                self.next_ping = Instant::now() + PING_INTERVAL;
                self.send(Message::Ping(Default::default())).await
            }
        }
    }

    /// Asks for a job's reports.
    pub(in crate::server::relay) async fn join(
        &mut self,
        job: &JobId,
    ) -> Result<(), ConnectionError> {
        match self.dialect.join(job.as_str()) {
            Some(text) => self.send(Message::text(text)).await,
            None => Ok(()), // REST will tell
        }
    }

    /// Gives them up.
    pub(in crate::server::relay) async fn leave(
        &mut self,
        job: &JobId,
    ) -> Result<(), ConnectionError> {
        match self.dialect.leave(job.as_str()) {
            Some(text) => self.send(Message::text(text)).await,
            None => Ok(()),
        }
    }

    /// Returns what the next connection begins with.
    pub(in crate::server::relay) fn into_recovery(self) -> Recovery {
        self.dialect.into_recovery()
    }

    async fn send(&mut self, message: Message) -> Result<(), ConnectionError> {
        tokio::time::timeout(SEND_TIMEOUT, self.socket.send(message))
            .await
            .map_err(|_| ConnectionError::Silent)??;
        Ok(())
    }
}
