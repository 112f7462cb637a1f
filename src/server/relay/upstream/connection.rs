//! One WebSocket to the price monitor.

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

/// Timeout of connecting and handshake, and again until jobs can be joined.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
const PING_INTERVAL: Duration = Duration::from_secs(20);

#[derive(Debug, Error)]
pub(in crate::server::relay) enum ConnectionError {
    /// The key was rejected; with the service's message.
    #[error("refused: {0}")]
    Refused(String),
    #[error("{0}")]
    Dial(Box<dyn std::error::Error + Send + Sync>),
    /// The connection was rejected for another reason; with the service's message.
    #[error("not let in: {0}")]
    Rejected(String),
    #[error("the price monitor speaks Socket.IO 2 or older; version 3 or later is needed")]
    Outdated,
    #[error("{0}")]
    Socket(#[from] Box<tungstenite::Error>),
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
    #[error("silent for too long")]
    Silent,
    #[error("not let in in time")]
    NotReady,
    #[error("closed by the price monitor")]
    Closed,
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

fn refusal(response: &http::Response<Option<Vec<u8>>>) -> String {
    let schemes = schemes(response.headers());
    let status = response.status();
    match schemes.is_empty() {
        true => status.to_string(),
        false => format!("{status}, WWW-Authenticate asks for {schemes}"),
    }
}

impl ConnectionError {
    /// Returns whether received data caused the error, which a resumed session would repeat.
    pub(in crate::server::relay) fn forbids_resuming(&self) -> bool {
        match self {
            Self::Protocol(_) => true,
            Self::Socket(error) => match &**error {
                tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_) => true,
                // Sessions are resumed after broken connections.
                tungstenite::Error::Protocol(error) => {
                    *error != tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
                }
                _ => false,
            },
            _ => false,
        }
    }
}

pub(in crate::server::relay) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    dialect: Dialect,
    is_ready: bool,
    ready_by: Instant,
    pending: VecDeque<Incoming>,
    flush_by: Option<Instant>,
    last_heard: Instant,
    next_ping: Instant,
}

impl Connection {
    /// Sends the key as a header too, for plain WebSockets.
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

    pub(in crate::server::relay) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Waits for messages, answering pings. Cancel-safe.
    pub(in crate::server::relay) async fn receive(&mut self) -> Result<Incoming, ConnectionError> {
        loop {
            // If this call is cancelled, a fed reply stays in the socket's buffer and the next call flushes it.
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
        let deadline = self.last_heard + self.dialect.idle_timeout();
        tokio::select! {
            // Reads received data before reporting a timeout.
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

    pub(in crate::server::relay) async fn join(
        &mut self,
        job: &JobId,
    ) -> Result<(), ConnectionError> {
        match self.dialect.join(job.as_str()) {
            Some(text) => self.send(Message::text(text)).await,
            None => Ok(()), // REST will tell
        }
    }

    pub(in crate::server::relay) async fn leave(
        &mut self,
        job: &JobId,
    ) -> Result<(), ConnectionError> {
        match self.dialect.leave(job.as_str()) {
            Some(text) => self.send(Message::text(text)).await,
            None => Ok(()),
        }
    }

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
