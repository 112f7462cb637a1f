//! Uploads: in one piece, from an address, or in parts.

pub(crate) mod receive;
pub(crate) mod resumable;
