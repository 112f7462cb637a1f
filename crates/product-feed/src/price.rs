//! Parses prices.

use std::{borrow::Cow, str::FromStr};

use rust_decimal::Decimal;
use thiserror::Error;

use crate::{
    cells::plain_text,
    currency::{self, Currency},
};

/// Maximum characters of a price.
const MAX_LEN: usize = 64;

/// Upper bound in any currency: anything larger is a barcode in the wrong column.
const TOO_MUCH: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0);

/// Maximum decimals of a price.
const MAX_DECIMALS: u32 = 12;

/// Ignored words before a price.
const BEFORE: &[&str] = &[
    "from",
    "only",
    "now",
    "ab",
    "nur",
    "je",
    "à partir de",
    "a partir de",
    "à",
    "dès",
    "desde",
    "solo",
    "da",
    "vanaf",
    "fra",
    "från",
    "od",
    "от",
    "ca.",
    "ca",
    "circa",
    "price:",
    "preis:",
    "approx.",
];

/// Ignored words after a price: units and tax.
const BEHIND: &[&str] = &[
    "each",
    "ea.",
    "ea",
    "piece",
    "pieces",
    "pc",
    "pc.",
    "pcs",
    "pcs.",
    "unit",
    "stk",
    "stk.",
    "stck",
    "stck.",
    "stück",
    "st",
    "st.",
    "pièce",
    "pce",
    "unité",
    "u",
    "ud",
    "ud.",
    "uds",
    "unidad",
    "pz",
    "pz.",
    "pezzo",
    "stuk",
    "stuks",
    "szt",
    "szt.",
    "sztuka",
    "ks",
    "шт",
    "шт.",
    "adet",
    "個",
    "个",
    "件",
    "инд",
    "db",
    "kpl",
    "stykk",
    "styck",
    "pár",
    "paar",
    "pair",
    "set",
    "item",
    "inkl. mwst.",
    "inkl. mwst",
    "inkl. ust.",
    "inkl. ust",
    "incl. vat",
    "inc. vat",
    "inc vat",
    "incl vat",
    "inc. gst",
    "inc gst",
    "excl. vat",
    "ex. vat",
    "ex vat",
    "exkl. mwst.",
    "exkl. mwst",
    "zzgl. mwst.",
    "zzgl. mwst",
    "ttc",
    "ht",
    "btw",
    "incl. btw",
    "excl. btw",
    "iva incluido",
    "iva incl.",
    "+ iva",
    "+iva",
    "+ vat",
    "+vat",
    "plus vat",
    "+ gst",
    "+gst",
    "plus gst",
    "ex gst",
    "ex. gst",
    "+ mwst.",
    "+ mwst",
    "+mwst",
    "+ ust",
    "zzgl. ust.",
    "zzgl. ust",
    "+ btw",
    "+ tva",
    "+ moms",
    "inkl. moms",
    "exkl. moms",
    "eks. moms",
    "ekskl. moms",
    "inkl. mva",
    "eks. mva",
    "incl. tax",
    "inc. tax",
    "excl. tax",
    "ex. tax",
    "ex tax",
    "+ tax",
    "brutto",
    "netto",
    "gross",
    "net",
    "税込",
    "税抜",
    "(税込)",
    "(税抜)",
    "含税",
    "s dph",
    "bez dph",
    "kdv dahil",
];

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

/// The decimal mark of a file's prices, where a price alone is ambiguous, such as `1.299`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DecimalMark {
    /// A point, or mixed: a single point is the decimal mark.
    #[default]
    Point,
    /// A comma, so that a point before three digits separates thousands.
    Comma,
}

/// An unknown decimal mark.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the decimal mark must be \"point\" or \"comma\"")]
pub struct UnknownDecimalMark;

