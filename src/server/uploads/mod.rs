//! How product files come in: in one piece, in parts (tus), or from an address.

pub(crate) mod file_name;
pub mod limits;
pub(crate) mod part_name;
pub(crate) mod private_directory;
pub mod remote_file;
pub mod space;
pub(crate) mod spool;
pub(crate) mod upload_error;
