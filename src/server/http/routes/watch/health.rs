//! Health checks.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::server::{
    http::state::AppState,
    store::{Store, StoreError},
};

const TIMEOUT: Duration = Duration::from_secs(2);

/// The body of `/health/ready`. Without the price monitor the server is still ready: no other instance would know more.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    status: &'static str,
    database: &'static str,
    upstream: &'static str,
}

pub(super) async fn answers(store: &Store) -> bool {
    match tokio::time::timeout(TIMEOUT, store.ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            false
        }
        Err(_) => {
            tracing::warn!("the database does not answer within {TIMEOUT:?}");
            false
        }
    }
}

pub(super) async fn in_time<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    tokio::time::timeout(TIMEOUT, asked).await.ok()?.ok()
}

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// `GET /health/ready`: 503 if the database does not answer, or during shutdown.
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
