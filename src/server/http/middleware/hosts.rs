//! Checks the `Host` against DNS rebinding: another site's name that resolves to this machine would have the app's
//! origin.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::server::{
    http::{middleware::authorize, state::AppState},
    identity::{
        host::{asked_for, is_loopback},
        peer::{Local, Peer},
    },
};

/// Whether the app may be reached by a name, at the address where the request arrived.
fn is_ours(state: &AppState, host: &str, local: Option<SocketAddr>) -> bool {
    let config = &state.config;
    if is_loopback(host)
        || host == config.public_url.host()
        || config.http.allowed_hosts.contains(host)
    {
        return true;
    }
    // An IP address is no other site's name.
    let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else {
        return false;
    };
    let address = address.to_canonical();
    config.listen.ip().is_unspecified()
        || address == config.listen.ip().to_canonical()
        || local.is_some_and(|local| address == local.ip().to_canonical())
}

/// Rejects other hosts. Without a peer, a serverless platform routes by host.
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
        // HTTP/1.0 has no `Host`.
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
