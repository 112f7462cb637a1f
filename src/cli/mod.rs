//! Maintenance commands.

pub(crate) mod check;
pub(crate) mod database;
pub(crate) mod monitor;