impl DecimalMark {
    /// Returns its word on the wire.
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
    /// The first price whose only comma has three digits behind it. Beside semicolons it could be either.
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

/// Rounds what binary fractions leave: `19.990000000000002`.
fn without_noise(amount: Decimal) -> Decimal {
    /// Decimals that a computed price may have.
    const KEPT: u32 = 8;
    const NOISE: Decimal = Decimal::from_parts(1, 0, 0, false, MAX_DECIMALS);
    if amount.scale() <= MAX_DECIMALS {
        return amount;
    }
    let rounded = amount.round_dp(KEPT);
    if (rounded - amount).abs() < NOISE {
        rounded.normalize()
    } else {
        amount
    }
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

/// Returns whether a text is a spreadsheet error.
pub(crate) fn is_spreadsheet_error(text: &str) -> bool {
    const ERRORS: [&str; 10] = [
        "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#NV",
        "#BEZUG!",
    ];
    text.starts_with('#')
        && (ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text))
            || text.bytes().all(|byte| byte == b'#'))
}

/// Returns whether a text is a date as written by spreadsheet programs.
pub(crate) fn is_date(text: &str) -> bool {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    for mark in ['-', '/', '.'] {
        let parts: Vec<_> = date.split(mark).collect();
        if let [one, month, two] = parts[..] {
            let lengths = (one.len(), two.len());
            let is_known = matches!(lengths, (4, 1 | 2) | (1 | 2, 4))
                || (matches!(lengths, (1 | 2, 2)) && mark != '-');
            let number = |part: &str| part.parse::<u32>().ok();
            let is_day = |part: &str| number(part).is_some_and(|day| (1..=31).contains(&day));
            let is_month = match number(month) {
                Some(month_number) => (1..=31).contains(&month_number) && month.len() <= 2,
                None => is_month_name(month),
            };
            let has_day = if one.len() == 4 {
                is_day(two)
            } else {
                is_day(one)
            };
            if is_known && is_month && has_day && number(one).is_some() && number(two).is_some() {
                return true;
            }
        }
        if let [one, two] = parts[..]
            && mark != '/'
        {
            let is_number = |part: &str| part.len() <= 4 && part.parse::<u32>().is_ok();
            if (is_number(one) && is_month_name(two)) || (is_month_name(one) && is_number(two)) {
                return true;
            }
        }
    }
    // German Excel writes `12. Mai`.
    text.split_once(". ").is_some_and(|(day, month)| {
        let month = month.split(' ').next().unwrap_or_default();
        day.len() <= 2 && day.parse::<u32>().is_ok() && is_month_name(month)
    })
}

fn is_month_name(text: &str) -> bool {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "mär", "mrz", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct",
        "okt", "nov", "dec", "dez", "fév", "fev", "avr", "juin", "juil", "aoû", "déc", "ene",
        "abr", "ago", "dic", "gen", "mag", "giu", "lug", "set", "ott",
    ];
    let text = text.trim_end_matches('.').to_lowercase();
    text.chars().all(char::is_alphabetic)
        && MONTHS.iter().any(|month| text.starts_with(month))
        && text.len() <= 10
}

/// Signs as web pages write them.
const ENTITIES: &[(&str, &str)] = &[
    ("&euro;", "€"),
    ("&pound;", "£"),
    ("&yen;", "¥"),
    ("&dollar;", "$"),
    ("&nbsp;", " "),
    ("&#160;", " "),
    ("&#xa0;", " "),
    ("&thinsp;", " "),
    ("&#8364;", "€"),
    ("&#x20ac;", "€"),
    ("&#163;", "£"),
    ("&#165;", "¥"),
    ("&#36;", "$"),
    ("&#x24;", "$"),
];

/// Trims a price, and converts entities and full-width forms: `&euro;12`, `２，５００円`.
fn readable(text: &str) -> Cow<'_, str> {
    let text = plain_text(text);
    if text.contains('&') && text.contains(';') {
        let mut plain = text.to_lowercase();
        for (entity, sign) in ENTITIES {
            plain = plain.replace(entity, sign);
        }
        return Cow::Owned(plain.trim().to_owned());
    }
    let is_wide = |character: char| matches!(character, '！'..='～' | '￥' | '\u{3000}');
    if text.is_ascii() || !text.contains(is_wide) {
        return text;
    }
    let narrow = |character: char| match character {
        '￥' => '¥',
        '\u{3000}' => ' ',
        '！'..='～' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        character => character,
    };
    Cow::Owned(
        text.chars()
            .map(narrow)
            .collect::<String>()
            .trim()
            .to_owned(),
    )
}

