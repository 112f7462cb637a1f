//! HTTP: routes, middleware and connections.

pub mod connection;
pub(crate) mod csv_injection;
pub(crate) mod last_event_id;
pub mod middleware;
mod mount;
pub mod router;
pub mod routes;
pub(crate) mod server_status;
mod spreadsheet;
pub mod state;
