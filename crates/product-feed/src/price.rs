//! Prices as people write them.

use std::str::FromStr;

use rust_decimal::Decimal;
use thiserror::Error;

use crate::currency;

/// No price has more characters.
const MAX_LEN: usize = 64;

/// A price with what it is in, where the text says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Price {
    pub(crate) amount: Decimal,
    /// An ISO 4217 code.
    pub(crate) currency: Option<&'static str>,
}

/// How a file writes its prices, where one of them alone does not tell: is `1.299` more than a thousand?
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DecimalMark {
    /// As machines do, or in ways that differ: a single point is the decimal mark.
    #[default]
    Point,
    /// With a decimal comma, always.
    Comma,
}

/// A word that names no decimal mark.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a decimal mark is \"point\" or \"comma\"")]
pub struct UnknownDecimalMark;

impl DecimalMark {
    /// Returns the word for it on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }
}

impl FromStr for DecimalMark {
    type Err = UnknownDecimalMark;

    fn from_str(text: &str) -> Result<Self, UnknownDecimalMark> {
        match text {
            "point" => Ok(Self::Point),
            "comma" => Ok(Self::Comma),
            _ => Err(UnknownDecimalMark),
        }
    }
}

/// Tells from a file's prices how it writes them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Vote {
    points: usize,
    commas: usize,
}

impl Vote {
    /// Counts a price, if it shows a decimal mark that can be nothing else.
    pub(crate) fn count(&mut self, text: &str) {
        let mut currency = None;
        let (_, number) = without_sign(without_currency(text.trim(), &mut currency), &mut currency);
        let Some(mark) = number.rfind(['.', ',']) else {
            return;
        };
        let (before, after) = number.split_at(mark);
        let decimals = &after[1..];
        let all_digits = !decimals.is_empty() && decimals.bytes().all(|byte| byte.is_ascii_digit());
        // Three digits could be thousands, unless the other mark stands before them.
        let other = if after.starts_with(',') { '.' } else { ',' };
        let is_told = decimals.len() != 3 || before.contains(other) || before == "0";
        if all_digits && is_told {
            self.commas += usize::from(after.starts_with(','));
            self.points += usize::from(after.starts_with('.'));
        }
    }

    /// Returns what the prices say: a comma only where all are for it.
    pub(crate) fn result(self) -> DecimalMark {
        if self.commas > 0 && self.points == 0 {
            DecimalMark::Comma
        } else {
            DecimalMark::Point
        }
    }
}

/// Why a text is no price.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum PriceError {
    /// It is no number that could be told for sure.
    #[error("it is not a number")]
    Unreadable,
    /// It is below zero.
    #[error("it is negative")]
    Negative,
}

/// Reads a price: `12.99`, `$1,299.00`, `1.299,00 €`, `1'299.–`, `EUR 12,99`.
///
/// Where both marks occur the last is the decimal mark. A mark that occurs more than once separates
/// thousands. A single point is always the decimal mark, as machines write it. A single comma is
/// one too, unless exactly three digits follow it and the number does not begin with a 0: `1,299`
/// is one thousand two hundred and ninety-nine, `0,125` an eighth. In a file of decimal commas it is the
/// other way round: there `1.299` is the one with thousands, and `1,299` a little more than one.
///
/// # Errors
///
/// When the text is no number, or one below zero.
pub(crate) fn parse(text: &str, marks: DecimalMark) -> Result<Price, PriceError> {
    if text.len() > MAX_LEN {
        return Err(PriceError::Unreadable);
    }
    // As machines write it: nothing to take apart.
    if marks == DecimalMark::Point
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.ends_with(|last: char| last.is_ascii_digit())
        && let Ok(amount) = Decimal::from_str_exact(text)
    {
        return Ok(Price {
            amount,
            currency: None,
        });
    }
    let mut currency = None;
    let number = without_currency(text.trim(), &mut currency);
    let (negative, number) = without_sign(number, &mut currency);
    let number = canonical(number, marks).ok_or(PriceError::Unreadable)?;
    let amount = Decimal::from_str_exact(&number).map_err(|_| PriceError::Unreadable)?;
    if negative && !amount.is_zero() {
        Err(PriceError::Negative)
    } else {
        Ok(Price { amount, currency })
    }
}

