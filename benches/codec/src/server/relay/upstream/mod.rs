//! What is said on the socket to the price monitor.

#[path = "../../../../../../src/server/relay/upstream/dialect.rs"]
mod dialect;
#[path = "../../../../../../src/server/relay/upstream/engine_io.rs"]
mod engine_io;
#[path = "../../../../../../src/server/relay/upstream/socket_io.rs"]
mod socket_io;

use self::dialect::{Dialect, Incoming, Recovery};
use crate::server::config::{MonitorEndpoint, SocketProtocol};

/// A conversation with a price monitor.
pub struct Conversation(Dialect);

impl Conversation {
    /// Begins one.
    ///
    /// # Panics
    ///
    /// When the address is none.
    #[must_use]
    pub fn new(protocol: SocketProtocol, url: &str) -> Self {
        let endpoint = MonitorEndpoint {
            url: url.parse().expect("an address"),
            protocol,
            api_key: "key".into(),
        };
        Self(Dialect::new(&endpoint, Recovery::default()))
    }

    /// Takes a text frame in, and returns how many reports it holds: `None` where the other side
    /// does not speak the protocol.
    ///
    /// # Panics
    ///
    /// When what is sent back is nothing that may be sent.
    pub fn text(&mut self, text: &str) -> Option<usize> {
        let incoming = self.0.text(text).ok()?;
        assert!(incoming.len() <= 2, "a frame says one thing, and may want an answer");
        for one in &incoming {
            if let Incoming::Reply(reply) = one {
                let packet = engine_io::decode(reply).expect("a reply is a packet");
                if let engine_io::Packet::Message(payload) = packet {
                    socket_io::decode(payload).expect("a message is a packet too");
                }
            }
        }
        let is_report = |one: &&Incoming| matches!(one, Incoming::Report(..));
        Some(incoming.iter().filter(is_report).count())
    }

    /// Takes a binary frame in.
    pub fn binary(&mut self) {
        self.0.binary();
    }
}
