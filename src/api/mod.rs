//! The server functions: the only door between client code and server code.

// The fields of the types that `#[server]` makes are its arguments, which each function explains.
#![allow(missing_docs)]

pub mod account;
pub mod audit;
pub mod error;
pub mod import_controls;
pub mod imports;
pub mod language;
pub mod products;
pub mod program;
pub mod progress;
pub mod secret;
pub mod session;
pub mod status;
pub mod team;
pub mod tokens;

pub use error::{ApiError, Elsewhere};

use serde::{Deserialize, Serialize};

/// One page of a longer list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Page<T> {
    /// The entries of this page.
    pub items: Vec<T>,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are, at least 1.
    pub pages: u64,
    /// How many entries all pages have together.
    pub total: u64,
    /// Whether there are others besides, which are not counted.
    #[serde(default)]
    pub has_more: bool,
}
