//! Finds the client's address.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::server::{
    http::state::AppState,
    identity::{
        client_address::{self, ClientAddress},
        peer::Peer,
    },
};

pub(crate) async fn find(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get().map(|Peer(address)| address.ip());
    let trusted = &state.config.http.trusted_proxies;
    let address = client_address::client(peer, request.headers(), trusted);
    if let Some(peer) = peer
        && client_address::is_untrusted_proxy(peer, request.headers(), trusted)
        && !WARNED.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(
            %peer,
            "X-Forwarded-For from an address that is not in TRUSTED_PROXIES is ignored; if it is your \
             reverse proxy, all clients behind it count as one until you add it"
        );
    }
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

static WARNED: AtomicBool = AtomicBool::new(false);
