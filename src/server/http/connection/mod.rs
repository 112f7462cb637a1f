//! TCP connections: limits, idle time, and hijacking by event streams.

pub(crate) mod hijack;
pub(crate) mod idle;
pub mod limits;
pub mod listen;
