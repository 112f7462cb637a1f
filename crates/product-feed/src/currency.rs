//! Finds currencies in texts, from the table in `currencies.txt`.

use std::{collections::HashMap, sync::LazyLock};

/// The table of symbols and names.
const TABLE: &str = include_str!("currencies.txt");

/// Code of symbols that several currencies share.
const SHARED: &str = "???";

/// Former names of currencies.
const FORMER: [(&str, &str); 4] = [
    ("RUR", "RUB"),
    ("TRL", "TRY"),
    ("BYR", "BYN"),
    ("ROL", "RON"),
];

/// A currency of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Currency {
    /// Its ISO 4217 code.
    pub(crate) code: &'static str,
    /// Decimals by ISO 4217.
    pub(crate) minor_units: u32,
    /// Decimals in use, fewer if the smallest coins are worthless.
    pub(crate) decimals_in_use: u32,
    /// Whether its home region writes a decimal comma.
    pub(crate) has_decimal_comma: bool,
}

/// A symbol and its currency; `None` if shared.
type Sign = (&'static str, Option<&'static str>);

struct Table {
    by_code: HashMap<&'static str, Currency>,
    /// Longest first, because one can be a prefix of another.
    signs: Vec<Sign>,
    /// Keyed by lower-case name.
    by_name: HashMap<String, &'static str>,
}

static CURRENCIES: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        by_code: HashMap::new(),
        signs: Vec::new(),
        by_name: HashMap::new(),
    };
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split('|');
        let facts = parts.next().unwrap_or_default();
        let mut facts = facts.split_whitespace();
        let (Some(code), Some(minor), Some(in_use), Some(mark)) =
            (facts.next(), facts.next(), facts.next(), facts.next())
        else {
            continue;
        };
        let told = (code != SHARED).then_some(code);
        if told.is_some() {
            table.by_code.insert(
                code,
                Currency {
                    code,
                    minor_units: minor.parse().unwrap_or(2),
                    decimals_in_use: in_use.parse().unwrap_or(2),
                    has_decimal_comma: mark == ",",
                },
            );
        }
        let mut listed = parts.map(|list| {
            list.split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
        });
        let signs = listed.next().into_iter().flatten();
        table.signs.extend(signs.map(|sign| (sign, told)));
        let names = listed.next().into_iter().flatten();
        for name in names {
            table.by_name.entry(name.to_lowercase()).or_insert(code);
        }
    }
    table
        .signs
        .sort_by_key(|(sign, _)| std::cmp::Reverse(sign.len()));
    table
});

/// Returns a currency by its code.
pub(crate) fn of_code(code: &str) -> Option<Currency> {
    CURRENCIES.by_code.get(code).copied()
}

/// Returns the code for a code, symbol or name in any case.
pub(crate) fn code(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let of_name = || {
        let name = text.to_lowercase();
        let names = &CURRENCIES.by_name;
        // `Canadian dollars`
        let one = || names.get(name.strip_suffix('s')?);
        names.get(&name).or_else(one).copied()
    };
    iso(text)
        .or_else(|| CURRENCIES.signs.iter().find(|(sign, _)| *sign == text)?.1)
        .or_else(of_name)
}

/// Returns whether several currencies share a symbol.
pub(crate) fn is_shared_sign(text: &str) -> bool {
    let mut signs = CURRENCIES.signs.iter();
    signs.any(|(sign, code)| code.is_none() && *sign == text.trim())
}

/// Splits a currency off the start: code, if unambiguous, and rest.
pub(crate) fn split_start(text: &str) -> Option<(Option<&'static str>, &str)> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if let Some(code) = text.get(..3).and_then(iso) {
        let rest = &text[3..];
        // A symbol beside the code: `USD$`.
        if !rest.starts_with(char::is_alphabetic) {
            return Some((Some(code), rest.trim_start()));
        }
    }
    let found = CURRENCIES.signs.iter().find_map(|(sign, code)| {
        let rest = without_start(text, sign)?;
        is_apart(sign, rest.chars().next()).then_some((*code, rest))
    });
    let (code, rest) = found?;
    Some((code, rest.trim_start()))
}

