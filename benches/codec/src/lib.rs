//! The relay's pure modules, with the app's types that they use.
#![allow(dead_code)] // the modules are whole, and not all of them is used here

pub mod model;
pub mod server;
