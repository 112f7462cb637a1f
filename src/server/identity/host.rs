//! The host of a request.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use axum::http::{HeaderMap, Uri, header, uri::Authority};

/// Headers of proxies besides `X-Forwarded-…`.
const MARKS_OF_PROXIES: [&str; 8] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-original-host",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-ray",
];

pub(crate) fn asked_for(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let authority = match uri.authority() {
        Some(authority) => authority.clone(),
        None => {
            let mut hosts = headers.get_all(header::HOST).iter();
            let host = hosts.next()?;
            if hosts.next().is_some() {
                return None;
            }
            host.to_str().ok()?.parse::<Authority>().ok()?
        }
    };
    // Only a port may follow: no user before the host, nothing else after the brackets of an address.
    let port = authority.as_str().strip_prefix(authority.host())?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    (!host.is_empty() && is_whole).then_some(host)
}

pub(crate) fn is_passed_on(headers: &HeaderMap) -> bool {
    MARKS_OF_PROXIES
        .iter()
        .any(|mark| headers.contains_key(*mark))
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("x-forwarded-"))
}

/// Whether a request was made on this machine, to a name that no other site can have, without a proxy.
pub(crate) fn is_from_here(peer: Option<SocketAddr>, uri: &Uri, headers: &HeaderMap) -> bool {
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && asked_for(uri, headers).is_some_and(|host| is_loopback(&host))
        && !is_passed_on(headers)
}

pub(crate) fn read_names(text: &str) -> Option<BTreeSet<String>> {
    text.split(',')
        .map(|name| {
            let name = name.trim().to_ascii_lowercase();
            let authority = name.parse::<Authority>().ok()?;
            (authority.host() == name).then_some(name)
        })
        .collect()
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    value.parse().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn the_host_is_the_name_alone() {
        let of = |host: &str| asked_for(&Uri::from_static("/"), &headers(&[("host", host)]));
        for (host, name) in [
            ("Relay.Example:3000", Some("relay.example")),
            ("relay.example.", Some("relay.example")),
            ("[::1]:3000", Some("[::1]")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("", None),
            ("a b", None),
            ("localhost@evil.example", None),
            ("evil.example@localhost", None),
            ("localhost@localhost", None),
            ("[::1].evil.example", None),
            ("[::1]evil.example:80", None),
            ("localhost:80.evil.example", None),
        ] {
            assert_eq!(of(host).as_deref(), name, "{host}");
        }
        let uri = Uri::from_static("http://a.example/x");
        assert_eq!(
            asked_for(&uri, &HeaderMap::new()).as_deref(),
            Some("a.example")
        );
        let mut two = headers(&[("host", "localhost")]);
        two.append("host", "evil.example".parse().unwrap());
        assert_eq!(asked_for(&Uri::from_static("/"), &two), None);
    }

    #[test]
    fn what_comes_from_here_says_so_in_every_way() {
        let uri = Uri::from_static("/");
        let here = "127.0.0.1:5".parse().ok();
        let asked = |peer, all: &[(&'static str, &str)]| is_from_here(peer, &uri, &headers(all));
        assert!(asked(here, &[("host", "localhost:3000")]));
        assert!(asked(
            "[::ffff:127.0.0.1]:5".parse().ok(),
            &[("host", "[::1]")]
        ));
        assert!(!asked(here, &[]));
        assert!(!asked(None, &[("host", "localhost")]));
        assert!(!asked("192.0.2.1:5".parse().ok(), &[("host", "localhost")]));
        assert!(!asked(here, &[("host", "rebound.example")]));
        for mark in MARKS_OF_PROXIES.into_iter().chain([
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
        ]) {
            assert!(
                !asked(here, &[("host", "localhost"), (mark, "1")]),
                "{mark}"
            );
        }
    }

    #[test]
    fn names_are_listed_with_commas() {
        let read = read_names("relay.example, www.Relay.example").unwrap();
        assert_eq!(read.len(), 2);
        for bad in [
            "https://relay.example",
            "relay.example:80",
            "",
            "a,,b",
            "a b",
        ] {
            assert!(read_names(bad).is_none(), "{bad}");
        }
    }
}
