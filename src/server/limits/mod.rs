//! Limits on how often something may happen.

pub(crate) mod rate;
