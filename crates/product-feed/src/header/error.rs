//! Why a header row is not understood.

use thiserror::Error;

/// Why the header row is not sufficient. Shown to users.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum HeaderError {
    /// No column is known.
    #[error(
        "No product columns found. Expected headers for a SKU (such as \"SKU\", \"Variant SKU\", \
         \"Product code\", \"Item number\"), a name (\"Name\", \"Title\", \"Product name\") and a price \
         (\"Price\", \"Regular price\", \"Variant price\")."
    )]
    Unknown,
    /// No column identifies products.
    #[error(
        "No identifier column found. Expected a header like \"SKU\", \"Variant SKU\", \"Product code\", \
         \"Item number\", \"Handle\", \"Barcode\" or \"ID\"."
    )]
    NoIdentity,
    /// There is no price column.
    #[error(
        "No price column found. Expected a header like \"Price\", \"Regular price\", \"Variant price\" \
         or \"Unit price\"."
    )]
    NoPrice,
}

impl HeaderError {
    /// Returns its code on the wire and in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "no-columns",
            Self::NoIdentity => "no-identity-column",
            Self::NoPrice => "no-price-column",
        }
    }
}
