//! Whether the server lives, and whether it can do its work.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::server::{
    http::state::AppState,
    store::{Store, StoreError},
};

/// How long the database may take to answer: whoever asks about health does not wait for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `/health/ready` says. The price monitor's state is told, but does not decide: while it is
/// away the server still shows what it knows, and no other instance would know more.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    status: &'static str,
    database: &'static str,
    upstream: &'static str,
}

/// Returns whether the database answers in time.
pub(super) async fn answers(store: &Store) -> bool {
    match tokio::time::timeout(PATIENCE, store.ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            false
        }
        Err(_) => {
            tracing::warn!("the database does not answer within {PATIENCE:?}");
            false
        }
    }
}

/// Returns what the database answers, if it does so in time.
pub(super) async fn in_time<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
}

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// `GET /health/ready`: requests can be served here. 503 while the database does not answer, and
/// from the moment the server stops.
pub(super) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let is_up = answers(&state.store).await;
    let status = match is_up {
        _ if state.relay.is_stopping() => "stopping",
        true => "ready",
        false => "not ready",
    };
    let code = if status == "ready" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        status,
        database: if is_up { "up" } else { "down" },
        upstream: state.relay.upstream_state().as_str(),
    };
    (code, Json(readiness))
}
