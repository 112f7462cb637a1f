//! Principals, credentials, scopes and client addresses.

pub mod client_address;
pub mod credential;
pub(crate) mod host;
pub mod job_scope;
pub(crate) mod peer;
pub mod principal;
pub(crate) mod source_scope;
pub mod user;
