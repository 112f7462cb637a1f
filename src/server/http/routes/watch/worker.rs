//! Monitoring of a stand-alone price monitor.

use axum::{
    Extension, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
    routing::get,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{health, metrics::numbers};
use crate::server::{
    identity::{host, peer::Peer},
    store::Store,
    telemetry::metrics::{Metrics, Observed},
    uploads::space::Space,
};

#[derive(Clone, Debug)]
struct Watched {
    store: Store,
    metrics: Metrics,
    space: Space,
    token: Option<SecretString>,
}

/// Returns the routes of a stand-alone price monitor: health, and `/metrics` for this machine or with the token.
pub fn worker_routes(
    store: Store,
    metrics: Metrics,
    space: Space,
    token: Option<SecretString>,
) -> Router {
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics_of))
        .with_state(Watched {
            store,
            metrics,
            space,
            token,
        })
}

async fn ready(State(watched): State<Watched>) -> (StatusCode, Json<Value>) {
    if health::answers(&watched.store).await {
        let ready = json!({"status": "ready", "database": "up"});
        (StatusCode::OK, Json(ready))
    } else {
        let not_ready = json!({"status": "not ready", "database": "down"});
        (StatusCode::SERVICE_UNAVAILABLE, Json(not_ready))
    }
}

async fn metrics_of(
    State(watched): State<Watched>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let observe = async || Observed {
        relay: None,
        imports: health::in_time(watched.store.import_load()).await,
        deliveries: None,
        connections: watched.store.connections(),
        disk_free: watched.space.free(),
    };
    let Watched { metrics, token, .. } = &watched;
    let peer = peer.map(|Extension(Peer(address))| address);
    let is_local = host::is_from_here(peer, &uri, &headers);
    numbers(metrics, observe, token.as_ref(), is_local, &headers).await
}
