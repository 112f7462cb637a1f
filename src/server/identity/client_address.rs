//! The client's address, also behind reverse proxies.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, StatusCode, request::Parts},
};
use ipnet::IpNet;

/// The client's address: the peer's, or `X-Forwarded-For` from a trusted proxy. An extractor, also available in server
/// functions.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientAddress(pub(in crate::server) IpAddr);

impl ClientAddress {
    /// Returns the key for rate limits: an IPv4 address or an IPv6 network (RFC 4291, section 2.5.4).
    #[must_use]
    pub fn network(self) -> IpAddr {
        network(self.0)
    }
}

pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts
            .extensions
            .get()
            .copied()
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Returns whether an untrusted proxy forwarded the request.
pub(in crate::server) fn is_untrusted_proxy(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> bool {
    let peer = peer.to_canonical();
    headers.contains_key("x-forwarded-for")
        && !trusted.iter().any(|network| network.contains(&peer))
}

/// Returns the client's address.
///
/// Without a peer, a serverless platform calls us and its header is trusted. Otherwise reads `X-Forwarded-For` from its
/// end, written by the nearest proxy, up to the first untrusted address; anything before it can be forged.
pub(in crate::server) fn client(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut hops = headers
        .get_all(HeaderName::from_static("x-forwarded-for"))
        .iter()
        .rev()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.rsplit(','))
        .map_while(|hop| read(hop.trim()));
    let mut client = peer
        .or_else(|| hops.next())
        .unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
        .to_canonical();
    while is_trusted(&client)
        && let Some(before) = hops.next()
    {
        client = before.to_canonical();
    }
    client
}

/// Parses an address as proxies write it: bare, with a port, or in brackets.
fn read(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|it| it.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|it| it.parse().unwrap()).collect();
        client(peer.parse().ok(), &headers, &trusted).to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_connection_says_it_all() {
        assert_eq!(of("192.0.2.7", &["198.51.100.1"], &[]), "192.0.2.7");
        assert_eq!(
            of("192.0.2.7", &["198.51.100.1"], &["10.0.0.0/8"]),
            "192.0.2.7"
        );
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_what_the_client_wrote_is_not() {
        let trusted = ["10.0.0.0/8", "::1/128"];
        assert_eq!(of("10.0.0.1", &["198.51.100.1"], &trusted), "198.51.100.1");
        assert_eq!(
            of("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.9.9.9"], &trusted),
            "198.51.100.1"
        );
        assert_eq!(
            of("::1", &["1.2.3.4", "198.51.100.1:4711"], &trusted),
            "198.51.100.1"
        );
        assert_eq!(of("10.0.0.1", &["1.2.3.4, nonsense"], &trusted), "10.0.0.1");
        assert_eq!(
            of("::ffff:10.0.0.1", &["[2001:db8::1]"], &trusted),
            "2001:db8::1"
        );
    }

    #[test]
    fn a_host_that_calls_us_as_a_function_is_believed() {
        assert_eq!(of("", &["1.2.3.4, 198.51.100.1"], &[]), "198.51.100.1");
        assert_eq!(of("", &[], &[]), "::");
    }

    #[test]
    fn a_proxy_that_nobody_trusts_is_noticed() {
        let [peer, other] = ["10.0.0.1", "::ffff:192.0.2.7"].map(|it| it.parse().unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        assert!(!is_untrusted_proxy(other, &headers, &trusted));
        headers.insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
        assert!(is_untrusted_proxy(other, &headers, &trusted));
        assert!(!is_untrusted_proxy(peer, &headers, &trusted));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_client() {
        let [a, b] = ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9"]
            .map(|it| ClientAddress(it.parse().unwrap()).network());
        assert_eq!(a, b);
    }

    proptest! {
        #[test]
        fn an_untrusted_peer_is_never_taken_for_another(header in "[ -~]{0,60}") {
            prop_assert_eq!(of("192.0.2.7", &[&header], &["10.0.0.0/8"]), "192.0.2.7");
        }
    }
}
