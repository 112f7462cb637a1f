//! Support code of several subjects.

pub(crate) mod app;
pub(crate) mod cluster;
pub(crate) mod example;
pub(crate) mod monitor;
pub(crate) mod node;
pub(crate) mod process;
pub(crate) mod sockets;
