//! TCP connections: how many there may be, how long they may be idle, and how an event stream takes one over.

pub(crate) mod hijack;
pub(crate) mod idle;
pub mod limits;
pub mod listen;
