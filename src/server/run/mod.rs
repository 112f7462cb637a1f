//! The composition root: reads the settings, puts the server together, listens, and stops in good order.

pub mod pages;
pub mod serverless;
pub mod shutdown;
pub mod start;
