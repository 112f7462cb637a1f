//! Formats numbers as a spreadsheet program shows them, where that changes their meaning: dates, leading
//! zeros, percentages, currencies.

use std::fmt::Write as _;

use rust_decimal::{Decimal, RoundingStrategy};

const MAX_DIGITS: usize = 32;

const MAX_SYMBOL: usize = 8;

/// A number format.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Format {
    /// General.
    #[default]
    General,
    /// A date, optionally with a time.
    Date { has_time: bool },
    /// A time of day or a duration.
    Time,
    /// A percentage.
    Percent,
    /// Digits among other characters: `00000`, `000-00`.
    Digits(Vec<Piece>),
    /// An amount in a currency, rounded to so many decimals.
    Amount(Option<String>, Option<u32>),
}

/// Fewest decimals that a number is rounded to: in a format without any, a price still has its cents.
const FEWEST_DECIMALS: u32 = 2;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Piece {
    /// A digit, or zero.
    Zero,
    /// An optional digit.
    Digit,
    Character(char),
}

impl Format {
    /// Returns a built-in format by its number.
    pub(crate) fn built_in(number: u32) -> Self {
        match number {
            2 | 4 | 7 | 8 | 39 | 40 | 43 | 44 => Self::Amount(None, Some(FEWEST_DECIMALS)),
            9 | 10 => Self::Percent,
            14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Self::Date { has_time: false },
            22 => Self::Date { has_time: true },
            18..=21 | 32..=35 | 45..=47 | 55 | 56 => Self::Time,
            _ => Self::General,
        }
    }

    /// Parses a format code (ECMA-376, 18.8.31), for non-negative numbers.
    pub(crate) fn of_code(code: &str) -> Self {
        let mut parts = Parts::default();
        let mut characters = code.chars();
        while let Some(character) = characters.next() {
            match character {
                ';' => break,
                '"' => {
                    let literal: String = characters.by_ref().take_while(|it| *it != '"').collect();
                    parts.literal(&literal);
                }
                '\\' => {
                    if let Some(literal) = characters.next() {
                        parts.literal(literal.encode_utf8(&mut [0; 4]));
                    }
                }
                // Width of a character, or fill.
                '_' | '*' => {
                    characters.next();
                }
                '[' => {
                    let inner: String = characters.by_ref().take_while(|it| *it != ']').collect();
                    parts.bracket(&inner);
                }
                _ => parts.plain(character),
            }
        }
        parts.format(code)
    }

    /// Formats a number. `from_1904` selects the date system.
    pub(crate) fn show(&self, value: f64, from_1904: bool, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::General => text.write_str(&plain(value)),
            Self::Percent => write!(text, "{}%", fifteen_digits(value * 100.0)),
            Self::Amount(currency, decimals) => {
                text.push_str(&rounded(plain(value), *decimals));
                match currency {
                    Some(currency) => write!(text, " {currency}"),
                    None => Ok(()),
                }
            }
            Self::Date { has_time } => match date(value, from_1904) {
                Some(date) if *has_time => write!(text, "{date} {}", time(value)),
                Some(date) => text.write_str(&date),
                None => write!(text, "{}", fifteen_digits(value)),
            },
            Self::Time => text.write_str(&time(value)),
            Self::Digits(pieces) => match whole(value) {
                Some(digits) => {
                    text.push_str(&placed(&digits, pieces));
                    Ok(())
                }
                None => text.write_str(&plain(value)),
            },
        };
    }
}

/// Elements found in a format code.
#[derive(Default)]
struct Parts {
    pieces: Vec<Piece>,
    has_zero: bool,
    /// Has decimals, thousands or an exponent.
    is_amount: bool,
    has_exponent: bool,
    /// Places behind the point.
    decimals: Option<u32>,
    is_percent: bool,
    has_day: bool,
    has_hour: bool,
    /// Has `m`: month or minute.
    has_m: bool,
    is_span: bool,
    currency: Option<String>,
}

impl Parts {
    fn literal(&mut self, text: &str) {
        if is_currency(text.trim()) {
            self.currency = Some(text.trim().to_owned());
        }
        self.pieces.extend(text.chars().map(Piece::Character));
    }

