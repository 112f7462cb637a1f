//! Parses and writes the messages of a price monitor: Engine.IO, Socket.IO, plain WebSocket and REST.
//!
//! ```text
//! text frame ─► engine_io ─► socket_io ─┐
//! text or binary frame (plain WebSocket) ┴─► dialect ─► Incoming (report, reply, refusal …)
//! REST answer ─► answer ─► Reading, ID of a created import, error message
//! ```
//!
//! The crate is pure: it opens no connection and keeps no time. Parsing is tolerant: an unreadable
//! message becomes [`Incoming::Skipped`], never an error that ends the connection.
//!
//! # Example
//!
//! ```
//! use price_monitor_wire::{EndStatus, Reading, Verdict};
//!
//! let body = br#"{"processedProducts": 3, "totalProducts": 3, "status": "success"}"#;
//! let reading = Reading::from_slice(body)?;
//! assert_eq!(reading.report.processed, 3);
//! assert_eq!(reading.report.verdict, Verdict::Ended(EndStatus::Success));
//! # Ok::<(), price_monitor_wire::Unreadable>(())
//! ```

pub mod answer;
mod dialect;
mod engine_io;
mod failure;
mod json;
mod report;
mod socket_io;
mod timestamp;

pub use dialect::{
    Dialect, EVENT_PREFIX, Incoming, JOIN, LEAVE, Protocol, ProtocolError, Recovery, Service,
    Skipped,
};
pub use failure::{Failure, Parameter};
pub use json::{Unreadable, from_slice};
pub use report::{EndStatus, Reading, Report, UnixMillis, Verdict};
