//! Why a row fails.

use thiserror::Error;

use super::MAX_LEN;
use crate::{checks::GtinError, grouped::grouped, parameter::Parameter};

/// Why a row cannot be taken. Shown to users.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RowError {
    /// The row has no identity.
    #[error("No SKU or other identifier.")]
    NoIdentity,
    /// The SKU is a placeholder.
    #[error("\"{0}\" is a placeholder, not a SKU or identifier.")]
    PlaceholderIdentity(String),
    /// A spreadsheet program has changed the SKU.
    #[error(
        "The SKU or identifier \"{0}\" was changed by a spreadsheet program. Format the column as text."
    )]
    MangledIdentity(String),
    /// The product needs a price and has none.
    #[error("The price is missing.")]
    NoPrice,
    /// The price is unreadable or ambiguous.
    #[error("\"{0}\" is not a valid price.")]
    UnreadablePrice(String),
    /// A spreadsheet program has changed the price into a date.
    #[error(
        "The price \"{0}\" was turned into a date by a spreadsheet program. Format the column as text."
    )]
    DatePrice(String),
    /// The price is a spreadsheet error.
    #[error("The price is a spreadsheet error: \"{0}\".")]
    ErrorPrice(String),
    /// The sale price is unreadable.
    #[error("\"{0}\" is not a valid sale price.")]
    SalePrice(String),
    /// The price is negative.
    #[error("The price \"{0}\" is negative.")]
    NegativePrice(String),
    /// The currency is unknown.
    #[error("Unknown currency \"{0}\".")]
    UnknownCurrency(String),
    /// The GTIN is invalid.
    #[error("The GTIN \"{0}\" {1}.")]
    Gtin(String, GtinError),
    /// The URL is invalid.
    #[error("\"{0}\" is not a valid URL.")]
    Url(String),
    /// The stock is not a number.
    #[error("The stock \"{0}\" is not a whole number.")]
    Stock(String),
    /// The availability is unknown.
    #[error("Unknown availability \"{0}\". Use in_stock, out_of_stock, preorder or backorder.")]
    Availability(String),
    /// The row has more cells than the header row: cells must have moved.
    #[error(
        "The row has {} cells, but the header row has only {}.",
        grouped(*cells as u64),
        grouped(*columns as u64)
    )]
    TooManyCells {
        /// Cells of the row.
        cells: usize,
        /// Cells of the header row.
        columns: usize,
    },
    /// The SKU, or another identifier, is too long.
    #[error("The SKU or identifier is longer than {MAX_LEN} characters.")]
    LongIdentity,
    /// The name is too long.
    #[error("The name is longer than {MAX_LEN} characters.")]
    LongName,
    /// The row is not text.
    #[error("The row contains binary data.")]
    Binary,
    /// The rest of the file was read as one cell.
    #[error(
        "A quotation mark in this row is never closed, so the rest of the file was read as part of it."
    )]
    OpenQuote,
}

impl RowError {
    /// Returns its code on the wire and in the database.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoIdentity => "no-identity",
            Self::NoPrice => "no-price",
            Self::PlaceholderIdentity(_) => "placeholder-identity",
            Self::MangledIdentity(_) => "mangled-identity",
            Self::DatePrice(_) => "date-price",
            Self::ErrorPrice(_) => "error-price",
            Self::SalePrice(_) => "unreadable-sale-price",
            Self::UnreadablePrice(_) => "unreadable-price",
            Self::NegativePrice(_) => "negative-price",
            Self::UnknownCurrency(_) => "unknown-currency",
            Self::Gtin(_, GtinError::Shortened) => "shortened-gtin",
            Self::Gtin(_, GtinError::Form) => "malformed-gtin",
            Self::Gtin(_, GtinError::CheckDigit(_)) => "gtin-check-digit",
            Self::Url(_) => "unreadable-link",
            Self::Stock(_) => "unreadable-stock",
            Self::Availability(_) => "unknown-availability",
            Self::TooManyCells { .. } => "too-many-cells",
            Self::LongIdentity => "long-identity",
            Self::LongName => "long-name",
            Self::Binary => "binary-data",
            Self::OpenQuote => "open-quotation-mark",
        }
    }

    /// Returns the parameters of its message by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, Parameter)> {
        match self {
            Self::PlaceholderIdentity(value)
            | Self::MangledIdentity(value)
            | Self::DatePrice(value)
            | Self::ErrorPrice(value)
            | Self::SalePrice(value)
            | Self::UnreadablePrice(value)
            | Self::NegativePrice(value)
            | Self::UnknownCurrency(value)
            | Self::Url(value)
            | Self::Stock(value)
            | Self::Availability(value)
            | Self::Gtin(value, GtinError::Shortened | GtinError::Form) => {
                vec![("value", value.as_str().into())]
            }
            Self::Gtin(value, GtinError::CheckDigit(digit)) => {
                vec![
                    ("value", value.as_str().into()),
                    ("digit", digit.to_string().as_str().into()),
                ]
            }
            Self::TooManyCells { cells, columns } => {
                vec![("cells", (*cells).into()), ("columns", (*columns).into())]
            }
            Self::LongIdentity | Self::LongName => vec![("limit", MAX_LEN.into())],
            Self::NoIdentity | Self::NoPrice | Self::Binary | Self::OpenQuote => Vec::new(),
        }
    }
}