/// Writes a price so that equal ones are written equally: without needless zeros, but with two
/// places rather than one, as money is written.
pub(crate) fn format(price: Decimal) -> String {
    let mut price = price.normalize();
    if price.scale() == 1 {
        price.rescale(2);
    }
    price.to_string()
}

fn without_currency<'a>(text: &'a str, found: &mut Option<&'static str>) -> &'a str {
    let (before, text) = currency::split_start(text);
    let (after, text) = currency::split_end(text);
    *found = found.or(before).or(after);
    text
}

/// Splits the sign off, wherever bookkeepers put it: `-5`, `5-`, `(5)`, `-$5`.
fn without_sign<'a>(text: &'a str, currency: &mut Option<&'static str>) -> (bool, &'a str) {
    if let Some(inner) = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
    {
        return (true, without_currency(inner.trim(), currency));
    }
    // `12,–` and `12.-` are round prices, not negative ones.
    for dashes in ["--", "-", "–", "—"] {
        let round = text
            .strip_suffix(dashes)
            .and_then(|text| text.strip_suffix(['.', ',']))
            .filter(|text| text.ends_with(|last: char| last.is_ascii_digit()));
        if let Some(number) = round {
            let (negative, number) = without_sign(number, currency);
            return (negative, number);
        }
    }
    if let Some(number) = text
        .strip_prefix(['-', '−', '–'])
        .or_else(|| text.strip_suffix('-'))
    {
        return (true, without_currency(number.trim(), currency));
    }
    (
        false,
        without_currency(text.strip_prefix('+').unwrap_or(text).trim(), currency),
    )
}

