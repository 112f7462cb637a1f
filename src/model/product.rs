//! Products.

use serde::{Deserialize, Serialize};

use crate::model::job::UnixMillis;

/// A product of the embedded price monitor.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Product {
    /// Its identity: the SKU, or another one from the file.
    pub identity: String,
    /// Its SKU, if the file has one.
    pub sku: Option<String>,
    /// Its name.
    pub name: String,
    /// Its price as a decimal number, for example `12.99`.
    pub price: Option<String>,
    /// Its lower sale price, as a decimal number.
    #[serde(default)]
    pub sale_price: Option<String>,
    /// The currency as an ISO 4217 code, if known.
    #[serde(default)]
    pub currency: Option<String>,
    /// When an import last changed it.
    pub updated_at: UnixMillis,
}
