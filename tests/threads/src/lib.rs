//! Modules of the relay that threads share, with loom's primitives, and models of their use.
#![allow(dead_code, missing_docs)] // the modules are whole, and not all of them is used here

pub mod server;
