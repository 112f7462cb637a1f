//! Parts a price from its sign, currency and words.

use std::borrow::Cow;

use super::other_values::is_month_name;
use crate::{cells::plain_text, columns, currency, entities::without_entities};

/// Ignored words before a price.
pub(super) const BEFORE: &[&str] = &[
    "from",
    "only",
    "now",
    "our price",
    "your price",
    "rrp",
    "msrp",
    "mrp",
    "srp",
    "uvp",
    "ab",
    "nur noch",
    "nur",
    "jetzt nur",
    "jetzt",
    "unser preis",
    "vk",
    "je",
    "à partir de",
    "a partir de",
    "prix",
    "precio",
    "prezzo",
    "prijs",
    "cena",
    "цена",
    "netto",
    "brutto",
    "net",
    "gross",
    "seulement",
    "ahora",
    "ora",
    "nu",
    "teraz",
    "tylko",
    "только",
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
    "price",
    "preis",
    "approx.",
];

/// Ignored words after a price: units and tax.
pub(super) const BEHIND: &[&str] = &[
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
    "la pièce",
    "pièce",
    "pce",
    "l'unité",
    "l’unité",
    "unité",
    "only",
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

/// Trims a price, and converts entities and digits: `&euro;12`, `２，５００円`, `١٢٫٥٠`.
pub(super) fn readable(text: &str) -> Cow<'_, str> {
    let text = plain_text(text.trim_matches(['“', '”', '„']));
    if text.contains('&') && text.contains(';') {
        let plain = without_entities(text.to_lowercase().into());
        return Cow::Owned(plain.trim().to_owned());
    }
    let narrow = |character: char| match character {
        '￥' => '¥',
        '\u{3000}' => ' ',
        '！'..='～' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        // Arabic and Persian digits and marks.
        '٠'..='٩' => char::from_digit(u32::from(character) - 0x660, 10).unwrap_or(character),
        '۰'..='۹' => char::from_digit(u32::from(character) - 0x6F0, 10).unwrap_or(character),
        '٫' => '.',
        '٬' => ',',
        character => character,
    };
    if text.is_ascii() || text.chars().all(|character| narrow(character) == character) {
        return text;
    }
    Cow::Owned(
        text.chars()
            .map(narrow)
            .collect::<String>()
            .trim()
            .to_owned(),
    )
}

/// The parts of a price.
pub(super) struct Parts<'a> {
    pub(super) is_negative: bool,
    /// Digits and marks.
    pub(super) number: &'a str,
    pub(super) currency: Option<&'static str>,
    /// Whether it has a comma and dashes instead of decimals.
    pub(super) has_round_comma: bool,
}

impl<'a> Parts<'a> {
    /// Splits a text into parts; `None` if something around the number is unknown.
    pub(super) fn of(text: &'a str) -> Option<Self> {
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
            .trim_end_matches(['*', '¹', '²', '³', '†', '!'])
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
            self.number = number.trim_end();
            return self
                .number
                .ends_with(|last: char| last.is_ascii_digit())
                .then_some(());
        }
        // `-,99` has no units; nobody writes less than nothing so.
        if let Some(cents) = self.number.strip_prefix(['-', '–', '—'])
            && cents.starts_with(',')
        {
            self.number = cents;
            return Some(());
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
        if let Some(number) = self.number.strip_prefix(['~', '≈']) {
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
        let code = currency::code(sign);
        // Sweden: `129:50`. `12:50` may be a time.
        let is_colon = sign == ":" && whole.len() > 2;
        if code.is_none() && !is_colon || code.is_some() && self.currency.is_some() {
            return false;
        }
        if !digits(whole) || !digits(hundredths) || hundredths.len() != 2 {
            return false;
        }
        self.currency = self.currency.or(code);
        true
    }
}

/// Strips ignored words.
pub(super) fn without_words(text: &str) -> &str {
    for word in BEFORE {
        if let Some(start) = text.get(..word.len())
            && start.to_lowercase() == *word
            && text[word.len()..].starts_with(|next: char| !next.is_alphabetic())
        {
            return text[word.len()..]
                .trim_start_matches(|mark: char| mark.is_whitespace() || mark == ':');
        }
    }
    if let Some(rest) = without_tax(text) {
        return rest;
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

/// Strips the rate of a tax: `inkl. 19 %`.
fn without_rate(text: &str) -> &str {
    text.strip_suffix('%').map_or(text, |rate| {
        rate.trim_end()
            .trim_end_matches(|mark: char| mark.is_ascii_digit() || matches!(mark, '.' | ','))
            .trim_end()
    })
}

/// Strips words for tax: `(inc VAT)`, `excl. BTW`, `IVA incl.`, `inkl. 19% MwSt.`.
fn without_tax(text: &str) -> Option<&str> {
    let words = text.trim_end_matches([')', ']']);
    let (rest, last) = words.rsplit_once(char::is_whitespace)?;
    let (rest, first) = without_rate(rest.trim_end())
        .rsplit_once(|mark: char| mark.is_whitespace() || matches!(mark, '(' | '['))?;
    columns::is_of_tax(first, last).then(|| rest.trim_end_matches(['(', '[', ' ']))
}

/// Weights and volumes: a pack costs something else than a kilogram of it.
pub(super) const MEASURES: &[&str] = &[
    "kg", "g", "gr", "kilo", "kilogram", "t", "lb", "lbs", "pound", "oz", "l", "lt", "ltr",
    "liter", "litre", "litro", "ml", "cl", "dl", "gal", "gallon", "кг", "г", "л", "мл", "斤",
    "公斤", "千克", "升",
];

/// Strips the unit of a price: `4.90/m`, `1.20 € / bottle`, `3 per dozen`. `12/May` is a date.
pub(super) fn without_unit(text: &str) -> &str {
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
