//! HTTP: the routes, what stands before them, and the connections below them.

pub mod connection;
pub(crate) mod csv_injection;
pub(crate) mod last_event_id;
pub mod middleware;
mod mount;
pub mod router;
mod routes;
pub mod state;
