//! Uploads: in one piece, from a URL, or resumable.

pub(crate) mod receive;
pub(crate) mod resumable;
