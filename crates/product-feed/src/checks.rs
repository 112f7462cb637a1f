//! What is checked of a product beside its price.

use thiserror::Error;

use crate::price::{self, DecimalMark};

/// The most characters of an address.
const MAX_URL: usize = 2000;

/// What people put where there is no number.
const NOTHING: &[&str] = &[
    "-",
    "–",
    "n/a",
    "na",
    "none",
    "null",
    "0",
    "does not apply",
    "nicht zutreffend",
    "no aplica",
    "ne s'applique pas",
];

/// Why a text is no Global Trade Item Number. The text is for people, after the number.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum GtinError {
    /// Excel has made a float of it.
    #[error("was shortened by a spreadsheet program; format the column as text")]
    Shortened,
    /// It has other characters than digits, or not as many as one has.
    #[error("is none: one has 8, 12, 13 or 14 digits")]
    Form,
    /// Its last digit is not what the others give.
    #[error("has a wrong check digit: it would be {0}")]
    CheckDigit(char),
}

/// Reads a GTIN (GS1 General Specifications, section 7.9) as GTIN-8, -12, -13 or -14, or an ISBN-10;
/// `None` where there is none. Hyphens and spaces in it, and zeros at its start that a spreadsheet
/// program took away, do not matter.
///
/// # Errors
///
/// When it is not one.
pub(crate) fn gtin(text: &str) -> Result<Option<String>, GtinError> {
    let text = text.trim();
    // How spreadsheets are told that it is a text.
    let text = text
        .strip_prefix("=\"")
        .and_then(|text| text.strip_suffix('"'))
        .or_else(|| text.strip_prefix('\''))
        .unwrap_or(text);
    if text.is_empty() || NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(None);
    }
    let digits: String = text
        .chars()
        .filter(|character| !matches!(character, ' ' | '-' | '\u{a0}'))
        .collect();
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    if is_isbn_10(digits) {
        return Ok(Some(digits.to_ascii_uppercase()));
    }
    if digits.contains(['e', 'E']) && digits.parse::<f64>().is_ok() {
        return Err(GtinError::Shortened);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(GtinError::Form);
    }
    let zeros = match digits.len() {
        8 | 12 | 13 | 14 => 0,
        7 => 1,
        10 | 11 => 12 - digits.len(),
        _ => return Err(GtinError::Form),
    };
    let number = format!("{}{digits}", "0".repeat(zeros));
    let right = check_digit(&number);
    if number.ends_with(right) {
        Ok(Some(number))
    } else {
        Err(GtinError::CheckDigit(right))
    }
}

/// Computes the last digit from the others: from the right they weigh 3, 1, 3, 1 …
fn check_digit(number: &str) -> char {
    let others = number
        .bytes()
        .rev()
        .skip(1)
        .zip([3_u32, 1].into_iter().cycle());
    let sum: u32 = others
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// Whether this is an ISBN as until 2006: nine digits and a check mark, weighed 10 to 1, modulo 11.
fn is_isbn_10(text: &str) -> bool {
    if text.len() != 10 {
        return false;
    }
    let values = text
        .chars()
        .enumerate()
        .map(|(index, character)| match character {
            'X' | 'x' if index == 9 => Some(10),
            character => character.to_digit(10),
        });
    let sum = values
        .zip((1..=10).rev())
        .map(|(value, weight)| value.map(|value| value * weight))
        .sum::<Option<u32>>();
    sum.is_some_and(|sum| sum % 11 == 0)
}

/// Reads the address of a page: an absolute one of http or https, or one within the shop, which
/// begins with a slash. `None` where there is none; an error where it is something else.
pub(crate) fn url(text: &str) -> Result<Option<&str>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > MAX_URL
        || text.contains(|mark: char| mark.is_whitespace() || mark.is_control())
    {
        return Err(());
    }
    if text.starts_with('/') {
        return Ok(Some(text));
    }
    let absolute = if starts_with_ignoring_case(text, "www.") {
        url::Url::parse(&format!("https://{text}"))
    } else if is_plain_address(text) {
        return Ok(Some(text));
    } else {
        url::Url::parse(text)
    };
    match absolute {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            Ok(Some(text))
        }
        _ => Err(()),
    }
}

/// Whether this is an address of the simplest form, which needs no parser: most are.
fn is_plain_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        host.contains('.')
            && !host.starts_with('.')
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            && !host.split('.').next_back().is_some_and(|last| {
                last.is_empty() || last.starts_with(|first: char| first.is_ascii_digit())
            })
    })
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// Whether a product can be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Availability {
    /// It can be had now.
    InStock,
    /// It cannot.
    OutOfStock,
    /// It can be ordered before it is there for the first time.
    Preorder,
    /// It can be ordered until it is there again.
    Backorder,
    /// It will not be had again.
    Discontinued,
}

impl Availability {
    /// Returns the word for it, which is Google's.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::OutOfStock => "out_of_stock",
            Self::Preorder => "preorder",
            Self::Backorder => "backorder",
            Self::Discontinued => "discontinued",
        }
    }
}

