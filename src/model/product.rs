//! A product in the list.

use serde::{Deserialize, Serialize};

use crate::model::job::UnixMillis;

/// A product as the embedded price monitor has it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Product {
    /// What identifies it: its SKU, or the file's own identity of it.
    pub identity: String,
    /// Its stock-keeping unit, where the file gave one.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its price as a decimal number, for example `12.99`.
    pub price: Option<String>,
    /// A lower price at which it is sold for a time, likewise.
    #[serde(default)]
    pub sale_price: Option<String>,
    /// What the prices are in: an ISO 4217 code, where the file gave one.
    #[serde(default)]
    pub currency: Option<String>,
    /// When an import last changed it.
    pub updated_at: UnixMillis,
}
