//! The socket: whether it opens, and whether rooms can be joined.

use price_monitor_wire::{Incoming, Protocol, Recovery, answer};
use reqwest::{RequestBuilder, header};
use tokio_tungstenite::tungstenite::{self, http};
use url::Url;

use super::{Finding, Probe};
use crate::server::relay::upstream::{Connection, ConnectionError};

const SOCKET_IO: &str = "Socket.IO";
const WEBSOCKET: &str = "WebSocket";
/// What becomes of the progress where there is no socket.
const POLLED: &str = "Without one, progress is asked for by REST every few seconds.";

/// The socket, where there is one.
pub(super) enum Opened {
    Yes(Box<Connection>),
    No,
}

impl Probe {
    pub(super) fn socket(&self) -> &'static str {
        match self.service.protocol {
            Protocol::SocketIo => SOCKET_IO,
            Protocol::WebSocket => WEBSOCKET,
        }
    }

    /// Opens the socket, and waits until rooms can be joined.
    pub(super) async fn open(&self) -> (Vec<Finding>, Opened) {
        let mut findings = Vec::new();
        let opened = tokio::time::timeout(self.trial.timeout, self.shake_hands(&mut findings));
        let opened = match opened.await {
            Ok(Ok(connection)) => Opened::Yes(connection),
            Ok(Err(error)) => {
                findings.push(self.judge(&error).await);
                Opened::No
            }
            Err(_) => {
                findings.push(Finding::misfit(self.socket(), self.late()));
                Opened::No
            }
        };
        if matches!(opened, Opened::Yes(_)) {
            let sentence = "It lets us in, and rooms can be joined.";
            findings.push(Finding::fits(self.socket(), sentence));
        }
        (findings, opened)
    }

    async fn shake_hands(
        &self,
        findings: &mut Vec<Finding>,
    ) -> Result<Box<Connection>, ConnectionError> {
        let opening = Connection::open(&self.service, Recovery::default(), self.max_message);
        let mut connection = Box::new(opening.await?);
        while !connection.is_ready() {
            if let Incoming::UnknownNamespace(namespace) = connection.receive().await? {
                let sentence = format!(
                    "It has no namespace {namespace}, which is the path of MONITOR_PRICE_APP_HOST. The main one \
                     is asked for instead."
                );
                findings.push(Finding::misfit(self.socket(), sentence));
            }
        }
        Ok(connection)
    }

    /// Says why there is no socket.
    async fn judge(&self, error: &ConnectionError) -> Finding {
        let call = self.socket();
        let misfit = |sentence: String| Finding::misfit(call, sentence);
        match error {
            ConnectionError::Refused(words) => {
                match self.accepted_scheme(|| self.upgrade()).await {
                    Some(scheme) => misfit(format!(
                        "It refuses the key in the header X-API-Key ({words}), and takes it in \
                         `Authorization: {scheme}`. It is sent in X-API-Key alone{}.",
                        self.also_in_packet()
                    )),
                    None => misfit(format!(
                        "It refuses the key: {words}. It is sent in the header X-API-Key{}.",
                        self.also_in_packet()
                    )),
                }
            }
            ConnectionError::Outdated => misfit(format!(
                "It speaks Socket.IO 2 or older (Engine.IO 3), and version 3 or later is needed. {POLLED}"
            )),
            ConnectionError::Rejected(words) => misfit(format!(
                "It does not let us in, for another reason than the key: {words}"
            )),
            ConnectionError::Socket(error) => match &**error {
                tungstenite::Error::Http(response) => self.judge_answer(response),
                error => misfit(format!(
                    "It cannot be opened {} MONITOR_PRICE_APP_HOST: {error}.",
                    self.place()
                )),
            },
            ConnectionError::Protocol(error) => misfit(format!(
                "What it says first is no handshake of Engine.IO 4, on which Socket.IO 3 and later run: {error}."
            )),
            ConnectionError::Closed => {
                misfit("It closes the connection before it lets us in.".to_owned())
            }
            ConnectionError::Silent | ConnectionError::NotReady => misfit(format!(
                "It opens, and then does not let us in. {}",
                self.late()
            )),
            ConnectionError::Dial(_) | ConnectionError::Address => {
                misfit(format!("It cannot be opened: {error}."))
            }
        }
    }

    /// Says what an answer means that is no WebSocket.
    fn judge_answer(&self, response: &http::Response<Option<Vec<u8>>>) -> Finding {
        let (call, code) = (self.socket(), response.status().as_u16());
        let words = response.body().as_deref().and_then(answer::own_words);
        let words = words.map_or(String::new(), |words| format!(": {words}"));
        let place = self.place();
        match code {
            404 | 405 | 501 => Finding::note(
                call,
                format!(
                    "There is none {place} MONITOR_PRICE_APP_HOST (HTTP {code}{words}). {POLLED}"
                ),
            ),
            300..400 => Finding::misfit(
                call,
                format!("It leads elsewhere, which is not followed (HTTP {code})."),
            ),
            _ => Finding::misfit(
                call,
                format!(
                    "The connection does not become a WebSocket (HTTP {code}{words}). Is the `websocket` transport \
                     on, and does every proxy on the way let it through?"
                ),
            ),
        }
    }

    fn place(&self) -> &'static str {
        match self.service.protocol {
            Protocol::SocketIo => "at Engine.IO's path, which is /socket.io/ or the ?path= of",
            Protocol::WebSocket => "at",
        }
    }

    fn also_in_packet(&self) -> &'static str {
        match self.service.protocol {
            Protocol::SocketIo => " and as `auth.apiKey` in the CONNECT packet",
            Protocol::WebSocket => "",
        }
    }

    /// The request that asks for a WebSocket, without the key.
    fn upgrade(&self) -> RequestBuilder {
        let address = price_monitor_wire::Dialect::url(&self.service);
        let address = Url::parse(&address.replacen("ws", "http", 1));
        // The connection was made to that very address.
        let address = address.unwrap_or_else(|_| self.service.url.clone());
        self.rest
            .client
            .get(address)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "aW1wb3J0LXJlbGF5LWNoaw==")
    }
}
