//! Tests whether the socket opens and jobs can be joined.

use price_monitor_wire::{Incoming, Protocol, Recovery, answer};
use reqwest::{Method, RequestBuilder, header};
use tokio_tungstenite::tungstenite::{self, http};
use url::Url;

use super::{Finding, Probe};
use crate::server::relay::upstream::{Connection, ConnectionError};

const SOCKET_IO: &str = "Socket.IO";
const WEBSOCKET: &str = "WebSocket";
const POLLED: &str = "Without one, progress is polled by REST every few seconds.";

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
            let sentence = "Connected; rooms can be joined.";
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
                    "There is no namespace {namespace}, the path of MONITOR_PRICE_APP_HOST. The main \
                     one is used instead."
                );
                findings.push(Finding::misfit(self.socket(), sentence));
            }
        }
        Ok(connection)
    }

    async fn judge(&self, error: &ConnectionError) -> Finding {
        let call = self.socket();
        let misfit = |sentence: String| Finding::misfit(call, sentence);
        match error {
            ConnectionError::Refused(words) => {
                match self.accepted_scheme(|| self.upgrade()).await {
                    Some(scheme) => misfit(format!(
                        "Rejects the key in the X-API-Key header ({words}), but accepts it in \
                         `Authorization: {scheme}`. It is only sent in X-API-Key{}.",
                        self.also_in_packet()
                    )),
                    None => misfit(format!(
                        "Rejects the key: {words}. It is sent in the X-API-Key header{}.",
                        self.also_in_packet()
                    )),
                }
            }
            ConnectionError::Outdated => misfit(format!(
                "Uses Socket.IO 2 or older (Engine.IO 3); version 3 or later is required. {POLLED}"
            )),
            ConnectionError::Rejected(words) => misfit(format!(
                "Rejects the connection for a reason other than the key: {words}"
            )),
            ConnectionError::Socket(error) => match &**error {
                tungstenite::Error::Http(response) => self.judge_answer(response),
                error => misfit(format!(
                    "Cannot be opened {} MONITOR_PRICE_APP_HOST: {error}.",
                    self.place()
                )),
            },
            ConnectionError::Protocol(error) => misfit(format!(
                "The first message is not an Engine.IO 4 handshake, which Socket.IO 3 and later use: {error}."
            )),
            ConnectionError::Closed => {
                misfit("Closes the connection before accepting it.".to_owned())
            }
            ConnectionError::Silent | ConnectionError::NotReady => misfit(format!(
                "Opens, but does not accept the connection. {}",
                self.late()
            )),
            ConnectionError::Dial(_) | ConnectionError::Address => {
                misfit(format!("Cannot be opened: {error}."))
            }
        }
    }

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
            300..400 => Finding::misfit(call, format!("Redirects are not followed (HTTP {code}).")),
            _ => Finding::misfit(
                call,
                format!(
                    "The connection is not upgraded to a WebSocket (HTTP {code}{words}). Check that the \
                     `websocket` transport is enabled and that every proxy lets it through."
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

    fn upgrade(&self) -> RequestBuilder {
        let address = price_monitor_wire::Dialect::url(&self.service);
        let address = Url::parse(&address.replacen("ws", "http", 1));
        // The connection was made to this URL.
        let address = address.unwrap_or_else(|_| self.service.url.clone());
        self.rest
            .client(&Method::GET)
            .get(address)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "aW1wb3J0LXJlbGF5LWNoaw==")
    }
}
