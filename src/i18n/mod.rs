//! The languages of the interface.

pub mod locale;
