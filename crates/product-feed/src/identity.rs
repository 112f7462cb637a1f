//! Computes the identity of a product across files.
//!
//! An identity is its source, a colon, and parts separated by `/`:
//!
//! | identity | source |
//! | --- | --- |
//! | `sku:AB-1` | a SKU |
//! | `handle:linen-shirt/Blue/L` | a Shopify variant without a SKU: handle and option values |
//! | `parent:tee/Blue` | a WooCommerce variation without a SKU: parent and attribute values |
//! | `gtin:4006381333931` | only a barcode |
//! | `id:743` | only an ID |
//!
//! `/` and `\` within one of several parts are escaped by `\`, so that identities are unique. Trailing empty
//! parts are dropped.

use crate::price;

/// Shopify's option value of products without options.
const NO_OPTION: &str = "Default Title";

/// Placeholders for a missing identifier.
const PLACEHOLDERS: &[&str] = &[
    "n/a",
    "na",
    "n.a.",
    "n.a",
    "#n/a",
    "none",
    "null",
    "nil",
    "nan",
    "undefined",
    "tbd",
    "tba",
    "tbc",
    "t.b.d.",
    "unknown",
    "no sku",
    "nosku",
    "no barcode",
    "not applicable",
    "does not apply",
    "not available",
    "missing",
    "keine",
    "kein",
    "ohne",
    "k.a.",
    "k. a.",
    "unbekannt",
    "nicht zutreffend",
    "nicht vorhanden",
    "aucun",
    "aucune",
    "sans",
    "inconnu",
    "ninguno",
    "ninguna",
    "no aplica",
    "sin sku",
    "nessuno",
    "nessuna",
    "geen",
    "n.v.t.",
    "nvt",
    "onbekend",
    "brak",
    "nie dotyczy",
    "nenhum",
    "sem sku",
    "yok",
    "нет",
    "н/д",
    "なし",
    "無し",
    "无",
    "無",
    "暂无",
    "#nv",
    "#bezug!",
    "#wert!",
    "(blank)",
    "(none)",
    "(null)",
    "blank",
    "empty",
    "leer",
    "folgt",
    "offen",
    "pending",
    "to follow",
    "xxx",
    "à définir",
    "por definir",
    "da definire",
    "neuvedeno",
    "bez sku",
    "belirtilmemiş",
    "not set",
    "not assigned",
    "unassigned",
    "(empty)",
    "s/n",
    "s/ref",
    "sin referencia",
    "n.d.",
    "n/d",
    "n.c.",
    "n/c",
    "pendiente",
    "por asignar",
    "non défini",
    "non renseigné",
    "senza codice",
    "senza sku",
    "sem referência",
    "nicht vergeben",
    "keine angabe",
    "ohne nummer",
    "noch offen",
    "do uzupełnienia",
    "nincs",
    "uden",
    "saknas",
    "ingen",
    "без артикула",
    "отсутствует",
    "немає",
    "未設定",
    "未定",
    "未设置",
    "없음",
];

/// Whether a text identifies a product.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Key {
    /// It does.
    Good,
    /// It is a placeholder.
    Placeholder,
    /// A spreadsheet program changed it.
    Mangled,
}

/// Checks whether a text identifies a product.
pub(crate) fn check(text: &str) -> Key {
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'=') && is_formula(text) {
        return Key::Mangled;
    }
    // Fast path: nearly every SKU starts with a letter and ends with a digit.
    let is_usual = bytes.first().is_some_and(u8::is_ascii_uppercase)
        && bytes.last().is_some_and(u8::is_ascii_digit);
    if bytes.len() > 24 || (is_usual && !is_month_and_number(text)) {
        return Key::Good;
    }
    if is_shortened_number(text) || is_day(text) {
        return Key::Mangled;
    }
    if price::is_spreadsheet_error(text)
        || bytes.iter().all(|byte| *byte == b'0')
        || !text.contains(char::is_alphanumeric)
    {
        return Key::Placeholder;
    }
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    if !has_digit {
        let lower = text.to_lowercase();
        if PLACEHOLDERS.contains(&lower.as_str()) {
            return Key::Placeholder;
        }
    } else if matches!(text, "0.0" | "0.00" | "0,0" | "0,00") {
        return Key::Placeholder;
    }
    Key::Good
}

/// Returns whether a spreadsheet program shortened a number: `4.00638E+12`.
fn is_shortened_number(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let Some(exponent) = exponent.strip_prefix('+') else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    is_number(exponent) && is_number(whole) && is_number(fraction)
}

/// Returns whether this is a date as spreadsheet programs show it: `2026-05-12`, `2026-05-12 00:00:00`, `5/12/2026`,
/// `12.05.2026`, and `Mar-15` or `15-Mar`, which they make of `MAR15` and `3-15`.
fn is_day(text: &str) -> bool {
    if is_month_and_number(text) || is_time(text) {
        return true;
    }
    let has_year = |mark: char| {
        let parts: Vec<_> = text.split(mark).collect();
        parts.len() == 3
            && parts[2].len() == 4
            && parts
                .iter()
                .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if (has_year('/') || has_year('.')) && price::is_date(text) {
        return true;
    }
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "0:00"));
    let is_iso = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    time.contains(':')
        && date.len() == 10
        && date.bytes().enumerate().all(is_iso)
        && price::is_date(date)
}

/// Returns whether this is a time, which spreadsheet programs make of `12:50`.
fn is_time(text: &str) -> bool {
    let parts: Vec<_> = text.split(':').collect();
    let is_number = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number)
}

/// Returns whether this is a formula whose result is not in the file: `=A2&"-1"`.
fn is_formula(text: &str) -> bool {
    text.starts_with('=') && text.contains(['(', '&', '!', '+', '*', '$', '"'])
}

