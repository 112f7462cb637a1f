//! Everything that runs on the server only.

pub mod auth;
pub mod config;
pub mod error;
mod gate;
pub mod listen;
pub mod price_monitor;
pub mod relay;
pub mod router;
pub mod shutdown;
pub mod start;
pub mod state;
pub mod store;
pub mod telemetry;
pub(crate) mod upload;
