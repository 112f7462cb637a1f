//! The modules of the relay in which threads meet, with loom's primitives in place of the standard
//! library's, and models of what is done with them.
#![allow(dead_code, missing_docs)] // the modules are whole, and not all of them is used here

pub mod server;
