//! A Socket.IO server that says anything: the frames of one conversation, a line each; a line that
//! begins with a zero byte stands for a binary frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relay_codec::server::{config::SocketProtocol, relay::upstream::Conversation};

fuzz_target!(|data: &[u8]| {
    let mut conversation = Conversation::new(SocketProtocol::SocketIo, "http://127.0.0.1/admin");
    let mut of_main = Conversation::new(SocketProtocol::SocketIo, "http://127.0.0.1");
    for frame in data.split(|byte| *byte == b'\n') {
        match std::str::from_utf8(frame) {
            Ok(text) if !text.starts_with('\0') => {
                conversation.text(text);
                of_main.text(text);
            }
            _ => {
                conversation.binary();
                of_main.binary();
            }
        }
    }
});
