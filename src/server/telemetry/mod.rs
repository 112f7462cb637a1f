//! Observability: logs, metrics and traces.

mod last_hour;
mod log;
mod mask;
pub mod metrics;
pub(crate) mod process;
mod traces;

pub(in crate::server) use self::mask::masked;
pub use self::{
    log::{LogGuard, init},
    metrics::Metrics,
};
