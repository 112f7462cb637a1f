//! Numbers in names: `Stock #`, `Price 1-9`, `Preis 1`.

use super::{Known, NAMES, Word, known, meaning::Meaning, of_name};
use crate::checks;

/// Looks up a number with another word for it: `Stock #`, which is no count, `Model No.`.
pub(super) fn of_number(name: &str) -> Option<Known> {
    let mut words = ["#", " No.", " No", " no.", " no", " Nr.", " Nr"].iter();
    let base = words.find_map(|word| name.trim_end().strip_suffix(word))?;
    if base.is_empty() {
        return None;
    }
    let (word, rank) = of_name(&format!("{base} number"))?;
    let is_number = matches!(word.meaning(), Meaning::Sku);
    is_number.then(|| Known::of(word, rank, None))
}

/// Words before the quantity from which a price applies.
const FROM: &[&str] = &[
    "ab", "from", "desde", "dès", "da", "vanaf", "od", "от", "par", "fra", "från",
];

/// Looks up a price for a quantity: `10+ Price`, `Price 1-9`, `Price < 10 pcs`, `Preis ab 10`.
pub(super) fn of_quantity(name: &str) -> Option<Known> {
    let base = without_quantity(name)?;
    let of_pieces = || {
        let (base, unit) = base.trim_end().rsplit_once(' ')?;
        let unit = unit.trim_end_matches('.').to_lowercase();
        checks::is_pieces(&unit).then(|| of_name(base))?
    };
    let (word, rank) = of_name(&base).or_else(of_pieces)?;
    // Of those, the quantity decides, not the rest of the name.
    let rank = match of_name("Price") {
        Some((_, first)) if rank < NAMES.net => first,
        _ => rank,
    };
    (word == Word::Is(Meaning::Price)).then(|| Known::of(word, rank + 2 * NAMES.count, None))
}

/// Removes a quantity from a name.
fn without_quantity(name: &str) -> Option<String> {
    let number = |text: &str| {
        let end = text.find(|mark: char| !mark.is_ascii_digit());
        text.split_at_checked(end.unwrap_or(text.len()))
            .filter(|(digits, _)| !digits.is_empty())
            .and_then(|(digits, rest)| {
                Some((digits.parse::<u32>().ok()?, rest.trim_start().to_owned()))
            })
    };
    let start = name.find(|mark: char| mark.is_ascii_digit())?;
    let (before, rest) = name.split_at(start);
    let (first, after) = number(rest)?;
    let base = before
        .trim_end()
        .trim_end_matches(['<', '>', '=', '≤', '≥']);
    if let Some(after) = after.strip_prefix('+') {
        return Some(format!("{before} {after}"));
    }
    if base.len() < before.trim_end().len() {
        return Some(format!("{base} {after}"));
    }
    if let Some((base, word)) = base.rsplit_once(' ')
        && FROM.contains(&word.to_lowercase().as_str())
    {
        return Some(format!("{base} {after}"));
    }
    let (last, after) = number(after.strip_prefix(['-', '–'])?.trim_start())?;
    // `Price 2024-2025` is that of a season.
    let are_years = first >= 1900 && last == first + 1;
    (first < last && !are_years).then(|| format!("{before} {after}"))
}

/// Returns the first number in a name.
pub(crate) fn quantity(name: &str) -> Option<u32> {
    let mut numbers = name.split(|character: char| !character.is_ascii_digit());
    numbers.find(|digits| !digits.is_empty())?.parse().ok()
}

/// Looks up the first of several columns of a kind: `Satış Fiyatı 1`, `Försäljningspris A`.
pub(super) fn with_one(name: &str) -> Option<Known> {
    let name = name.trim_end();
    let base = name.strip_suffix('1').or_else(|| name.strip_suffix(" A"))?;
    let base = base.trim_end_matches([' ', '_', '-', '.']);
    if base.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    let known = known(base)?;
    let is_usual = matches!(
        known.word.meaning(),
        Meaning::Price | Meaning::Name | Meaning::Gtin | Meaning::Barcode
    );
    is_usual.then_some(Known {
        rank: known.rank + 2 * NAMES.count,
        ..known
    })
}