    fn bracket(&mut self, inner: &str) {
        if let Some(currency) = inner.strip_prefix('$') {
            let symbol = currency.split('-').next().unwrap_or_default().trim();
            if !symbol.is_empty() && symbol.chars().count() <= MAX_SYMBOL {
                self.currency = Some(symbol.to_owned());
            }
        } else if matches!(
            inner.to_ascii_lowercase().trim_end_matches(['h', 'm', 's']),
            ""
        ) && !inner.is_empty()
        {
            self.is_span = true;
        }
    }

    fn plain(&mut self, character: char) {
        if let ('0' | '#' | '?', Some(decimals)) = (character, &mut self.decimals) {
            *decimals += 1;
        }
        match character {
            '0' => {
                self.has_zero = true;
                self.pieces.push(Piece::Zero);
            }
            '#' | '?' => self.pieces.push(Piece::Digit),
            '.' => {
                self.is_amount = true;
                self.decimals = Some(0);
            }
            ',' => self.is_amount = true,
            '%' => self.is_percent = true,
            'd' | 'D' | 'y' | 'Y' => self.has_day = true,
            'h' | 'H' | 's' | 'S' => self.has_hour = true,
            'm' | 'M' => self.has_m = true,
            'E' | 'e' | '@' => {
                self.is_amount = true;
                self.has_exponent = true;
            }
            '€' | '£' | '¥' => self.literal(character.encode_utf8(&mut [0; 4])),
            other => self.pieces.push(Piece::Character(other)),
        }
    }

    fn format(self, code: &str) -> Format {
        let is_general = code.trim().eq_ignore_ascii_case("general");
        let has_place = self
            .pieces
            .iter()
            .any(|piece| !matches!(piece, Piece::Character(_)));
        if is_general {
            Format::General
        } else if self.is_span || (self.has_hour && !self.has_day) {
            Format::Time
        } else if self.has_day || (self.has_m && !has_place) {
            Format::Date {
                has_time: self.has_hour,
            }
        } else if self.is_percent {
            Format::Percent
        } else if self.currency.is_some()
            || (!self.has_exponent && self.decimals >= Some(FEWEST_DECIMALS))
        {
            Format::Amount(self.currency, self.decimals)
        } else if !self.is_amount
            && self.has_zero
            && self.pieces.len() > 1
            && self.pieces.len() <= MAX_DIGITS
        {
            Format::Digits(self.pieces)
        } else {
            Format::General
        }
    }
}

/// Returns whether a text beside a number is a currency. Dollars are excluded: programs insert them by
/// default, for any country.
fn is_currency(text: &str) -> bool {
    matches!(
        text,
        "€" | "£"
            | "¥"
            | "zł"
            | "Kč"
            | "₽"
            | "₹"
            | "₺"
            | "₴"
            | "₩"
            | "₫"
            | "₪"
            | "₱"
            | "₦"
            | "฿"
            | "₸"
            | "Rp"
            | "Ft"
            | "lei"
            | "TL"
            | "RM"
            | "грн"
            | "грн."
            | "руб."
            | "лв"
            | "лв."
    ) || text.len() == 3 && crate::currency::code(text).is_some()
}

/// Rounds a number to the decimals that are shown.
fn rounded(digits: String, decimals: Option<u32>) -> String {
    let Some(decimals) = decimals.filter(|decimals| *decimals >= FEWEST_DECIMALS) else {
        return digits;
    };
    match Decimal::from_str_exact(&digits) {
        Ok(amount) if amount.scale() > decimals => amount
            .round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
            .to_string(),
        _ => digits,
    }
}

/// Returns the digits of a non-negative integer.
fn whole(value: f64) -> Option<String> {
    ((0.0..1e15).contains(&value) && value.fract() == 0.0).then(|| format!("{value:.0}"))
}

/// Fills digits into a pattern, from the last one.
fn placed(digits: &str, pieces: &[Piece]) -> String {
    let mut rest = digits.chars().rev();
    let mut first = pieces
        .iter()
        .position(|piece| !matches!(piece, Piece::Character(_)));
    let mut shown: Vec<char> = Vec::new();
    for (index, piece) in (0..pieces.len()).zip(pieces).rev() {
        match piece {
            Piece::Character(character) => shown.push(*character),
            Piece::Zero => shown.push(rest.next().unwrap_or('0')),
            Piece::Digit => shown.extend(rest.next()),
        }
        if first == Some(index) {
            shown.extend(rest.by_ref());
            first = None;
        }
    }
    shown.into_iter().rev().collect()
}