/// Words for whether a product can be had, without spaces and marks and in lower case.
#[rustfmt::skip] // one a line would hide the table
const AVAILABILITIES: &[(Availability, &[&str])] = &[
    (Availability::InStock, &[
        "instock", "available", "availablefororder", "yes", "true", "1", "limitedavailability",
        "onlineonly", "instoreonly", "auflager", "verfügbar", "lieferbar", "sofortlieferbar", "ja",
        "enstock", "disponible", "oui", "enexistencia", "sí", "si", "disponibile", "disponível",
        "opvoorraad", "leverbaar", "dostępny",
    ]),
    (Availability::OutOfStock, &[
        "outofstock", "unavailable", "notavailable", "soldout", "no", "false", "0", "nichtauflager",
        "nichtverfügbar", "nichtlieferbar", "ausverkauft", "nein", "enrupturedestock", "rupture",
        "indisponible", "non", "agotado", "sinexistencias", "esaurito", "nondisponibile",
        "esgotado", "nietopvoorraad", "uitverkocht", "nee", "niedostępny",
    ]),
    (Availability::Preorder, &["preorder", "presale", "vorbestellung", "vorbestellbar", "précommande"]),
    (Availability::Backorder, &["backorder", "onbackorder", "nachbestellt", "madetoorder"]),
    (Availability::Discontinued, &["discontinued", "disabled", "ausgelaufen", "eingestellt"]),
];

/// Reads whether a product can be had; an address of schema.org's does too.
pub(crate) fn availability(text: &str) -> Option<Availability> {
    let word = text.trim().rsplit('/').next().unwrap_or_default();
    let word: String = word
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    AVAILABILITIES
        .iter()
        .find(|(_, words)| words.contains(&word.as_str()))
        .map(|(availability, _)| *availability)
}

/// Reads how many there are: a whole number, below zero where more were sold than there were.
pub(crate) fn stock(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(count) = text.parse() {
        return Some(count);
    }
    // `3.0`, `12,000`, `1 200`; a half is none.
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.strip_suffix('+').unwrap_or(text);
    let count = price::parse(text, DecimalMark::Point).ok()?.amount;
    let count = count
        .is_integer()
        .then(|| count.normalize().to_string().parse::<i64>().ok())??;
    Some(if negative { -count } else { count })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gtin_is_read_as_it_comes() {
        for (text, number) in [
            ("4006381333931", Some("4006381333931")),
            ("4 006381 333931", Some("4006381333931")),
            ("40170725", Some("40170725")),
            ("036000291452", Some("036000291452")),
            ("36000291452", Some("036000291452")),
            ("00036000291452", Some("00036000291452")),
            ("978-3-16-148410-0", Some("9783161484100")),
            ("0-306-40615-2", Some("0306406152")),
            ("=\"4006381333931\"", Some("4006381333931")),
            ("4006381333931.0", Some("4006381333931")),
            ("", None),
            ("N/A", None),
            ("does not apply", None),
        ] {
            assert_eq!(gtin(text), Ok(number.map(str::to_owned)), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_gtin_says_why() {
        assert_eq!(gtin("4006381333932"), Err(GtinError::CheckDigit('1')));
        assert_eq!(gtin("4.00638E+12"), Err(GtinError::Shortened));
        assert_eq!(gtin("ABC-1"), Err(GtinError::Form));
        assert_eq!(gtin("123"), Err(GtinError::Form));
    }

    #[test]
    fn an_address_is_absolute_or_within_the_shop() {
        for good in [
            "https://shop.example.com/a?b=c#d",
            "http://shop.example.com",
            "HTTPS://shop.example.com/ü",
            "https://localhost:8080/x",
            "www.example.com/x",
            "/shirts/blue",
            "//cdn.example.com/x",
        ] {
            assert_eq!(url(good), Ok(Some(good)));
        }
        assert_eq!(url("  "), Ok(None));
        for bad in [
            "shirt",
            "ftp://example.com/x",
            "javascript:alert(1)",
            "https://",
            "https://a b.com",
            "https://1.2.3.999/",
        ] {
            assert_eq!(url(bad), Err(()), "{bad}");
        }
    }

    #[test]
    fn stock_is_a_whole_number() {
        for (text, count) in [
            ("3", Some(3)),
            ("-2", Some(-2)),
            ("3.0", Some(3)),
            ("1,200", Some(1200)),
            ("100+", Some(100)),
            ("0", Some(0)),
            ("3.5", None),
            ("many", None),
            ("", None),
        ] {
            assert_eq!(stock(text), count, "{text:?}");
        }
    }

    #[test]
    fn availability_is_told_in_many_words() {
        for (text, told) in [
            ("in stock", Some(Availability::InStock)),
            ("in_stock", Some(Availability::InStock)),
            ("Out of stock", Some(Availability::OutOfStock)),
            ("https://schema.org/PreOrder", Some(Availability::Preorder)),
            ("auf Lager", Some(Availability::InStock)),
            ("backorder", Some(Availability::Backorder)),
            ("perhaps", None),
        ] {
            assert_eq!(availability(text), told, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_gtin_with_its_check_digit_is_taken_and_with_any_other_is_not(
            digits in "[1-9][0-9]{11}", wrong in 1_u8..10,
        ) {
            let right = check_digit(&format!("{digits}0"));
            let good = format!("{digits}{right}");
            prop_assert_eq!(gtin(&good), Ok(Some(good.clone())));
            let other = char::from(b'0' + (right as u8 - b'0' + wrong) % 10);
            prop_assert_eq!(gtin(&format!("{digits}{other}")), Err(GtinError::CheckDigit(right)));
        }

        #[test]
        fn no_text_makes_a_check_panic(text in any::<String>()) {
            let _ = (gtin(&text), url(&text), stock(&text), availability(&text));
        }
    }
}
