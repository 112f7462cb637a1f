//! The decimal mark of a file.

use thiserror::Error;

use super::parts::{Parts, readable};
use crate::{currency, named::named};

named! {
    /// The decimal mark of a file's prices, where a price alone is ambiguous, such as `1.299`.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    pub enum DecimalMark by
        /// Returns its word on the wire.
        as_str or UnknownDecimalMark
    {
        /// A point, or mixed: a single point is the decimal mark.
        #[default]
        Point = "point",
        /// A comma, so that a point before three digits separates thousands.
        Comma = "comma",
    }
}

/// An unknown decimal mark.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the decimal mark must be \"point\" or \"comma\"")]
pub struct UnknownDecimalMark;

/// Counts evidence for a file's decimal mark.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vote {
    /// Unambiguous prices with a decimal point, or a comma for thousands.
    points: usize,
    /// Unambiguous prices with a decimal comma, or a point for thousands.
    commas: usize,
    /// Prices in a currency whose home region writes a decimal comma.
    homes: usize,
    /// The first price whose only point could be either.
    doubtful: Option<String>,
    /// The first price whose only comma has three digits after it. Beside semicolons it could be either.
    doubtful_comma: Option<String>,
}

impl Vote {
    /// Counts a price. `currency` is the file's, for prices without one.
    pub(crate) fn count(&mut self, text: &str, currency: Option<&'static str>) {
        let text = readable(text);
        let Some(parts) = Parts::of(&text) else {
            return;
        };
        let number = parts.number;
        self.commas += usize::from(parts.has_round_comma);
        let Some(mark) = number.rfind(['.', ',']) else {
            return;
        };
        let (before, after) = number.split_at(mark);
        let (is_comma, decimals) = (after.starts_with(','), &after[1..]);
        if before.is_empty() || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        let (same, other) = if is_comma { (',', '.') } else { ('.', ',') };
        if before.contains(same) {
            // Repeated: separates thousands.
            if is_comma {
                self.points += 1;
            } else {
                self.commas += 1;
            }
            return;
        }
        let is_told = before.contains(other)
            || decimals.len() != 3
            || before.starts_with('0')
            || before.len() > 3;
        let currency = parts.currency.or(currency).and_then(currency::of_code);
        let is_decimal = match currency {
            _ if is_told => true,
            Some(currency) if currency.decimals_in_use == 0 => false,
            Some(currency) if currency.minor_units == 3 => true,
            // A comma before three digits separates thousands by default.
            _ if is_comma => {
                self.doubtful_comma.get_or_insert_with(|| text.to_string());
                return;
            }
            currency => {
                self.homes +=
                    usize::from(currency.is_some_and(|currency| currency.has_decimal_comma));
                self.doubtful.get_or_insert_with(|| text.to_string());
                return;
            }
        };
        if is_comma == is_decimal {
            self.commas += 1;
        } else {
            self.points += 1;
        }
    }

    /// Returns the decimal mark. If prices do not tell, semicolons between cells suggest commas.
    ///
    /// # Errors
    ///
    /// An ambiguous price, if nothing decides.
    pub(crate) fn result(&self, has_semicolons: bool) -> Result<DecimalMark, String> {
        let is_told = self.commas > 0 || self.points > 0 || self.doubtful.is_some();
        if has_semicolons
            && !is_told
            && let Some(example) = &self.doubtful_comma
        {
            return Err(example.clone());
        }
        match (self.commas > 0, self.points > 0, &self.doubtful) {
            (true, false, _) => Ok(DecimalMark::Comma),
            (false, true, _) | (_, _, None) => Ok(DecimalMark::Point),
            (false, false, Some(_)) if has_semicolons || self.homes > 0 => Ok(DecimalMark::Comma),
            (_, _, Some(example)) => Err(example.clone()),
        }
    }
}
