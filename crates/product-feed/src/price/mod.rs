//! Parses prices.

mod mark;
mod other_values;
mod parts;

#[cfg(test)]
mod tests;

use rust_decimal::Decimal;
use thiserror::Error;

use crate::currency::{self, Currency};

pub(crate) use mark::Vote;
pub use mark::{DecimalMark, UnknownDecimalMark};
pub(crate) use other_values::{is_date, is_spreadsheet_error};
use parts::{Parts, readable};

/// Maximum characters of a price.
const MAX_LEN: usize = 64;

/// Upper bound in any currency: anything larger is a barcode in the wrong column.
const TOO_MUCH: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0);

/// Maximum decimals of a price.
const MAX_DECIMALS: u32 = 12;

/// A price and its currency, if the text has one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Price {
    pub(crate) amount: Decimal,
    /// An ISO 4217 code.
    pub(crate) currency: Option<&'static str>,
}

impl Price {
    /// Converts an amount in hundredths, as `price_cents` has.
    pub(crate) fn in_units(self, is_in_cents: bool) -> Self {
        let mut amount = self.amount;
        let is_small = amount.scale() + 2 <= MAX_DECIMALS;
        if is_in_cents && is_small && amount.set_scale(amount.scale() + 2).is_ok() {
            return Self { amount, ..self };
        }
        self
    }
}

/// Why a text is no price.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum PriceError {
    /// Not a number, or ambiguous.
    #[error("it is not a number")]
    Unreadable,
    /// Negative.
    #[error("it is negative")]
    Negative,
    /// A date, made from a number by a spreadsheet program.
    #[error("it is a date")]
    Date,
    /// A spreadsheet error.
    #[error("it is an error")]
    Spreadsheet,
}

/// Parses a price: `12.99`, `$1,299.00`, `1.299,00 €`, `1'299.–`, `EUR 12,99`, `US $5`, `1 299:-`, `12€99`.
///
/// If both marks occur, the last one is the decimal mark. A repeated mark separates thousands. A single point
/// is the decimal mark. A single comma is one too, unless exactly three digits follow and the number does not
/// start with 0: `1,299` is more than a thousand, `0,125` an eighth. With [`DecimalMark::Comma`] it is the
/// opposite. In a currency without decimals a single mark before three digits separates thousands.
///
/// # Errors
///
/// If the text is not a number, or negative.
pub(crate) fn parse(text: &str, mark: DecimalMark) -> Result<Price, PriceError> {
    parse_in(text, mark, None)
}

/// As [`parse`], with the file's currency.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn parse_in(
    text: &str,
    mark: DecimalMark,
    currency: Option<&'static str>,
) -> Result<Price, PriceError> {
    if text.len() > MAX_LEN {
        return Err(PriceError::Unreadable);
    }
    // Fast path: machine-written.
    if mark == DecimalMark::Point
        && is_plain_number(text, currency.is_some())
        && let Ok(amount) = Decimal::from_str_exact(text)
        && amount.scale() <= MAX_DECIMALS
        && amount < TOO_MUCH
    {
        return Ok(Price {
            amount,
            currency: None,
        });
    }
    let text = readable(text);
    let Some(parts) = Parts::of(&text) else {
        return Err(if is_date(&text) {
            PriceError::Date
        } else if is_spreadsheet_error(&text) {
            PriceError::Spreadsheet
        } else {
            PriceError::Unreadable
        });
    };
    let known = parts.currency.or(currency).and_then(currency::of_code);
    let number = canonical(parts.number, mark, known);
    let amount = number
        .and_then(|number| Decimal::from_str_exact(&number).ok())
        .map(without_noise);
    match amount {
        None if is_date(&text) => Err(PriceError::Date),
        None => Err(PriceError::Unreadable),
        Some(amount) if amount.scale() > MAX_DECIMALS || amount >= TOO_MUCH => {
            Err(PriceError::Unreadable)
        }
        Some(amount) if parts.is_negative && !amount.is_zero() => Err(PriceError::Negative),
        Some(amount) => Ok(Price {
            amount,
            currency: parts.currency,
        }),
    }
}