/// Returns whether this is a month and a number as spreadsheet programs show them: `Mar-15`, `15-Mar`, in German
/// `15. Mrz` and `Mrz 15`, in other languages only of months that are no words of a SKU, as `set-12` is.
fn is_month_and_number(text: &str) -> bool {
    const ENGLISH: &[&str] = &[
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const GERMAN: &[&str] = &[
        "Jan", "Feb", "Mrz", "Mär", "März", "Apr", "Mai", "Jun", "Juni", "Jul", "Juli", "Aug",
        "Sep", "Sept", "Okt", "Nov", "Dez",
    ];
    const OTHERS: &[&str] = &[
        "janv", "janv.", "févr", "févr.", "juil", "juil.", "août", "déc", "déc.", "ene", "abr",
        "dic", "giu", "lug", "ott", "mrt", "okt",
    ];
    if text.len() > 9 {
        return false;
    }
    let is_number =
        |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((one, two)) = text.split_once('-') {
        let is_month = |part: &str| {
            (3..=6).contains(&part.len()) && (ENGLISH.contains(&part) || OTHERS.contains(&part))
        };
        return (is_number(two) && is_month(one)) || (is_number(one) && is_month(two));
    }
    text.split_once(' ').is_some_and(|(one, two)| {
        let day = one.strip_suffix('.').unwrap_or("");
        (is_number(day) && GERMAN.contains(&two)) || (GERMAN.contains(&one) && is_number(two))
    })
}

/// Returns the identity of a SKU.
pub(crate) fn of_sku(sku: &str) -> String {
    format!("sku:{sku}")
}

/// Returns the identity of a handle's variant.
pub(crate) fn of_variant(handle: &str, options: &[&str]) -> String {
    match has_no_option(options) {
        true => joined("handle", handle, &[]),
        false => joined("handle", handle, options),
    }
}

/// Returns whether these are Shopify's options of a product without options.
pub(crate) fn has_no_option(options: &[&str]) -> bool {
    matches!(options, [option, rest @ ..]
        if *option == NO_OPTION && rest.iter().all(|part| part.is_empty()))
}

/// Returns the identity of a parent's variation.
pub(crate) fn of_variation(parent: &str, attributes: &[&str]) -> String {
    joined("parent", parent, attributes)
}

/// Returns the identity of a barcode.
pub(crate) fn of_gtin(gtin: &str) -> String {
    format!("gtin:{gtin}")
}

/// Returns the identity of a shop's product ID.
pub(crate) fn of_id(id: &str) -> String {
    format!("id:{id}")
}

fn joined(source: &str, first: &str, rest: &[&str]) -> String {
    let used = rest
        .iter()
        .rposition(|part| !part.is_empty())
        .map_or(0, |last| last + 1);
    let mut identity = format!("{source}:");
    push_escaped(&mut identity, first);
    for part in &rest[..used] {
        identity.push('/');
        push_escaped(&mut identity, part);
    }
    identity
}

fn push_escaped(identity: &mut String, part: &str) {
    for character in part.chars() {
        if matches!(character, '/' | '\\') {
            identity.push('\\');
        }
        identity.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identity_says_where_it_comes_from() {
        assert_eq!(of_sku("A/1"), "sku:A/1");
        assert_eq!(
            of_variant("shirt", &["Blue", "L", ""]),
            "handle:shirt/Blue/L"
        );
        assert_eq!(of_variant("shirt", &["", "L"]), "handle:shirt//L");
        assert_eq!(
            of_variant("shirt", &["Default Title", "", ""]),
            "handle:shirt"
        );
        assert_eq!(
            of_variant("shirt", &["Default Title", "L"]),
            "handle:shirt/Default Title/L"
        );
        assert_eq!(
            of_variation("tee", &["1/2", "a\\b"]),
            "parent:tee/1\\/2/a\\\\b"
        );
    }

    #[test]
    fn what_stands_for_none_is_no_identity() {
        for text in [
            "N/A", "-", "--", "0", "000", "none", "#REF!", "#N/A", "####", "TBD", "?", ".",
            "Keine", "なし",
        ] {
            assert_eq!(check(text), Key::Placeholder, "{text}");
        }
        for text in [
            "4.00638E+12",
            "4,00638E+12",
            "1E+5",
            "2026-05-12",
            "2026-05-12 00:00:00",
            "2026-05-12T00:00:00",
            "15. Mrz",
            "Mai 15",
            "15-janv.",
            "12:50:00",
            "=A2&\"-1\"",
            "=CONCATENATE(A2,\"-\",B2)",
        ] {
            assert_eq!(check(text), Key::Mangled, "{text}");
        }
        for text in [
            "A-1",
            "00123",
            "5E3",
            "1E10",
            "NONE-1",
            "X",
            "0-1",
            "2026-05-123",
            "26-05-12",
            "E+1",
            "No. 5",
            "set-12",
            "Mai 2015",
            "Juli-15",
            "=5",
        ] {
            assert_eq!(check(text), Key::Good, "{text}");
        }
    }

    proptest! {
        #[test]
        fn different_variants_have_different_identities(
            one in proptest::collection::vec("[ab/\\\\]{1,3}", 1..4),
            two in proptest::collection::vec("[ab/\\\\]{1,3}", 1..4),
        ) {
            let parts = |variant: &[String]| -> String {
                let rest: Vec<_> = variant[1..].iter().map(String::as_str).chain([""]).collect();
                of_variant(&variant[0], &rest)
            };
            prop_assert_eq!(parts(&one) == parts(&two), one == two);
        }
    }
}
