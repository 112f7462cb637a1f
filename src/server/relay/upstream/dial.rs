//! Connects to the price monitor, directly or through the environment's HTTP proxy.

use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use tokio::net::TcpStream;
use tower::{Service, ServiceExt};
use url::Url;

use super::connection::ConnectionError;
use crate::server::identity::host::is_loopback;

/// Opens a TCP connection to the host of a `ws` or `wss` URL, or a CONNECT tunnel (RFC 9110, section 9.3.6) through a
/// proxy.
pub(super) async fn dial(address: &Url) -> Result<TcpStream, ConnectionError> {
    let host = address.host_str().ok_or(ConnectionError::Address)?;
    let port = address
        .port_or_known_default()
        .ok_or(ConnectionError::Address)?;
    let scheme = if address.scheme() == "wss" {
        "https"
    } else {
        "http"
    };
    let destination: http::Uri = format!("{scheme}://{host}:{port}/")
        .parse()
        .map_err(|_| ConnectionError::Address)?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    // A proxy cannot reach our loopback addresses.
    let proxy = (!is_loopback(host))
        .then(|| Matcher::from_env().intercept(&destination))
        .flatten();
    let stream = match proxy {
        None => connector
            .oneshot(destination)
            .await
            .map_err(|error| ConnectionError::Dial(error.into()))?,
        Some(proxy) => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel
                .call(destination)
                .await
                .map_err(|error| ConnectionError::Dial(error.into()))?
        }
    };
    Ok(TokioIo::into_inner(stream))
}