/// The parts of a price.
struct Parts<'a> {
    is_negative: bool,
    /// Digits and marks.
    number: &'a str,
    currency: Option<&'static str>,
    /// Whether it has a comma and dashes instead of decimals.
    has_round_comma: bool,
}

impl<'a> Parts<'a> {
    /// Splits a text into parts; `None` if something around the number is unknown.
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = Parts {
            is_negative: false,
            number: text.trim(),
            currency: None,
            has_round_comma: false,
        };
        // Each round removes one affix; prices have few.
        for _ in 0..8 {
            let before = parts.number;
            parts.take_off()?;
            if parts.number == before {
                break;
            }
        }
        let number = parts.number;
        // A symbol between units and cents: `12€99`.
        let is_number = |character: char| {
            character.is_ascii_digit()
                || matches!(character, '.' | ',' | '\'' | '’' | '´' | '`')
                || character.is_whitespace()
        };
        (number.contains(|character: char| character.is_ascii_digit())
            && (number.chars().all(is_number) || parts.take_sign_within()))
        .then_some(parts)
    }

    fn take_off(&mut self) -> Option<()> {
        self.number = self
            .number
            .trim()
            .trim_end_matches(['*', '¹', '²', '³', '†'])
            .trim_end();
        if self
            .number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
            && self.number.ends_with(|last: char| last.is_ascii_digit())
        {
            return Some(());
        }
        if let Some(inner) = self
            .number
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
        {
            self.is_negative = true;
            self.number = inner;
            return Some(());
        }
        // `12,–`, `12.-` and `12:-` are round, not negative.
        for dashes in ["--", "-", "–", "—", "−"] {
            let round = self
                .number
                .strip_suffix(dashes)
                .and_then(|text| text.strip_suffix(['.', ',', ':']))
                .filter(|text| text.ends_with(|last: char| last.is_ascii_digit()));
            if let Some(number) = round {
                self.has_round_comma |= self.number[number.len()..].starts_with(',');
                self.number = number;
                return Some(());
            }
        }
        // India: `499/-`. East Africa: `499/=`.
        let ending = self.number.strip_suffix("/-");
        if let Some(number) = ending.or_else(|| self.number.strip_suffix("/=")) {
            self.number = number;
            return number
                .ends_with(|last: char| last.is_ascii_digit())
                .then_some(());
        }
        if let Some(number) = self
            .number
            .strip_prefix(['-', '−', '–'])
            .or_else(|| self.number.strip_suffix('-'))
        {
            // Two minus signs are invalid.
            if self.is_negative {
                return None;
            }
            self.is_negative = true;
            self.number = number;
            return Some(());
        }
        if let Some(number) = self.number.strip_prefix('+') {
            self.number = number;
            return (!number.starts_with(['+', '-'])).then_some(());
        }
        if let Some((code, rest)) =
            currency::split_start(self.number).or_else(|| currency::split_end(self.number))
        {
            if let (Some(one), Some(other)) = (self.currency, code)
                && one != other
            {
                return None;
            }
            self.currency = self.currency.or(code);
            self.number = rest;
            return Some(());
        }
        self.number = without_words(self.number);
        Some(())
    }

    /// Removes a symbol between units and cents.
    fn take_sign_within(&mut self) -> bool {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(start) = self
            .number
            .find(|character: char| !character.is_ascii_digit())
        else {
            return false;
        };
        let (whole, rest) = self.number.split_at(start);
        let Some((sign, hundredths)) = rest
            .char_indices()
            .find(|(_, character)| character.is_ascii_digit())
            .map(|(at, _)| rest.split_at(at))
        else {
            return false;
        };
        let Some(code) = currency::code(sign) else {
            return false;
        };
        if !digits(whole) || !digits(hundredths) || hundredths.len() != 2 || self.currency.is_some()
        {
            return false;
        }
        self.currency = Some(code);
        true
    }
}

