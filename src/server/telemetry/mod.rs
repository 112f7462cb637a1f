//! Observability: logs, metrics, traces and health.

pub mod health;
mod http;
mod log;
mod mask;
pub mod metrics;
mod process;
mod status;
mod traces;
mod worker;

pub(in crate::server) use self::mask::masked;
pub(crate) use self::{
    http::{PATHS, observed, routes},
    status::status,
};
pub use self::{
    log::{LogGuard, init},
    metrics::Metrics,
    worker::worker_routes,
};
