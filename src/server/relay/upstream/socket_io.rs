//! Socket.IO 5 packets (pure).
//!
//! Source: socket.io-protocol, version 5, section "Packet encoding":
//! `<type>[<attachments>-][<namespace>,][<ack id>][<JSON payload>]`.

use serde_json::Value;
use thiserror::Error;

/// A packet and the namespace it is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Packet<'a> {
    /// The namespace; `/` is the main one.
    pub(super) namespace: &'a str,
    /// What it says.
    pub(super) kind: PacketKind,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PacketKind {
    /// The server let us into the namespace.
    Connect(Value),
    /// The server put us out of it.
    Disconnect,
    /// An event: its name, its arguments, and where the server waits for an acknowledgement, its id.
    Event {
        /// The first element of the payload, then the others.
        data: Vec<Value>,
        /// What to acknowledge.
        ack: Option<u64>,
        /// How many binary frames follow.
        attachments: usize,
    },
    /// The answer to an event of ours, and how many binary frames follow.
    Ack {
        /// How many binary frames follow.
        attachments: usize,
    },
    /// The server did not let us in.
    ConnectError(Value),
}

/// The text is no packet.
#[derive(Debug, Error)]
pub(super) enum PacketError {
    /// The first character is none of the packet types.
    #[error("unknown Socket.IO packet type")]
    UnknownType,
    /// A binary packet does not say how many attachments it has, or claims too many.
    #[error("bad number of Socket.IO attachments")]
    Attachments,
    /// An acknowledgement id is too large.
    #[error("bad Socket.IO acknowledgement id")]
    AckId,
    /// The payload is not the JSON that it must be.
    #[error("unreadable Socket.IO payload: {0}")]
    Payload(#[from] serde_json::Error),
}

/// More attachments than this in one packet are a fault of the other side.
const MAX_ATTACHMENTS: usize = 1000;

/// Reads a packet.
pub(super) fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
    let (kind, mut rest) = match text.as_bytes().first() {
        Some(kind @ b'0'..=b'6') => (kind, &text[1..]),
        _ => return Err(PacketError::UnknownType),
    };
    let mut attachments = 0;
    if matches!(kind, b'5' | b'6') {
        let (count, after) = rest.split_once('-').ok_or(PacketError::Attachments)?;
        attachments = count.parse().map_err(|_| PacketError::Attachments)?;
        if attachments > MAX_ATTACHMENTS {
            return Err(PacketError::Attachments);
        }
        rest = after;
    }
    let mut namespace = "/";
    if rest.starts_with('/') {
        (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (ack, payload) = rest.split_at(digits);
    let ack = match ack {
        "" => None,
        id => Some(id.parse().map_err(|_| PacketError::AckId)?),
    };
    let value = || match payload {
        "" => Ok(Value::Null),
        payload => serde_json::from_str(payload),
    };
    let kind = match kind {
        b'0' => PacketKind::Connect(value()?),
        b'1' => PacketKind::Disconnect,
        b'2' | b'5' => PacketKind::Event {
            data: serde_json::from_str(payload)?,
            ack,
            attachments,
        },
        b'3' | b'6' => PacketKind::Ack { attachments },
        _ => PacketKind::ConnectError(value()?),
    };
    Ok(Packet { namespace, kind })
}

/// Asks to be let into a namespace.
pub(super) fn connect(namespace: &str, auth: &Value) -> String {
    format!("0{}{auth}", prefix(namespace))
}

/// Sends an event.
pub(super) fn event(namespace: &str, name: &str, argument: &str) -> String {
    let data = Value::from(vec![name, argument]);
    format!("2{}{data}", prefix(namespace))
}

/// Acknowledges an event, with no arguments.
pub(super) fn ack(namespace: &str, id: u64) -> String {
    format!("3{}{id}[]", prefix(namespace))
}

fn prefix(namespace: &str) -> String {
    if namespace == "/" {
        String::new()
    } else {
        format!("{namespace},")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn kind(text: &str) -> PacketKind {
        decode(text).unwrap().kind
    }

    /// The examples of the protocol's own text.
    #[test]
    fn the_protocol_s_examples_are_read() {
        assert_eq!(kind("0"), PacketKind::Connect(Value::Null));
        assert_eq!(
            decode(r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#).unwrap(),
            Packet {
                namespace: "/admin",
                kind: PacketKind::Connect(json!({"sid": "oSO0OpakMV_3jnilAAAA"})),
            }
        );
        assert_eq!(
            kind(r#"4{"message":"Not authorized"}"#),
            PacketKind::ConnectError(json!({"message": "Not authorized"}))
        );
        assert_eq!(
            kind(r#"2["foo"]"#),
            PacketKind::Event {
                data: vec![json!("foo")],
                ack: None,
                attachments: 0
            }
        );
        assert_eq!(
            decode(r#"2/admin,12["bar",{"a":1}]"#).unwrap(),
            Packet {
                namespace: "/admin",
                kind: PacketKind::Event {
                    data: vec![json!("bar"), json!({"a": 1})],
                    ack: Some(12),
                    attachments: 0
                },
            }
        );
        assert_eq!(
            kind(r#"3/admin,13["bar"]"#),
            PacketKind::Ack { attachments: 0 }
        );
        assert_eq!(decode("1/admin,").unwrap().kind, PacketKind::Disconnect);
        assert_eq!(
            kind(r#"51-["baz",{"_placeholder":true,"num":0}]"#),
            PacketKind::Event {
                data: vec![json!("baz"), json!({"_placeholder": true, "num": 0})],
                ack: None,
                attachments: 1
            }
        );
        assert_eq!(
            kind(r#"61-/admin,15["bar",{"_placeholder":true,"num":0}]"#),
            PacketKind::Ack { attachments: 1 }
        );
    }

    #[test]
    fn what_is_no_packet_is_an_error() {
        for bad in [
            "",
            "7",
            "2",
            "2{}",
            "2[",
            "5[]",
            "5x-[]",
            "51001-[]",
            "299999999999999999999[]",
        ] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_sent_is_what_the_protocol_says() {
        assert_eq!(connect("/", &json!({"apiKey": "k"})), r#"0{"apiKey":"k"}"#);
        assert_eq!(
            connect("/a", &json!({"apiKey": "k"})),
            r#"0/a,{"apiKey":"k"}"#
        );
        assert_eq!(
            event("/", "join-import-job", "7"),
            r#"2["join-import-job","7"]"#
        );
        assert_eq!(ack("/a", 3), "3/a,3[]");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = decode(&text);
        }

        #[test]
        fn no_near_packet_makes_it_panic(text in "[0-6][0-9]{0,3}-?(/[a-z]{0,3},?)?[0-9]{0,22}.{0,12}") {
            let _ = decode(&text);
        }

        #[test]
        fn an_event_reads_back(name: String, argument: String, namespace in "/[a-z]{0,9}") {
            let text = event(&namespace, &name, &argument);
            let packet = decode(&text).unwrap();
            prop_assert_eq!(packet.namespace, namespace);
            let expected =
                PacketKind::Event { data: vec![name.into(), argument.into()], ack: None, attachments: 0 };
            prop_assert_eq!(packet.kind, expected);
        }
    }
}
