//! Rate limits and counts.

pub(crate) mod counts;
pub(crate) mod rate;
