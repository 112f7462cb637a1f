//! The messages of a price monitor: bytes to values and back.
//!
//! ```text
//! text frame ─► engine_io ─► socket_io ─┐
//! text or binary frame (plain dialect) ─┴─► dialect ─► Incoming (report, reply, refusal …)
//! REST answer ─► answer ─► Reading, identifier of a created import, words of a refusal
//! ```
//!
//! Nothing here waits, keeps time or opens a connection. Whatever the other side sends is read
//! generously: a message that cannot be read is passed over and named, and never ends a connection.

pub mod answer;
mod dialect;
mod engine_io;
mod json;
mod report;
mod socket_io;
mod timestamp;

pub use dialect::{Dialect, Incoming, Protocol, ProtocolError, Recovery, Service, Skipped};
pub use json::{Unreadable, from_slice};
pub use report::{EndStatus, Reading, Report, UnixMillis, Verdict};
