//! The server.

pub mod auth;
pub mod config;
pub(crate) mod encryption;
pub mod error;
pub mod http;
mod http_client;
pub mod identity;
pub(crate) mod imports;
pub(crate) mod limits;
pub(crate) mod mail;
pub(crate) mod notifications;
pub mod price_monitor;
pub mod relay;
pub mod run;
pub(crate) mod share_links;
mod site;
pub(crate) mod sources;
pub mod store;
pub mod telemetry;
pub mod uploads;
pub(crate) mod work;
