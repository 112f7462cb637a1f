//! Health and metrics.

mod health;
mod metrics;
mod worker;

use axum::{Router, routing::get};

pub use self::worker::worker_routes;
use crate::server::http::state::AppState;

pub(crate) const PATHS: [&str; 4] = ["/health", "/health/live", "/health/ready", "/metrics"];

/// Returns the monitoring routes, which need no session.
pub(crate) fn routes(state: AppState) -> Router {
    let [health, live, ready, numbers] = PATHS;
    Router::new()
        .route(health, get(health::ready))
        .route(live, get(health::live))
        .route(ready, get(health::ready))
        .route(numbers, get(metrics::metrics))
        .with_state(state)
}
