//! Middleware that every request passes.

pub mod access;
pub(crate) mod authorize;
pub(crate) mod client_address;
pub(crate) mod cross_origin;
pub(crate) mod hosts;
pub(crate) mod language;
pub(crate) mod observe;
pub(crate) mod reactive_owner;
pub(crate) mod refused_forms;
pub(crate) mod security_headers;
