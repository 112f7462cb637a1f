//! Pages of lists.

use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Page<T> {
    /// Its entries.
    pub items: Vec<T>,
    /// Its number, from 1.
    pub page: u64,
    /// Number of pages, at least 1.
    pub pages: u64,
    /// Number of entries on all pages.
    pub total: u64,
    /// Whether there are more, uncounted entries.
    #[serde(default)]
    pub has_more: bool,
}
