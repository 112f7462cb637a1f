//! Socket.IO 5 packets (socket.io-protocol, version 5, section "Packet encoding"):
//! `<type>[<attachments>-][<namespace>,][<ack id>][<JSON payload>]`.

use serde_json::Value;
use thiserror::Error;

use crate::json::{self, Ends};

#[derive(Debug)]
pub(crate) struct Packet<'a> {
    /// `/` is the main namespace.
    pub(crate) namespace: &'a str,
    pub(crate) kind: PacketKind<'a>,
}

#[derive(Debug)]
pub(crate) enum PacketKind<'a> {
    Connect(Value),
    Disconnect,
    Event {
        /// Name and arguments.
        data: Ends<'a>,
        /// The ID to acknowledge.
        ack: Option<&'a str>,
    },
    /// The server acknowledges an event of the client.
    Ack,
    ConnectError(Value),
}

/// An invalid packet.
#[derive(Debug, Error)]
pub enum PacketError {
    /// The first character is not a packet type.
    #[error("unknown Socket.IO packet type")]
    UnknownType,
    /// A binary packet without a number of attachments.
    #[error("bad number of Socket.IO attachments")]
    Attachments,
    /// The payload is not valid JSON.
    #[error("unreadable Socket.IO payload: {0}")]
    Payload(#[from] serde_json::Error),
}

/// Parses a packet from repaired text. Attachments follow as binary frames, which the caller ignores.
pub(crate) fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
    let (kind, mut rest) = match text.as_bytes().first() {
        Some(kind @ b'0'..=b'6') => (kind, &text[1..]),
        _ => return Err(PacketError::UnknownType),
    };
    if matches!(kind, b'5' | b'6') {
        let (count, after) = rest.split_once('-').ok_or(PacketError::Attachments)?;
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
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
    let value = || match payload {
        "" => Ok(Value::Null),
        payload => serde_json::from_str(payload),
    };
    let kind = match kind {
        b'0' => PacketKind::Connect(value()?),
        b'1' => PacketKind::Disconnect,
        b'2' | b'5' => PacketKind::Event {
            data: serde_json::from_str(payload)?,
            ack: (!ack.is_empty()).then_some(ack),
        },
        b'3' | b'6' => PacketKind::Ack,
        _ => PacketKind::ConnectError(value()?),
    };
    Ok(Packet { namespace, kind })
}

pub(crate) fn connect(namespace: &str, auth: &Value) -> String {
    format!("0{}{auth}", prefix(namespace))
}

pub(crate) fn event(namespace: &str, name: &str, argument: &str) -> String {
    let data = Value::from(vec![name, argument]);
    format!("2{}{data}", prefix(namespace))
}

pub(crate) fn ack(namespace: &str, id: &str) -> String {
    format!("3{}{id}[]", prefix(namespace))
}

fn prefix(namespace: &str) -> String {
    if namespace == "/" {
        String::new()
    } else {
        format!("{namespace},")
    }
}

pub(crate) fn text_of(raw: Option<&serde_json::value::RawValue>) -> Option<String> {
    match raw.and_then(json::value)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Returns an event's namespace, name, number of arguments and acknowledgement ID.
    fn parts(text: &str) -> (String, Option<String>, usize, Option<String>) {
        let packet = decode(text).unwrap();
        let PacketKind::Event { data, ack } = packet.kind else {
            panic!("no event: {text}")
        };
        (
            packet.namespace.to_owned(),
            text_of(data.first),
            data.len,
            ack.map(str::to_owned),
        )
    }

    /// The specification's examples.
    #[test]
    fn the_protocol_s_examples_are_read() {
        assert!(matches!(
            decode("0").unwrap().kind,
            PacketKind::Connect(Value::Null)
        ));
        let packet = decode(r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#).unwrap();
        assert_eq!(packet.namespace, "/admin");
        assert!(matches!(packet.kind, PacketKind::Connect(details) if details["sid"].is_string()));
        let packet = decode(r#"4{"message":"Not authorized"}"#).unwrap();
        let expected = json!({"message": "Not authorized"});
        assert!(matches!(packet.kind, PacketKind::ConnectError(details) if details == expected));
        let owned = |text: &str| Some(text.to_owned());
        assert_eq!(
            parts(r#"2["foo"]"#),
            ("/".to_owned(), owned("foo"), 1, None)
        );
        let with_ack = ("/admin".to_owned(), owned("bar"), 2, owned("12"));
        assert_eq!(parts(r#"2/admin,12["bar",{"a":1}]"#), with_ack);
        assert!(matches!(
            decode(r#"3/admin,13["bar"]"#).unwrap().kind,
            PacketKind::Ack
        ));
        assert!(matches!(
            decode("1/admin,").unwrap().kind,
            PacketKind::Disconnect
        ));
        let binary = r#"51-["baz",{"_placeholder":true,"num":0}]"#;
        assert_eq!(parts(binary), ("/".to_owned(), owned("baz"), 2, None));
        let ack = r#"61-/admin,15["bar",{"_placeholder":true,"num":0}]"#;
        assert!(matches!(decode(ack).unwrap().kind, PacketKind::Ack));
    }

    #[test]
    fn any_number_of_attachments_is_taken() {
        for count in ["1001", "99999999999999999999999"] {
            assert_eq!(parts(&format!(r#"5{count}-["thumbs"]"#)).2, 1);
        }
    }

    #[test]
    fn an_event_may_hold_what_serde_does_not_read() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for odd in [&*"9".repeat(400), &deep, "1e999999"] {
            assert_eq!(parts(&format!(r#"2["x",{odd},"o1"]"#)).2, 3);
        }
    }

    #[test]
    fn what_is_no_packet_is_an_error() {
        for bad in ["", "7", "2", "2{}", "2[", "5[]", "5x-[]", "5-[]"] {
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
        assert_eq!(ack("/a", "3"), "3/a,3[]");
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
            let PacketKind::Event { data, ack: None } = packet.kind else {
                return Err(TestCaseError::fail("no event"));
            };
            prop_assert_eq!(data.len, 2);
            prop_assert_eq!(text_of(data.first), Some(name));
            prop_assert_eq!(text_of(data.second), Some(argument));
        }
    }
}
