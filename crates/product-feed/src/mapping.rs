//! Everything that a person can say of a file.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    columns::Meaning,
    currency,
    header::{Header, Shape},
    price::DecimalMark,
};

/// The answers to what a file alone does not tell. What is not answered is told from the file.
///
/// As JSON it is an object of those answers that were given:
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
    /// Columns, by their place from 0, and what they hold. A column that is not in it holds nothing
    /// that matters; without it all columns are guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<BTreeMap<usize, Meaning>>,
    /// The sheets that are read, by name; without it those whose header row is understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sheets: Vec<String>,
    /// What prices have before their decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal_mark: Option<DecimalMark>,
    /// The currency of prices of which neither they nor a column tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Code>,
    /// Whose kind of file it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<Shape>,
    /// The [fingerprint](Header::fingerprint) of the header row it is for; any where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<String>,
}

/// Has a value be written as its word.
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

/// A currency's code.
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

/// A text that is no currency.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is no ISO 4217 currency")]
pub struct UnknownCurrency;

impl Mapping {
    /// Says what columns hold, by their places from 0; all others hold nothing that matters.
    pub fn new(columns: impl IntoIterator<Item = (usize, Meaning)>) -> Self {
        Self::default().with_columns(columns)
    }

    /// Says what columns hold, by their places from 0; all others hold nothing that matters.
    #[must_use]
    pub fn with_columns(mut self, columns: impl IntoIterator<Item = (usize, Meaning)>) -> Self {
        self.columns = Some(columns.into_iter().collect());
        self
    }

    /// Says which sheets are read; none for those whose header row is understood.
    #[must_use]
    pub fn with_sheets(mut self, sheets: impl IntoIterator<Item = String>) -> Self {
        self.sheets = sheets.into_iter().collect();
        self
    }

    /// Says what prices have before their decimals.
    #[must_use]
    pub fn with_decimal_mark(mut self, mark: DecimalMark) -> Self {
        self.decimal_mark = Some(mark);
        self
    }

    /// Says the currency of prices that do not tell it, by its code, sign or name.
    ///
    /// # Errors
    ///
    /// When there is no such currency.
    pub fn with_currency(mut self, text: &str) -> Result<Self, UnknownCurrency> {
        self.currency = Some(text.parse()?);
        Ok(self)
    }

    /// Says whose kind of file it is.
    #[must_use]
    pub fn with_shape(mut self, shape: Shape) -> Self {
        self.shape = Some(shape);
        self
    }

    /// Says for which header row it is.
    #[must_use]
    pub fn of(mut self, header: &[String]) -> Self {
        self.header = Some(Header::fingerprint(header));
        self
    }

    /// Returns whether it is for this header row.
    pub(crate) fn is_of(&self, header: &[String]) -> bool {
        self.header
            .as_ref()
            .is_none_or(|fingerprint| *fingerprint == Header::fingerprint(header))
    }

    /// Takes the answers of another one to what it does not say itself.
    #[must_use]
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.columns = self.columns.or(other.columns);
        if self.sheets.is_empty() {
            self.sheets = other.sheets;
        }
        self.decimal_mark = self.decimal_mark.or(other.decimal_mark);
        self.currency = self.currency.or(other.currency);
        self.shape = self.shape.or(other.shape);
        self
    }

    /// Whether it says anything of columns; if not they are guessed.
    #[must_use]
    pub fn has_columns(&self) -> bool {
        self.columns.is_some()
    }

    /// Returns what a column is said to hold.
    #[must_use]
    pub fn meaning_of(&self, index: usize) -> Option<Meaning> {
        let columns = self.columns.as_ref()?;
        columns.get(&index).copied()
    }

    /// Returns the names of the sheets that are to be read; none for those whose header is understood.
    #[must_use]
    pub fn sheets(&self) -> &[String] {
        &self.sheets
    }

    /// Returns what prices are said to have before their decimals.
    #[must_use]
    pub fn decimal_mark(&self) -> Option<DecimalMark> {
        self.decimal_mark
    }

    /// Returns the code of the currency that prices are said to be in.
    #[must_use]
    pub fn currency(&self) -> Option<&'static str> {
        self.currency.map(|code| code.0)
    }

    /// Returns whose kind of file it is said to be.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::WORDS;

    #[test]
    fn answers_that_were_kept_before_are_read_as_they_were_meant() {
        // Of an edition that had columns and a fingerprint alone.
        let kept = r#"{"columns":{"0":"sku","3":"sale price"},"header":"0f3a"}"#;
        let mapping: Mapping = serde_json::from_str(kept).unwrap();
        assert_eq!(mapping.meaning_of(0), Some(Meaning::Sku));
        assert_eq!(mapping.meaning_of(3), Some(Meaning::SalePrice));
        assert_eq!(mapping.meaning_of(1), None);
        assert!(!mapping.is_of(&["other".to_owned()]));
        // Every word that one may hold.
        for (meaning, shape) in WORDS
            .iter()
            .map(|(meaning, _)| *meaning)
            .zip(Shape::ALL.into_iter().cycle())
        {
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
