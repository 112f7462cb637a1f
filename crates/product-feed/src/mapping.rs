//! A user's answers about a file.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    columns::Meaning,
    currency,
    header::{Header, Shape},
    price::DecimalMark,
};

/// Answers to what a file alone does not tell. Missing answers are detected from the file.
///
/// As JSON:
///
/// ```json
/// {
///   "columns": {"0": "sku", "3": "price"},
///   "sheets": ["Prices"],
///   "decimalMark": "comma",
///   "currency": "EUR",
///   "shape": "plain",
///   "header": "0f3a…"
/// }
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    /// Meanings by column index. Columns not listed are ignored; without it all are detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<BTreeMap<usize, Meaning>>,
    /// Names of sheets to read; without it those with a known header row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sheets: Vec<String>,
    /// The decimal mark of prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal_mark: Option<DecimalMark>,
    /// The currency of prices without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Code>,
    /// The kind of file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<Shape>,
    /// The [fingerprint](Header::fingerprint) of the header row that this is for; without it any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<String>,
}

/// Serializes a type as its word.
macro_rules! word {
    ($kind:ty) => {
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

word!(Meaning);
word!(DecimalMark);
word!(Shape);

/// A currency code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Code(&'static str);

impl Code {
    fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for Code {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        currency::code(text).map(Self).ok_or(UnknownCurrency)
    }
}

word!(Code);

/// A text that is not a currency.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an ISO 4217 currency code")]
pub struct UnknownCurrency;

impl Mapping {
    /// Creates a mapping of columns by index; others are ignored.
    pub fn new(columns: impl IntoIterator<Item = (usize, Meaning)>) -> Self {
        Self::default().with_columns(columns)
    }

    /// Sets the meanings of columns by index; others are ignored.
    #[must_use]
    pub fn with_columns(mut self, columns: impl IntoIterator<Item = (usize, Meaning)>) -> Self {
        self.columns = Some(columns.into_iter().collect());
        self
    }

    /// Sets the sheets to read; none for those with a known header row.
    #[must_use]
    pub fn with_sheets(mut self, sheets: impl IntoIterator<Item = String>) -> Self {
        self.sheets = sheets.into_iter().collect();
        self
    }

    /// Sets the decimal mark.
    #[must_use]
    pub fn with_decimal_mark(mut self, mark: DecimalMark) -> Self {
        self.decimal_mark = Some(mark);
        self
    }

    /// Sets the currency of prices without one, by code, symbol or name.
    ///
    /// # Errors
    ///
    /// If the currency is unknown.
    pub fn with_currency(mut self, text: &str) -> Result<Self, UnknownCurrency> {
        self.currency = Some(text.parse()?);
        Ok(self)
    }

    /// Sets the kind of file.
    #[must_use]
    pub fn with_shape(mut self, shape: Shape) -> Self {
        self.shape = Some(shape);
        self
    }

    /// Sets the header row that this is for.
    #[must_use]
    pub fn of(mut self, header: &[String]) -> Self {
        self.header = Some(Header::fingerprint(header));
        self
    }

    /// Returns whether this is for a header row.
    pub(crate) fn is_of(&self, header: &[String]) -> bool {
        self.header
            .as_ref()
            .is_none_or(|fingerprint| *fingerprint == Header::fingerprint(header))
    }

    /// Fills missing answers from another mapping.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        if self.columns.is_none() {
            self.columns = other.columns;
            self.header = other.header;
        }
        if self.sheets.is_empty() {
            self.sheets = other.sheets;
        }
        self.decimal_mark = self.decimal_mark.or(other.decimal_mark);
        self.currency = self.currency.or(other.currency);
        self.shape = self.shape.or(other.shape);
        self
    }

    /// Returns whether it has columns.
    #[must_use]
    pub fn has_columns(&self) -> bool {
        self.columns.is_some()
    }

    /// Returns the meaning of a column.
    #[must_use]
    pub fn meaning_of(&self, index: usize) -> Option<Meaning> {
        let columns = self.columns.as_ref()?;
        columns.get(&index).copied()
    }

    /// Returns the sheets to read; none for those with a known header row.
    #[must_use]
    pub fn sheets(&self) -> &[String] {
        &self.sheets
    }

    /// Returns the decimal mark.
    #[must_use]
    pub fn decimal_mark(&self) -> Option<DecimalMark> {
        self.decimal_mark
    }

    /// Returns the currency code.
    #[must_use]
    pub fn currency(&self) -> Option<&'static str> {
        self.currency.map(|code| code.0)
    }

    /// Returns the kind of file.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_were_kept_before_are_read_as_they_were_meant() {
        // Written by a version that had columns and fingerprint only.
        let kept = r#"{"columns":{"0":"sku","3":"sale price"},"header":"0f3a"}"#;
        let mapping: Mapping = serde_json::from_str(kept).unwrap();
        assert_eq!(mapping.meaning_of(0), Some(Meaning::Sku));
        assert_eq!(mapping.meaning_of(3), Some(Meaning::SalePrice));
        assert_eq!(mapping.meaning_of(1), None);
        assert!(!mapping.is_of(&["other".to_owned()]));
        // Every word.
        let shapes = Shape::ALL.iter().copied().cycle();
        for (meaning, shape) in Meaning::ALL.iter().copied().zip(shapes) {
            let all = Mapping::new([(7, meaning)])
                .with_sheets(["Prices".to_owned()])
                .with_decimal_mark(DecimalMark::Comma)
                .with_shape(shape)
                .with_currency("euro")
                .unwrap();
            let written = serde_json::to_string(&all).unwrap();
            assert_eq!(serde_json::from_str::<Mapping>(&written).unwrap(), all);
        }
        let nothing: Mapping = serde_json::from_str("{}").unwrap();
        assert_eq!(nothing, Mapping::default());
        assert_eq!(serde_json::to_string(&nothing).unwrap(), "{}");
    }
}
