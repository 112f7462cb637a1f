//! Support code for the tests of the program, the library and the Vercel function.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a test may panic

pub mod certificates;
pub mod database;
pub mod events;
pub mod fake_monitor;
pub mod feed_server;
pub mod no_room;
pub mod small_disk;
pub mod smtp;

pub const DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);
