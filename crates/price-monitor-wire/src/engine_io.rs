//! Engine.IO 4 packets in WebSocket text frames (engine.io-protocol, version 4, sections "Packet encoding" and
//! "Handshake").

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Packet<'a> {
    /// The first packet of a connection.
    Open(Handshake),
    Close,
    Ping,
    Message(&'a str),
    /// A packet that a client ignores: pong, upgrade, no-op.
    Other,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Handshake {
    /// Interval between pings, in milliseconds.
    ping_interval: u64,
    /// Maximum delay of a ping, in milliseconds.
    ping_timeout: u64,
    /// Maximum bytes of a payload. Announced since 2022, so never by Engine.IO 3.
    pub(crate) max_payload: Option<usize>,
}

/// Default of the reference server.
const DEFAULT_MAX_PAYLOAD: usize = 1_000_000;

impl Handshake {
    pub(crate) fn max_payload(&self) -> usize {
        self.max_payload.unwrap_or(DEFAULT_MAX_PAYLOAD)
    }

    /// Returns the idle timeout: `pingInterval + pingTimeout`, at most ten minutes.
    pub(crate) fn idle_timeout(&self) -> Duration {
        let silence = self.ping_interval.saturating_add(self.ping_timeout);
        Duration::from_millis(silence.min(600_000))
    }
}

/// An invalid packet.
#[derive(Debug, Error)]
pub enum PacketError {
    /// The first character is not a packet type.
    #[error("unknown Engine.IO packet type")]
    UnknownType,
    /// The handshake is not valid JSON.
    #[error("unreadable Engine.IO handshake: {0}")]
    Handshake(#[from] serde_json::Error),
}

pub(crate) const PONG: &str = "3";

pub(crate) fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
    let (kind, payload) = match text.as_bytes().first() {
        Some(kind @ b'0'..=b'6') => (kind, &text[1..]),
        _ => return Err(PacketError::UnknownType),
    };
    Ok(match kind {
        b'0' => Packet::Open(serde_json::from_str(payload)?),
        b'1' => Packet::Close,
        b'2' => Packet::Ping,
        b'4' => Packet::Message(payload),
        _ => Packet::Other,
    })
}

pub(crate) fn message(payload: &str) -> String {
    format!("4{payload}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_handshake_says_how_long_to_wait() {
        let text =
            r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":9}"#;
        let Packet::Open(handshake) = decode(text).unwrap() else {
            panic!("no handshake")
        };
        assert_eq!(handshake.idle_timeout(), Duration::from_secs(45));
        assert_eq!(handshake.max_payload(), 9);
    }

    #[test]
    fn every_type_is_told_apart() {
        assert_eq!(decode("1").unwrap(), Packet::Close);
        assert_eq!(decode("2").unwrap(), Packet::Ping);
        assert_eq!(decode("2probe").unwrap(), Packet::Ping);
        assert_eq!(decode("42[]").unwrap(), Packet::Message("2[]"));
        for other in ["3", "5", "6"] {
            assert_eq!(decode(other).unwrap(), Packet::Other);
        }
        for bad in ["", "7", "x", "é", "0", "0{}", "0[1]"] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = decode(&text);
        }

        #[test]
        fn a_message_reads_back(payload: String) {
            let text = message(&payload);
            prop_assert_eq!(decode(&text).unwrap(), Packet::Message(&payload));
        }
    }
}
