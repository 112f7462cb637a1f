//! The names under which the app may be asked for. A page of another site can have its own name lead to
//! this machine (DNS rebinding), and would then be of the same origin as the app: its requests say that
//! name.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::server::{
    http::{middleware::authorize, state::AppState},
    http_client::is_loopback,
    run::listen::{Local, Peer},
};

/// What proxies add to a request besides `X-Forwarded-…`.
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

/// Returns the host that a request is for, without its port.
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
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    (!host.is_empty() && !authority.as_str().contains('@')).then_some(host)
}

/// Whether a request shows that a proxy passed it on.
pub(crate) fn is_passed_on(headers: &HeaderMap) -> bool {
    MARKS_OF_PROXIES
        .iter()
        .any(|mark| headers.contains_key(*mark))
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("x-forwarded-"))
}

/// Whether a request was made on this machine, to a name that cannot be another's, and by no proxy.
pub(crate) fn is_from_here(peer: Option<SocketAddr>, uri: &Uri, headers: &HeaderMap) -> bool {
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && asked_for(uri, headers).is_some_and(|host| is_loopback(&host))
        && !is_passed_on(headers)
}

/// Reads host names with commas between them.
pub(crate) fn read_names(text: &str) -> Option<BTreeSet<String>> {
    text.split(',')
        .map(|name| {
            let name = name.trim().to_ascii_lowercase();
            let authority = name.parse::<Authority>().ok()?;
            (authority.host() == name).then_some(name)
        })
        .collect()
}

/// Whether the app may be asked for under a name, at the address where the request arrived.
fn is_ours(state: &AppState, host: &str, local: Option<SocketAddr>) -> bool {
    let config = &state.config;
    if is_loopback(host) || host == config.public_url.host() || config.allowed_hosts.contains(host)
    {
        return true;
    }
    // No other site's name is an address.
    let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else {
        return false;
    };
    let address = address.to_canonical();
    config.listen.ip().is_unspecified()
        || address == config.listen.ip().to_canonical()
        || local.is_some_and(|local| address == local.ip().to_canonical())
}

/// Refuses what is for another host. Where the app is a function, its host tells them apart.
pub(crate) async fn require_ours(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    if extensions.get::<Peer>().is_none() {
        return next.run(request).await;
    }
    let local = extensions.get().map(|Local(address)| *address);
    let host = asked_for(request.uri(), request.headers());
    let status = match host {
        Some(host) if is_ours(&state, &host, local) => return next.run(request).await,
        Some(_) => StatusCode::MISDIRECTED_REQUEST,
        // HTTP/1.0 knows no hosts.
        None if request.version() == Version::HTTP_10
            && !request.headers().contains_key(header::HOST) =>
        {
            return next.run(request).await;
        }
        None => StatusCode::BAD_REQUEST,
    };
    authorize::read_out(request).await;
    let error =
        "This host name is not allowed. An administrator can set NEXTAUTH_URL or ALLOWED_HOSTS.";
    (status, Json(json!({ "error": error }))).into_response()
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
