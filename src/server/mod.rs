//! Everything that runs on the server only.

pub mod access;
pub mod auth;
pub mod client_address;
pub mod config;
pub mod error;
mod gate;
mod headers;
pub(crate) mod imports;
pub(crate) mod language;
pub mod listen;
pub mod price_monitor;
pub mod relay;
mod rest;
mod resumable;
pub mod router;
pub mod serverless;
pub mod shutdown;
mod silent;
mod site;
pub mod start;
pub mod state;
pub mod store;
mod takeover;
pub mod telemetry;
pub(crate) mod upload;
