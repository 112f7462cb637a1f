//! What the commands do that look after a server rather than run one.

pub(crate) mod check;
pub(crate) mod database;
pub(crate) mod monitor;
