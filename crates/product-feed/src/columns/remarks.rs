//! Remarks in brackets and after dashes: `Preis (netto)`.

use super::{
    Known, NAMES, Word,
    meaning::Meaning,
    normalized::folded,
    of_name,
    prices::{CENTS, TAXES, of_sale, with_tax},
};
use crate::currency;

pub(super) fn with_remark(base: &str, remark: &str) -> Option<Known> {
    let with_words = || {
        let known = with_tax(base).or_else(|| of_sale(base))?;
        Some((known.word, known.rank))
    };
    let Some((word, rank)) = of_name(base).or_else(with_words) else {
        // The remark can be the name: `Identifier (SKU)`.
        let (word, rank) = of_name(remark)?;
        let rank = rank + 4 * NAMES.count;
        return (word == Word::Is(Meaning::Sku)).then_some(Known::of(word, rank, None));
    };
    let is_price = matches!(word, Word::Is(Meaning::Price | Meaning::SalePrice));
    if !is_price {
        return Some(Known::of(word, rank + NAMES.count, None));
    }
    let words: Vec<String> = remark
        .split(|character: char| !character.is_alphanumeric())
        .map(|part| part.chars().map(folded).collect::<String>().to_lowercase())
        .filter(|part| !part.is_empty())
        .collect();
    let has = |known: &[&str]| words.iter().any(|part| known.contains(&part.as_str()));
    if has(OTHER_REMARKS) {
        return Some(Known::of(Word::Is(Meaning::OtherPrice), rank, None));
    }
    if has(CENTS) {
        return None;
    }
    // `Hinta (alv 0%)`
    let is_untaxed = has(TAXES) && words.iter().any(|part| part == "0");
    let class = if has(NET_REMARKS) || is_untaxed { 3 } else { 1 };
    let currency = currency::code(remark).or_else(|| {
        let mut parts = remark.split(|character: char| !character.is_alphanumeric());
        parts.find_map(currency::code)
    });
    Some(Known::of(word, rank + class * NAMES.count, currency))
}

/// Remarks on prices that products are not sold for.
pub(super) const OTHER_REMARKS: &[&str] = &[
    "old",
    "alt",
    "cost",
    "costs",
    "purchase",
    "ek",
    "einkauf",
    "previous",
    "was",
    "before",
    "compare",
    "strike",
    "crossed",
    "barre",
    "ancien",
    "anterior",
    "vecchio",
    "oude",
    "oud",
    "inkoop",
    "coste",
    "costo",
    "achat",
    "zakup",
    "compra",
    "acquisto",
    "custo",
    "kg",
    "kilo",
    "liter",
    "litre",
    "100g",
    "100ml",
    "stara",
    "eski",
    "старая",
    "закупка",
    "supply",
    "buying",
    "rrp",
    "msrp",
    "uvp",
    "deposit",
    "shipping",
    "minimum",
];

/// Remarks on net prices.
pub(super) const NET_REMARKS: &[&str] = &[
    "net",
    "nett",
    "netto",
    "neto",
    "subtotal",
    "excl",
    "exc",
    "excluded",
    "excluding",
    "exclusive",
    "excluido",
    "excluidos",
    "escl",
    "esclusa",
    "escluse",
    "esclusi",
    "uden",
    "uten",
    "utan",
    "brez",
    "be",
    "χωρίς",
    "fara",
    "ilman",
    "без",
    "ex",
    "ht",
    "hors",
    "without",
    "ohne",
    "zzgl",
    "bez",
    "sans",
    "sin",
    "senza",
    "sem",
    "eks",
    "ekskl",
    "exkl",
    "wholesale",
    "dealer",
    "trade",
    "b2b",
    "handler",
    "haendler",
    "reseller",
    "wiederverkaufer",
    "hurt",
    "hurtowa",
    "veroton",
    "verottomana",
    "税別",
    "未税",
    "haric",
    "税抜",
];

/// Splits off parenthesised remarks: `Price (EUR)`, `Price [net]`, `Price (gross) [EUR]`.
pub(super) fn split_remark(name: &str) -> (String, Option<String>) {
    let Some(start) = name.find(['(', '[', '（']) else {
        return (name.to_owned(), None);
    };
    let (before, rest) = name.split_at(start);
    let rest = rest.trim_start_matches(['(', '[', '（']);
    let (remark, after) = match rest.find([')', ']', '）']) {
        Some(end) => {
            let after = rest[end..].trim_start_matches([')', ']', '）']);
            (&rest[..end], after)
        }
        None => (rest, ""),
    };
    let (after, more) = split_remark(after);
    let remark = match more {
        Some(more) => format!("{remark} {more}"),
        None => remark.to_owned(),
    };
    (format!("{before} {after}"), Some(remark))
}
