//! Fuzzes plain WebSocket frames and REST answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use price_monitor_wire::{Dialect, Protocol, Reading, Recovery, Service, answer};

fuzz_target!(|data: &[u8]| {
    let _ = Reading::from_slice(data);
    let _ = answer::created_id(data);
    let _ = answer::own_words(data);
    let _ = answer::outline(data);
    let service = Service {
        url: "http://127.0.0.1".parse().expect("an address"),
        protocol: Protocol::WebSocket,
        api_key: "key".into(),
    };
    let mut dialect = Dialect::new(&service, Recovery::default());
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(dialect.text(text).is_ok());
    }
    dialect.binary(data);
});
