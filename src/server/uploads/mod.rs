//! Receives product files: in one piece, resumable (tus), or from a URL.

pub(crate) mod file_name;
pub mod limits;
pub(crate) mod part_name;
pub(crate) mod private_directory;
pub mod remote_file;
pub mod space;
pub(crate) mod spool;
pub(crate) mod upload_error;
