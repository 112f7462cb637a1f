//! Everything that runs on the server only.

pub mod config;
pub mod price_monitor;
pub mod store;
