//! The tables.

pub(super) mod failed_row;
pub(super) mod monitor_import;
pub(super) mod product;
pub(super) mod product_import_job;
pub(super) mod session;
pub(super) mod user;