/// Strips ignored words.
fn without_words(text: &str) -> &str {
    for word in BEFORE {
        if let Some(start) = text.get(..word.len())
            && start.to_lowercase() == *word
            && text[word.len()..].starts_with(|next: char| !next.is_alphabetic())
        {
            return text[word.len()..].trim_start();
        }
    }
    for word in BEHIND {
        let Some(at) = text.len().checked_sub(word.len()) else {
            continue;
        };
        let Some(rest) = text.get(..at) else { continue };
        let is_joined =
            rest.ends_with(char::is_alphabetic) && word.starts_with(char::is_alphabetic);
        if is_joined || text[at..].to_lowercase() != *word {
            continue;
        }
        let rest = rest.trim_end();
        let rest = rest.strip_suffix('/').unwrap_or(rest).trim_end();
        for per in ["per", "pro", "par", "por", "je", "za", "за"] {
            if let Some(rest) = rest.strip_suffix(per) {
                return rest.trim_end();
            }
        }
        return rest;
    }
    without_unit(text)
}

/// Weights and volumes: a pack costs something else than a kilogram of it.
const MEASURES: &[&str] = &[
    "kg", "g", "gr", "kilo", "kilogram", "t", "lb", "lbs", "pound", "oz", "l", "lt", "ltr",
    "liter", "litre", "litro", "ml", "cl", "dl", "gal", "gallon", "кг", "г", "л", "мл", "斤",
    "公斤", "千克", "升",
];

