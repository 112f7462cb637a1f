//! Identifies clients by address.

pub mod client_address;
