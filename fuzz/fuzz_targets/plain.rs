//! A price monitor that says anything, over the plain WebSocket or by REST.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relay_codec::server::{
    config::SocketProtocol,
    relay::{read_progress, upstream::Conversation},
};

fuzz_target!(|data: &[u8]| {
    let _ = read_progress(data);
    let mut conversation = Conversation::new(SocketProtocol::WebSocket, "http://127.0.0.1");
    if let Ok(text) = std::str::from_utf8(data) {
        // In this dialect every frame is understood or passed over.
        assert!(conversation.text(text).is_some());
    }
    conversation.binary();
});
