//! Who makes a request, and from where.

pub mod client_address;