/// Strips the unit of a price: `4.90/m`, `1.20 € / bottle`, `3 per dozen`. `12/May` is a date.
fn without_unit(text: &str) -> &str {
    let split = text.rsplit_once('/').or_else(|| {
        let (rest, unit) = text.rsplit_once(' ')?;
        let rest = [" per", " pro", " par", " por", " je", " al"]
            .iter()
            .find_map(|per| rest.strip_suffix(per))?;
        Some((rest, unit))
    });
    let Some((rest, unit)) = split else {
        return text;
    };
    let unit = unit.trim().trim_end_matches('.');
    let is_unit = (1..=12).contains(&unit.chars().count())
        && unit
            .chars()
            .all(|mark| mark.is_alphabetic() || matches!(mark, '²' | '³'))
        && !is_month_name(unit)
        && !MEASURES.contains(&unit.to_lowercase().as_str());
    if is_unit && rest.contains(|mark: char| mark.is_ascii_digit()) {
        rest.trim_end()
    } else {
        text
    }
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

/// Splits `12€99` at its symbol.
fn split_at_sign(text: &str) -> Option<(&str, &str)> {
    let is_digit = |character: char| character.is_ascii_digit();
    let start = text.find(|character| !is_digit(character))?;
    let (whole, rest) = text.split_at(start);
    let (sign, hundredths) = rest.split_at(rest.find(is_digit)?);
    (currency::code(sign).is_some() && hundredths.chars().all(is_digit))
        .then_some((whole, hundredths))
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
            ("050.00", "50.00"),
            (".5", "0.50"),
            ("5.", "5"),
            ("0", "0"),
            ("-0.00", "0.00"),
            ("+3", "3"),
            ("12,99", "12.99"),
            ("0,125", "0.125"),
            ("1,299", "1299"),
            ("1.299", "1.299"),
            ("1299,5", "1299.50"),
            ("$1,299.00", "1299.00"),
            ("1.299,00 €", "1299.00"),
            ("1,234,567.89", "1234567.89"),
            ("1.234.567", "1234567"),
            ("1 299,00", "1299.00"),
            ("1\u{a0}299,00\u{a0}kr", "1299.00"),
            ("1\u{202f}299,00 €", "1299.00"),
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
            ("1.299,00 €", "1299.00"),
            ("0.125", "0.125"),
            ("12.99", "12.99"),
            ("5", "5"),
        ] {
            let amount = parse(text, DecimalMark::Comma).map(|price| format(price.amount));
            assert_eq!(amount.as_deref(), Ok(price), "{text:?}");
        }
    }

    fn voted(
        prices: &[&str],
        currency: Option<&'static str>,
        semicolons: bool,
    ) -> Result<DecimalMark, String> {
        let mut vote = Vote::default();
        for price in prices {
            vote.count(price, currency);
        }
        vote.result(semicolons)
    }

    #[test]
    fn the_prices_of_a_file_say_how_it_writes_them() {
        for (prices, mark) in [
            (&["12,99", "1.299", "7"][..], DecimalMark::Comma),
            (&["1.299,00 €", "1.299"], DecimalMark::Comma),
            (&["EUR 0,125", "x"], DecimalMark::Comma),
            (&["1.250.000", "15.000"], DecimalMark::Comma),
            (&["1.299,-", "1.299"], DecimalMark::Comma),
            (&["1.299 €"], DecimalMark::Comma),
            (&["15.000 COP"], DecimalMark::Comma),
            (&["Rp 15.000"], DecimalMark::Comma),
            (&["12,99", "12.99"], DecimalMark::Point),
            (&["1,299.00"], DecimalMark::Point),
            (&["1,250,000", "1.299"], DecimalMark::Point),
            (&["1234.500", "1.299"], DecimalMark::Point),
            (&["0.125", "1.299"], DecimalMark::Point),
            (&["1.299 KWD"], DecimalMark::Point),
            (&["1,299", "899", ""], DecimalMark::Point),
            (&[], DecimalMark::Point),
        ] {
            assert_eq!(voted(prices, None, false), Ok(mark), "{prices:?}");
        }
    }

    #[test]
    fn a_file_whose_prices_could_be_both_is_asked_about_unless_something_else_speaks() {
        let prices = ["1.299", "899", "2.499"];
        assert_eq!(voted(&prices, None, false), Err("1.299".to_owned()));
        assert_eq!(voted(&prices, None, true), Ok(DecimalMark::Comma));
        assert_eq!(voted(&prices, Some("COP"), false), Ok(DecimalMark::Comma));
        assert_eq!(voted(&prices, Some("EUR"), false), Ok(DecimalMark::Comma));
        assert_eq!(voted(&prices, Some("USD"), false), Err("1.299".to_owned()));
        assert_eq!(voted(&prices, Some("BHD"), false), Ok(DecimalMark::Point));
        assert!(voted(&["12,99", "12.99", "1.299"], None, false).is_err());
        assert!(voted(&["1,299", "899"], None, true).is_err());
        assert_eq!(voted(&["1,299", "0,5"], None, true), Ok(DecimalMark::Comma));
        assert_eq!(
            voted(&["1,299", "899"], None, false),
            Ok(DecimalMark::Point)
        );
    }

    #[test]
    fn a_currency_without_decimals_has_marks_for_thousands_alone() {
        for (text, price) in [
            ("15.000 COP", "15000"),
            ("Rp 15.000", "15000"),
            ("1.250.000 ₫", "1250000"),
            ("1,299円", "1299"),
            ("₩1.299", "1299"),
            ("15.50 COP", "15.50"),
            ("1.299 KWD", "1.299"),
        ] {
            assert_eq!(amount(text).map(format).as_deref(), Ok(price), "{text:?}");
        }
        let told = parse_in("15.000", DecimalMark::Point, Some("COP"));
        assert_eq!(
            told.map(|price| format(price.amount)).as_deref(),
            Ok("15000")
        );
    }

    #[test]
    fn a_price_may_have_signs_and_words_beside_it() {
        for (text, price, currency) in [
            ("$12.99 USD", "12.99", Some("USD")),
            ("US $12.99", "12.99", Some("USD")),
            ("Rs. 1,299.00", "1299.00", None),
            ("₹ 1,29,900.00", "129900.00", Some("INR")),
            ("RM 12.90", "12.90", Some("MYR")),
            ("HK$12.00", "12.00", Some("HKD")),
            ("NZ$12.00", "12.00", Some("NZD")),
            ("AU$12.00", "12.00", Some("AUD")),
            ("R$ 12,90", "12.90", Some("BRL")),
            ("1 299:-", "1299", None),
            ("1,299円", "1299", Some("JPY")),
            ("1 299 руб.", "1299", Some("RUB")),
            ("1 299,50 ₽", "1299.50", Some("RUB")),
            ("12.99*", "12.99", None),
            ("ab 12.99 €", "12.99", Some("EUR")),
            ("from $5", "5", None),
            ("12.99 €/Stk", "12.99", Some("EUR")),
            ("12.99 € / Stück", "12.99", Some("EUR")),
            ("£4.50 each", "4.50", Some("GBP")),
            ("4,50 € inkl. MwSt.", "4.50", Some("EUR")),
            ("12€99", "12.99", Some("EUR")),
            ("Fr. 12.50", "12.50", Some("CHF")),
            ("'12.99", "12.99", None),
            ("=\"12.99\"", "12.99", None),
            ("1299 Ft", "1299", Some("HUF")),
            ("1 299 Kč", "1299", Some("CZK")),
            ("GBP 12.99", "12.99", Some("GBP")),
            ("12,50 zł", "12.50", Some("PLN")),
            ("1\u{2009}299,00 €", "1299.00", Some("EUR")),
            ("\u{200b}12.99", "12.99", None),
            ("12.99 Euro", "12.99", Some("EUR")),
            ("TL 1.299,90", "1299.90", Some("TRY")),
            ("₺1.299,90", "1299.90", Some("TRY")),
            ("S/ 12.90", "12.90", Some("PEN")),
            ("$4.90/m", "4.90", None),
            ("19.95 € / m²", "19.95", Some("EUR")),
            ("1,20 €/bouteille", "1.20", Some("EUR")),
            ("5.00 USD per dozen", "5.00", Some("USD")),
            ("£12.50 + VAT", "12.50", Some("GBP")),
            ("KES 990/=", "990", Some("KES")),
            ("12 dollars", "12", Some("USD")),
            ("990 тенге", "990", Some("KZT")),
            ("1 299,00 DH", "1299.00", None),
            ("&euro;12.50", "12.50", Some("EUR")),
            ("12.50&nbsp;&pound;", "12.50", Some("GBP")),
            ("CHF&nbsp;12.50", "12.50", Some("CHF")),
            ("US&nbsp;&#36;12.50", "12.50", Some("USD")),
            ("19.990000000000002", "19.99", None),
        ] {
            let read = parse(text, DecimalMark::Point);
            let read = read.map(|price| (format(price.amount), price.currency));
            assert_eq!(read, Ok((price.to_owned(), currency)), "{text:?}");
        }
        for text in [
            "26.00 €/kg",
            "26.00 € per litre",
            "12/May",
            "12/100",
            "€12 USD",
            "12-14 €",
            "+-5",
            "12€9",
            "2 for 5",
            "12 x 3",
            "4 pounds",
            "0.1234567890123",
        ] {
            assert!(parse(text, DecimalMark::Point).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_and_errors_are_told_from_prices() {
        for text in [
            "2026-05-12",
            "12.05.2026",
            "12. Mai",
            "12-May",
            "5/12/2026",
            "2026-05-12 00:00:00",
            "12. Mai 2026",
        ] {
            assert_eq!(amount(text), Err(PriceError::Date), "{text}");
        }
        for text in ["#N/A", "#REF!", "#VALUE!", "#####"] {
            assert_eq!(amount(text), Err(PriceError::Spreadsheet), "{text}");
        }
    }

    #[test]
    fn a_price_keeps_the_digits_it_was_written_with() {
        for (text, written) in [
            ("419.00", "419.00"),
            ("419", "419"),
            ("12.10", "12.10"),
            ("12.5", "12.50"),
            ("19.900000", "19.90"),
            ("20.0000", "20.00"),
            ("0.1250", "0.125"),
        ] {
            assert_eq!(amount(text).map(format).as_deref(), Ok(written), "{text}");
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
            Vote::default().count(&text, None);
        }

        #[test]
        fn any_number_like_text_is_read_without_a_panic(text in "[-+(]?[$€]?[0-9., '’]{0,12}[-–)€]?") {
            let _ = parse(&text, DecimalMark::Point);
            let _ = parse(&text, DecimalMark::Comma);
            Vote::default().count(&text, None);
        }

        #[test]
        fn what_is_written_is_read_back(
            units in prop_oneof![0_i64..1_000_000_000_000, 0..=i64::MAX],
            scale in 0_u32..=12,
        ) {
            let price = Decimal::new(units, scale);
            prop_assume!(price < TOO_MUCH);
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
