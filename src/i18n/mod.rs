//! The languages of the interface.

pub mod locale;
pub mod messages;
mod numbers;
