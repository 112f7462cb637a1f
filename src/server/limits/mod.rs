//! Limits on how often something may happen, and how many of something there may be.

pub(crate) mod counts;
pub(crate) mod rate;
