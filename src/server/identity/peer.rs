//! The two ends of a request's connection.

use std::net::SocketAddr;

/// Who is at the other end of a request's connection: the browser, or the proxy before us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The address of ours that a request's connection came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local(pub(crate) SocketAddr);