/// Rounds what binary fractions and divisions leave: `19.990000000000002`, `10.084033613445378`.
fn without_noise(amount: Decimal) -> Decimal {
    /// Decimals that a computed price may have.
    const KEPT: u32 = 8;
    if amount.scale() <= MAX_DECIMALS {
        return amount;
    }
    let rounded = amount.round_dp(KEPT).normalize();
    if rounded.is_zero() { amount } else { rounded }
}

/// Returns whether a text is digits with at most a decimal point, which no currency changes.
fn is_plain_number(text: &str, has_currency: bool) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(decimals) && !(has_currency && decimals.len() == 3)
}

/// Formats a price with its own digits, but at least two decimals if any, and no trailing zeros beyond.
pub(crate) fn format(mut price: Decimal) -> String {
    match price.scale() {
        0 | 2 => {}
        1 => price.rescale(2),
        _ => {
            price = price.normalize();
            if price.scale() < 2 {
                price.rescale(2);
            }
        }
    }
    price.to_string()
}

/// Converts digits with marks to digits with at most a decimal point.
fn canonical(text: &str, mark: DecimalMark, currency: Option<Currency>) -> Option<String> {
    if let Some((whole, hundredths)) = split_at_sign(text) {
        return Some(format!("{whole}.{hundredths}"));
    }
    let points = text.matches('.').count();
    let commas = text.matches(',').count();
    let (has_none, has_three) = currency.map_or((false, false), |currency| {
        (currency.decimals_in_use == 0, currency.minor_units == 3)
    });
    let is_thousands = |of: char| !has_three && is_thousands(text, of);
    let decimal_mark = match (points, commas) {
        (0, 0) => None,
        (1, 0) if mark == DecimalMark::Comma || has_none => (!is_thousands('.')).then_some('.'),
        (1, 0) => Some('.'),
        (0, 1) if mark == DecimalMark::Comma && !has_none => Some(','),
        (0, 1) => (!is_thousands(',')).then_some(','),
        (_, 0) | (0, _) => None,
        _ if text.rfind('.') > text.rfind(',') => (points == 1).then_some('.'),
        _ => (commas == 1).then_some(','),
    };
    let (whole, fraction) = match decimal_mark {
        Some(mark) => text.rsplit_once(mark)?,
        None => (text, ""),
    };
    let whole = without_thousands(whole)?;
    let digits_only = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !digits_only || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { &whole };
    Some(if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    })
}

/// Splits `12€99` at its symbol, and `129:50`.
fn split_at_sign(text: &str) -> Option<(&str, &str)> {
    let is_digit = |character: char| character.is_ascii_digit();
    let start = text.find(|character| !is_digit(character))?;
    let (whole, rest) = text.split_at(start);
    let (sign, hundredths) = rest.split_at(rest.find(is_digit)?);
    let is_sign = sign == ":" || currency::code(sign).is_some();
    (is_sign && hundredths.chars().all(is_digit)).then_some((whole, hundredths))
}

/// Returns whether the only mark of a number separates thousands.
fn is_thousands(text: &str, mark: char) -> bool {
    text.split_once(mark).is_some_and(|(whole, rest)| {
        rest.len() == 3 && !whole.is_empty() && whole.len() <= 3 && !whole.starts_with('0')
    })
}

/// Joins groups of thousands: one separator, three digits per group except the first; for India two, but
/// three in the last.
fn without_thousands(text: &str) -> Option<String> {
    let is_mark =
        |mark: char| matches!(mark, '.' | ',' | '\'' | '’' | '´' | '`') || mark.is_whitespace();
    let mut marks = text.chars().filter(|character| is_mark(*character));
    let Some(mark) = marks.next() else {
        return text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.to_owned());
    };
    if marks.any(|other| other != mark) {
        return None;
    }
    let groups: Vec<_> = text.split(mark).collect();
    let all_digits = groups
        .iter()
        .all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    let [first, within @ .., last] = &groups[..] else {
        return None;
    };
    let is_western = (1..=3).contains(&first.len()) && within.iter().all(|group| group.len() == 3);
    let is_indian = mark == ','
        && (1..=2).contains(&first.len())
        && !within.is_empty()
        && within.iter().all(|group| group.len() == 2);
    (all_digits && last.len() == 3 && (is_western || is_indian)).then(|| groups.concat())
}
