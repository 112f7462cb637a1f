//! Which hosts are this machine.

use std::net::IpAddr;

/// Returns whether a host, as an address has it, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