/// Converts a serial number to an ISO 8601 date.
fn date(value: f64, from_1904: bool) -> Option<String> {
    // 31 December 9999.
    if !(0.0..2_958_466.0).contains(&value) {
        return None;
    }
    let mut days = value.floor() as i64;
    if from_1904 {
        days += 1462;
    } else if days < 60 {
        // Excel treats 1900 as a leap year.
        days += 1;
    }
    // Days since 1 March 0000, so that leap days end the year (Hinnant).
    let days = days + 693_899;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// Converts the fraction of a serial number to a time; above one day, to hours.
fn time(value: f64) -> String {
    if !(0.0..1e9).contains(&value) {
        return fifteen_digits(value).to_string();
    }
    let of_day = if value < 1.0 { value } else { value.fract() };
    let seconds = (of_day * 86_400.0).round() as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// Writes a number as typed. One with more digits than a spreadsheet program stores is written as such a
/// program shows it (`1.23456789012346E+16`), which no check accepts as a SKU.
fn plain(value: f64) -> String {
    const MOST_EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || value.abs() < 1e15 {
        return fifteen_digits(value).to_string();
    }
    if value.abs() < MOST_EXACT && value % 10.0 != 0.0 {
        return format!("{value:.0}");
    }
    format!("{value:.14e}").replace('e', "E+")
}

/// Rounds to 15 significant digits, so that `12.990000000000002` is `12.99`.
fn fifteen_digits(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str, value: f64) -> String {
        let mut text = String::new();
        Format::of_code(code).show(value, false, &mut text);
        text
    }

    #[test]
    fn numbers_are_shown_as_their_format_says() {
        for (code, value, text) in [
            ("General", 1001.0, "1001"),
            ("0", 12.0, "12"),
            ("00000", 123.0, "00123"),
            ("00000", 1_234_567.0, "1234567"),
            ("00000", 1.5, "1.5"),
            ("000-00", 123.0, "001-23"),
            ("\"SKU-\"0000", 7.0, "SKU-0007"),
            ("###-000", 1234.0, "1-234"),
            ("#,##0.00", 1299.0, "1299"),
            ("0.00", 12.990_000_000_000_002, "12.99"),
            ("0%", 0.15, "15%"),
            ("0.00%", 0.155, "15.5%"),
            ("0.00E+00", 1e12, "1000000000000"),
            ("#,##0.00\\ [$€-407]", 12.5, "12.5 €"),
            ("[$-409]0.00", 12.5, "12.5"),
            ("\"$\"#,##0.00", 12.5, "12.5"),
            ("0.00 \"EUR\"", 12.5, "12.5 EUR"),
            ("_-* #,##0.00\\ \"zł\"_-;-* 0", 3.0, "3 zł"),
            ("dd/mm/yyyy", 46_154.0, "2026-05-12"),
            ("d\\. mmm", 46_154.0, "2026-05-12"),
            ("yyyy-mm-dd hh:mm", 46_154.5, "2026-05-12 12:00:00"),
            ("mmm-yy", 61.0, "1900-03-01"),
            ("d/m", 1.0, "1900-01-01"),
            ("h:mm", 0.5, "12:00:00"),
            ("[h]:mm", 0.25, "06:00:00"),
            ("[Red]0", 3.0, "3"),
            ("@", 3.0, "3"),
            ("\"unclosed", 3.0, "3"),
            ("\\", 3.0, "3"),
        ] {
            assert_eq!(shown(code, value), text, "{code}");
        }
    }

    #[test]
    fn any_number_and_code_are_shown() {
        for value in [
            -1.0,
            f64::MAX,
            f64::MIN,
            f64::NAN,
            f64::INFINITY,
            0.0,
            2_958_465.99,
        ] {
            for code in ["d", "h", "0", "00", "%", "€0", "", ";", "[", "_"] {
                shown(code, value);
            }
        }
    }
}
