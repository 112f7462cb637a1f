//! Currencies in names: `price (USD)`.

use super::{
    Known, NAMES, Word, known,
    meaning::Meaning,
    of_name,
    remarks::{split_remark, with_remark},
};
use crate::currency;

pub(super) fn with_currency(name: &str) -> Option<Known> {
    let of = |(base, currency)| {
        let known = known(base)?;
        Some(Known {
            rank: known.rank + NAMES.count,
            currency: Some(currency),
            ..known
        })
    };
    let of_shared = || {
        // The sign of several currencies tells none: `Price in $`.
        let (base, sign) = name.trim().rsplit_once(' ')?;
        let base = base.strip_suffix(" in").unwrap_or(base);
        let known = currency::is_shared_sign(sign).then(|| known(base))??;
        Some(Known {
            rank: known.rank + NAMES.count,
            ..known
        })
    };
    without_currency(name)
        .and_then(of)
        .or_else(of_shared)
        .or_else(|| {
            // `Your price USD (Sell on Amazon, US)`
            let (base, remark) = split_remark(name);
            let (base, currency) = without_currency(&base)?;
            let known = with_remark(base, &remark?)?;
            Some(Known {
                currency: Some(currency),
                ..known
            })
        })
}

/// Currencies whose code alone may name a price column.
pub(super) const USUAL: &[&str] = &[
    "EUR", "USD", "GBP", "CHF", "PLN", "CZK", "HUF", "RON", "SEK", "NOK", "DKK", "JPY", "CNY",
    "AUD", "CAD", "NZD", "BRL", "TRY", "RUB", "UAH", "INR",
];

/// Looks up a column named by a currency only: `EUR`, `€`.
pub(super) fn of_currency(name: &str) -> Option<Known> {
    let is_sign = !name.contains(|mark: char| mark.is_alphanumeric()) && !name.is_ascii();
    let code = (is_sign || USUAL.contains(&name)).then(|| currency::code(name))??;
    let (word, rank) = of_name("Price 1")?;
    Some(Known::of(word, rank + 4 * NAMES.count, Some(code)))
}

/// Finds a currency symbol that is not a letter: the `€` of `Price €`.
pub(super) fn sign_within(name: &str) -> Option<&'static str> {
    let mut signs = name
        .char_indices()
        .filter(|(_, mark)| !mark.is_ascii() && !mark.is_alphanumeric());
    signs.find_map(|(at, mark)| currency::code(&name[at..at + mark.len_utf8()]))
}

/// Splits off a currency: `Preis EUR`, `Preis in EUR`, `price_usd`, `EUR Price`, `Price, €`.
pub(super) fn without_currency(name: &str) -> Option<(&str, &'static str)> {
    let is_between = |character: char| {
        character.is_whitespace() || matches!(character, '_' | '-' | '/' | ',' | ':' | '.')
    };
    let trimmed = name.trim_matches(is_between);
    if let Some((at, mark)) = trimmed
        .char_indices()
        .rev()
        .find(|(_, mark)| is_between(*mark))
        && let Some(code) = currency::code(&trimmed[at + mark.len_utf8()..])
    {
        let base = trimmed[..at].trim_end_matches(is_between);
        let base = ["in", "en", "w", "em", "i", "в"]
            .iter()
            .find_map(|word| {
                let base = base.strip_suffix(word)?;
                base.ends_with(is_between)
                    .then(|| base.trim_end_matches(is_between))
            })
            .unwrap_or(base);
        return (!base.is_empty()).then_some((base, code));
    }
    if let Some((at, mark)) = trimmed.char_indices().find(|(_, mark)| is_between(*mark))
        && let Some(code) = currency::code(&trimmed[..at])
    {
        return Some((&trimmed[at + mark.len_utf8()..], code));
    }
    // A code without a separator: `priceUSD`.
    if let Some((base, code)) = USUAL
        .iter()
        .find_map(|code| Some((trimmed.strip_suffix(code)?, *code)))
        && base.ends_with(|last: char| last.is_lowercase())
    {
        return Some((base, currency::code(code)?));
    }
    let lower = trimmed.to_lowercase();
    if let Some(code) = USUAL
        .iter()
        .find(|code| lower.ends_with(&code.to_lowercase()))
        && let Some(base) = trimmed.get(..trimmed.len().saturating_sub(3))
        && of_name(base).is_some_and(|(word, _)| word == Word::Is(Meaning::Price))
    {
        return Some((base, currency::code(code)?));
    }
    // A symbol without a separator: `Preis€`, `価格円`.
    let last = trimmed.chars().next_back()?;
    let base = &trimmed[..trimmed.len() - last.len_utf8()];
    let code = currency::code(last.encode_utf8(&mut [0; 4]))?;
    (!last.is_ascii() && !base.is_empty()).then_some((base, code))
}