/// Splits a currency off the end.
pub(crate) fn split_end(text: &str) -> Option<(Option<&'static str>, &str)> {
    if text.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    let start = text.len().saturating_sub(3);
    if let Some(code) = text.get(start..).and_then(iso) {
        let rest = &text[..start];
        if !rest.ends_with(char::is_alphabetic) {
            return Some((Some(code), rest.trim_end()));
        }
    }
    let found = CURRENCIES.signs.iter().find_map(|(sign, code)| {
        let at = text.len().checked_sub(sign.len())?;
        let rest = text.get(..at)?;
        let is_it = text[at..].eq_ignore_ascii_case(sign);
        (is_it && is_apart(sign, rest.chars().next_back())).then_some((*code, rest))
    });
    let (code, rest) = found.or_else(|| name_at_end(text))?;
    Some((code, rest.trim_end()))
}

/// Splits the name of a currency off the end: `12 dollars`. Pounds are also a weight.
fn name_at_end(text: &str) -> Option<(Option<&'static str>, &str)> {
    let at = text
        .char_indices()
        .rev()
        .take_while(|(_, character)| character.is_alphabetic() || *character == ' ')
        .last()?
        .0;
    let name = text[at..].trim().to_lowercase();
    let code = CURRENCIES.by_name.get(&name)?;
    (!name.starts_with("pound")).then_some((Some(*code), &text[..at]))
}

/// Strips a symbol from the start, also with a space within, as in `US $`.
fn without_start<'a>(text: &'a str, sign: &str) -> Option<&'a str> {
    let starts = |sign: &str| {
        text.get(..sign.len())
            .filter(|start| start.eq_ignore_ascii_case(sign))
            .map(|_| &text[sign.len()..])
    };
    if let Some(rest) = starts(sign) {
        return Some(rest);
    }
    let letters = sign
        .strip_suffix('$')
        .filter(|letters| !letters.is_empty())?;
    let rest = starts(letters)?.trim_start();
    rest.strip_prefix('$')
}

/// Returns whether a symbol of letters is not part of a longer word.
fn is_apart(sign: &str, neighbour: Option<char>) -> bool {
    !sign.chars().all(char::is_alphabetic) || !neighbour.is_some_and(char::is_alphabetic)
}

fn iso(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if bytes.len() != 3 || !bytes.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    if let Some(currency) = CURRENCIES.by_code.get(text) {
        return Some(currency.code);
    }
    let code = text.to_ascii_uppercase();
    let now = FORMER.iter().find(|(former, _)| *former == code);
    let code = now.map_or(code.as_str(), |(_, now)| now);
    CURRENCIES.by_code.get(code).map(|currency| currency.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let lines = TABLE
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut codes = 0;
        for line in lines {
            assert_eq!(line.matches('|').count(), 2, "{line}");
            let facts: Vec<_> = line.split('|').next().unwrap().split_whitespace().collect();
            assert_eq!(facts.len(), 4, "{line}");
            assert!(facts[1].parse::<u32>().unwrap() <= 3, "{line}");
            assert!(facts[2].parse::<u32>().unwrap() <= 3, "{line}");
            assert!(matches!(facts[3], "." | ","), "{line}");
            codes += 1;
        }
        assert_eq!(codes, CURRENCIES.by_code.len() + 1);
        assert_eq!(of_code("JPY").unwrap().minor_units, 0);
        assert_eq!(of_code("KWD").unwrap().minor_units, 3);
        assert_eq!(of_code("COP").unwrap().decimals_in_use, 0);
    }

    #[test]
    fn a_currency_is_known_by_code_sign_and_name() {
        for (text, known) in [
            ("eur", Some("EUR")),
            ("€", Some("EUR")),
            ("Euro", Some("EUR")),
            ("US Dollar", Some("USD")),
            ("HRK", Some("HRK")),
            ("RUR", Some("RUB")),
            ("złoty", Some("PLN")),
            ("円", Some("JPY")),
            ("$", None),
            ("XXQ", None),
            ("", None),
        ] {
            assert_eq!(code(text), known, "{text}");
        }
        assert!(is_shared_sign("$") && is_shared_sign("kr") && !is_shared_sign("€"));
    }
}