/// Turns digits with marks into digits with at most a decimal point.
fn canonical(text: &str, marks: DecimalMark) -> Option<String> {
    let points = text.matches('.').count();
    let commas = text.matches(',').count();
    let decimal_mark = match (points, commas) {
        (0, 0) => None,
        (1, 0) if marks == DecimalMark::Comma => (!is_thousands(text, '.')).then_some('.'),
        (1, 0) => Some('.'),
        (0, 1) if marks == DecimalMark::Comma => Some(','),
        (0, 1) => (!is_thousands(text, ',')).then_some(','),
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

/// Whether the one mark of a number separates thousands.
fn is_thousands(text: &str, mark: char) -> bool {
    text.split_once(mark).is_some_and(|(whole, rest)| {
        rest.len() == 3 && !whole.is_empty() && whole.len() <= 3 && !whole.starts_with('0')
    })
}

/// Joins the groups of a whole number: one kind of mark, three digits in every group but the first.
fn without_thousands(text: &str) -> Option<String> {
    let is_mark = |mark: char| matches!(mark, '.' | ',' | '\'' | '’') || mark.is_whitespace();
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
    let all_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let well_grouped = text.split(mark).enumerate().all(|(index, group)| {
        all_digits(group)
            && if index == 0 {
                (1..=3).contains(&group.len())
            } else {
                group.len() == 3
            }
    });
    well_grouped.then(|| text.split(mark).collect())
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Result<Decimal, PriceError> {
        parse(text, DecimalMark::Point).map(|price| price.amount)
    }

    #[test]
    fn a_price_can_say_what_it_is_in() {
        for (text, currency) in [
            ("12.99", None),
            ("$12.99", None),
            ("12.99 USD", Some("USD")),
            ("EUR 12,99", Some("EUR")),
            ("1.299,00 €", Some("EUR")),
            ("£9.99", Some("GBP")),
            ("12,50zł", Some("PLN")),
        ] {
            assert_eq!(
                parse(text, DecimalMark::Point).unwrap().currency,
                currency,
                "{text}"
            );
        }
    }

    #[test]
    fn a_price_is_read_as_people_write_it() {
        for (text, price) in [
            ("12.99", "12.99"),
            ("50", "50"),
            ("12.5", "12.50"),
            ("12.50", "12.50"),
            ("050.00", "50"),
            (".5", "0.50"),
            ("5.", "5"),
            ("0", "0"),
            ("-0.00", "0"),
            ("+3", "3"),
            ("12,99", "12.99"),
            ("0,125", "0.125"),
            ("1,299", "1299"),
            ("1.299", "1.299"),
            ("1299,5", "1299.50"),
            ("$1,299.00", "1299"),
            ("1.299,00 €", "1299"),
            ("1,234,567.89", "1234567.89"),
            ("1.234.567", "1234567"),
            ("1 299,00", "1299"),
            ("1\u{a0}299,00\u{a0}kr", "1299"),
            ("1\u{202f}299,00 €", "1299"),
            ("1'299.50", "1299.50"),
            ("CHF 1’299.–", "1299"),
            ("12,-", "12"),
            ("12,-- €", "12"),
            ("EUR 12,99", "12.99"),
            ("12.99 usd", "12.99"),
            ("US$ 7", "7"),
            ("kr. 7", "7"),
            ("  £9.99 ", "9.99"),
        ] {
            assert_eq!(amount(text).map(format).as_deref(), Ok(price), "{text:?}");
        }
    }

    #[test]
    fn a_file_of_decimal_commas_has_points_for_thousands() {
        for (text, price) in [
            ("1.299", "1299"),
            ("12,99", "12.99"),
            ("1,299", "1.299"),
            ("1.299,00 €", "1299"),
            ("0.125", "0.125"),
            ("12.99", "12.99"),
            ("5", "5"),
        ] {
            let amount = parse(text, DecimalMark::Comma).map(|price| format(price.amount));
            assert_eq!(amount.as_deref(), Ok(price), "{text:?}");
        }
    }

    #[test]
    fn the_prices_of_a_file_say_how_it_writes_them() {
        for (prices, marks) in [
            (&["12,99", "1.299", "7"][..], DecimalMark::Comma),
            (&["1.299,00 €", "1.299"], DecimalMark::Comma),
            (&["EUR 0,125", "x"], DecimalMark::Comma),
            (&["12,99", "12.99"], DecimalMark::Point),
            (&["1.299", "1,299", ""], DecimalMark::Point),
            (&["1,299.00"], DecimalMark::Point),
            (&[], DecimalMark::Point),
        ] {
            let mut vote = Vote::default();
            for price in prices {
                vote.count(price);
            }
            assert_eq!(vote.result(), marks, "{prices:?}");
        }
    }

    #[test]
    fn a_price_below_zero_is_told_from_no_price() {
        for text in [
            "-5",
            "−5",
            "5-",
            "(5.00)",
            "-$5",
            "$-5",
            "($1,000.00)",
            "-12,-",
        ] {
            assert_eq!(amount(text), Err(PriceError::Negative), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_told_for_sure_is_no_price() {
        for text in [
            "",
            " ",
            "$",
            "-",
            ".",
            ",",
            "abc",
            "N/A",
            "1e3",
            "12abc",
            "10kg",
            "5 for 3",
            "12 99",
            "1,29,00",
            "1.29,00",
            "1,2.3,4",
            "1.000,00.5",
            "12-14",
            "--5",
            "1..2",
            "٣",
            "0x10",
            "12.9.9",
            "99999999999999999999999999999999",
            "=A1*2",
        ] {
            assert_eq!(amount(text), Err(PriceError::Unreadable), "{text:?}");
        }
    }

    fn grouped(whole: u64, mark: char) -> String {
        let digits = whole.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(mark);
            }
            text.push(digit);
        }
        text
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = parse(&text, DecimalMark::Point);
            let _ = parse(&text, DecimalMark::Comma);
            Vote::default().count(&text);
        }

        #[test]
        fn any_number_like_text_is_read_without_a_panic(text in "[-+(]?[$€]?[0-9., '’]{0,12}[-–)€]?") {
            let _ = parse(&text, DecimalMark::Point);
            let _ = parse(&text, DecimalMark::Comma);
            Vote::default().count(&text);
        }

        #[test]
        fn what_is_written_is_read_back(units in 0_i64..=i64::MAX, scale in 0_u32..=12) {
            let price = Decimal::new(units, scale);
            let text = format(price);
            prop_assert_eq!(amount(&text), Ok(price));
            prop_assert_eq!(format(amount(&text).unwrap()), text);
        }

        #[test]
        fn thousands_marks_change_nothing(whole in 0_u64..10_000_000_000, cents in 0_u8..100) {
            let price = amount(&format!("{whole}.{cents:02}")).unwrap();
            for (thousands, decimal) in [(',', '.'), ('.', ','), (' ', ','), ('\'', '.'), ('’', '.')] {
                let text = format!("{}{decimal}{cents:02} €", grouped(whole, thousands));
                prop_assert_eq!(amount(&text), Ok(price), "{}", text);
            }
        }
    }
}
