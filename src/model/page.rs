//! One page of a longer list.

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
