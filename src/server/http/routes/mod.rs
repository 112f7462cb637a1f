//! Handlers, by subject.

pub(crate) mod import_rows;
pub(crate) mod rest;
pub(crate) mod uploads;
pub mod watch;
