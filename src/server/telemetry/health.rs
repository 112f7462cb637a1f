//! Whether the server lives, and whether it can do its work.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::server::state::AppState;

/// What `/health/ready` says. The price monitor's state is told, but does not decide: while it is
/// away the server still shows what it knows, and no other instance would know more.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    status: &'static str,
    database: &'static str,
    upstream: &'static str,
}

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// `GET /health/ready`: requests can be served here. 503 while the database does not answer, and
/// from the moment the server stops.
pub(super) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let database = state.store.ping().await;
    if let Err(error) = &database {
        tracing::warn!(%error, "the database does not answer");
    }
    let status = match &database {
        _ if state.relay.is_stopping() => "stopping",
        Ok(()) => "ready",
        Err(_) => "not ready",
    };
    let code = if status == "ready" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        status,
        database: if database.is_ok() { "up" } else { "down" },
        upstream: state.relay.upstream_state().as_str(),
    };
    (code, Json(readiness))
}
