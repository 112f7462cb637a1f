//! Fuzzes a Socket.IO conversation: a frame per line; a line that starts with NUL is a binary frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use price_monitor_wire::{Dialect, Incoming, Protocol, Recovery, Service};

const OPEN: &str = r#"0{"sid":"a","pingInterval":300,"pingTimeout":200}"#;

fn conversation(url: &str) -> Dialect {
    let service = Service {
        url: url.parse().expect("an address"),
        protocol: Protocol::SocketIo,
        api_key: "key".into(),
    };
    let mut dialect = Dialect::new(&service, Recovery::default());
    dialect.text(OPEN).expect("a handshake");
    dialect
}

fuzz_target!(|data: &[u8]| {
    let mut conversations = ["http://127.0.0.1/admin", "http://127.0.0.1"].map(conversation);
    for frame in data.split(|byte| *byte == b'\n') {
        for dialect in &mut conversations {
            match std::str::from_utf8(frame) {
                Ok(text) if !text.starts_with('\0') => {
                    // Once open, no frame is an error.
                    let incoming = dialect.text(text).expect("understood or passed over");
                    assert!(incoming.len() <= 2, "a frame says one thing, and may want an answer");
                    for one in &incoming {
                        if let Incoming::Reply(reply) = one {
                            assert!(reply == "3" || reply.starts_with('4'), "a packet: {reply}");
                        }
                    }
                }
                _ => assert!(dialect.binary(frame).is_empty()),
            }
        }
    }
});
