//! The composition root: builds the server from the settings, listens, and shuts down.

pub mod pages;
pub mod serverless;
pub mod shutdown;
pub mod start;
