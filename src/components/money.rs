//! Formats prices.

use crate::i18n::locale::Locale;

/// Currencies shown by their symbol instead of their code.
const SIGNS: [(&str, &str); 6] = [
    ("EUR", "€"),
    ("USD", "$"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("INR", "₹"),
    ("PLN", "zł"),
];

/// Formats a price with its currency: `€1,299.00`, in German `1.299,00 €`. The digits do not change.
pub(crate) fn money(t: Locale, amount: &str, currency: Option<&str>) -> String {
    let number = number(t, amount);
    let Some(code) = currency else { return number };
    let sign = SIGNS.iter().find(|(other, _)| *other == code);
    match sign {
        Some((_, sign)) if t == Locale::English && *sign != "zł" => format!("{sign}{number}"),
        Some((_, sign)) => format!("{number}\u{a0}{sign}"),
        None => format!("{number}\u{a0}{code}"),
    }
}

/// Formats a decimal number with the separators of a language.
fn number(t: Locale, amount: &str) -> String {
    let (whole, decimals) = match amount.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (amount, None),
    };
    let whole = match whole.parse::<u64>() {
        Ok(whole) => t.count(whole),
        Err(_) => whole.to_owned(),
    };
    match decimals {
        Some(decimals) => format!("{whole}{}{decimals}", t.say(".", ",")),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_the_marks_of_the_language_and_all_its_digits() {
        use Locale::{English, German};
        for (t, amount, currency, written) in [
            (English, "1299.00", Some("EUR"), "€1,299.00"),
            (German, "1299.00", Some("EUR"), "1.299,00\u{a0}€"),
            (English, "4.5", Some("SEK"), "4.5\u{a0}SEK"),
            (English, "4.50", Some("PLN"), "4.50\u{a0}zł"),
            (German, "1000000", None, "1.000.000"),
            (
                English,
                "0.1234567890123456789",
                None,
                "0.1234567890123456789",
            ),
            (
                German,
                "99999999999999999999.5",
                None,
                "99999999999999999999,5",
            ),
        ] {
            assert_eq!(money(t, amount, currency), written);
        }
    }
}
