//! Finds the meaning of a column by its name, from the table in `columns.txt`.

mod currencies;
mod meaning;
mod normalized;
mod numbers;
mod prices;
mod remarks;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, str::FromStr, sync::LazyLock};

use crate::checks;

use currencies::{of_currency, sign_within, with_currency};
pub use meaning::{Meaning, UnknownMeaning};
use normalized::{normalized, numbered};
pub(crate) use numbers::quantity;
use numbers::{of_number, of_quantity, with_one};
pub(crate) use prices::{adds_tax, is_for_customers, is_for_traders, is_of_tax, is_other_price};
use prices::{in_cents, of_alternatives, of_sale, of_tax_alone, with_tax};
use remarks::{split_remark, with_remark};

/// The table: one line per meaning.
const TABLE: &str = include_str!("../columns.txt");

/// The meaning of a name in the table, which may depend on other columns.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Word {
    /// Always this meaning.
    Is(Meaning),
    /// SKU if no other column is one and another is the name; else the name.
    NameOrSku,
    /// SKU if no other column is one; else the product's number.
    Number,
    /// As `Number`; the row has no number of its own.
    ItemNumber,
    /// The name if there is no better one.
    Description,
    /// An image in any list; a plain `image` also identifies Google feeds.
    Picture,
}

impl FromStr for Word {
    type Err = UnknownMeaning;

    fn from_str(text: &str) -> Result<Self, UnknownMeaning> {
        Ok(match text {
            "name or sku" => Self::NameOrSku,
            "number" => Self::Number,
            "item number" => Self::ItemNumber,
            "description" => Self::Description,
            "picture" => Self::Picture,
            meaning => Self::Is(meaning.parse()?),
        })
    }
}

impl Word {
    /// Returns the meaning if no other column matters.
    pub(crate) fn meaning(self) -> Meaning {
        match self {
            Self::Is(meaning) => meaning,
            Self::NameOrSku | Self::Description => Meaning::Name,
            Self::Number | Self::ItemNumber => Meaning::Sku,
            Self::Picture => Meaning::Image,
        }
    }
}

/// A match in the table: meaning, rank (lower is better) and currency.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Known {
    pub(crate) word: Word,
    pub(crate) rank: usize,
    pub(crate) currency: Option<&'static str>,
    /// Whether the amounts are in hundredths: `price_cents`.
    pub(crate) is_in_cents: bool,
}

impl Known {
    fn of(word: Word, rank: usize, currency: Option<&'static str>) -> Self {
        Self {
            word,
            rank,
            currency,
            is_in_cents: false,
        }
    }
}

struct Names {
    exact: HashMap<String, (Word, usize)>,
    /// Prefixes of names with any suffix.
    beginnings: Vec<(String, Word, usize)>,
    /// The words of each name, by their first letter.
    words: HashMap<char, Vec<(Vec<String>, Word, usize)>>,
    count: usize,
    /// Rank of the first price that customers do not pay.
    net: usize,
    /// Rank of the first price of traders or of a pack.
    trade: usize,
}

/// The first price in the table that customers do not pay.
const FIRST_NET: &str = "Net price";

/// The first price in the table that is one of traders or of a pack.
const FIRST_TRADE: &str = "Unit wholesale price";

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names {
        exact: HashMap::new(),
        beginnings: Vec::new(),
        words: HashMap::new(),
        count: 0,
        net: usize::MAX,
        trade: usize::MAX,
    };
    for (word, name) in entries() {
        let rank = names.count;
        names.count += 1;
        match name {
            FIRST_NET => names.net = rank,
            FIRST_TRADE => names.trade = rank,
            _ => {}
        }
        if let Some(beginning) = name.strip_suffix("_*") {
            names.beginnings.push((normalized(beginning), word, rank));
            continue;
        }
        let words = name.split(|character: char| !character.is_alphanumeric());
        let words = words.map(normalized).filter(|word| !word.is_empty());
        if let Some(first) = normalized(name).chars().next() {
            let of_letter = names.words.entry(first).or_default();
            of_letter.push((words.collect(), word, rank));
        }
        let key = if name.contains(" #") || name.contains("#") {
            numbered(name)
        } else {
            normalized(name)
        };
        names.exact.entry(key).or_insert((word, rank));
    }
    names
});

/// Iterates over the table's names in order.
fn entries() -> impl Iterator<Item = (Word, &'static str)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(word, names)| Some((word.parse().ok()?, names)))
        .flat_map(|(word, names)| names.split(", ").map(move |name| (word, name.trim())))
        .filter(|(_, name)| !name.is_empty())
}

/// Looks up a column name. Names without a parenthesised remark rank better.
pub(crate) fn look_up(cell: &str) -> Option<Known> {
    if cell.len() > MAX_NAME {
        return None;
    }
    // Google feeds prefix names.
    let cell = cell.trim();
    let cell = cell
        .strip_prefix("g:")
        .or_else(|| cell.strip_prefix("g_"))
        .unwrap_or(cell);
    let cell = within_brackets(cell);
    if UNITS.iter().any(|unit| unit.eq_ignore_ascii_case(cell)) {
        return None;
    }
    let known = of_number(cell)
        .or_else(|| of_quantity(cell))
        .or_else(|| known(cell))
        .or_else(|| in_cents(cell))
        .or_else(|| with_currency(cell))
        .or_else(|| of_currency(cell))
        .or_else(|| with_language(cell))
        .or_else(|| of_gtin_codes(cell))
        .or_else(|| with_one(cell))
        .or_else(|| in_pieces(cell))
        .or_else(|| of_stock_at_hand(cell))
        .or_else(|| in_camel_case(cell))
        .or_else(|| of_tax_alone(cell))
        .or_else(|| of_table(cell))
        .or_else(|| of_alternatives(cell))
        .or_else(|| of_short_words(cell));
    known.map(behind_customer_prices)
}

/// Names that the table would know but for their punctuation: a `Price/unit` is a price.
const UNITS: &[&str] = &["Price unit", "Preiseinheit", "Stock unit"];

/// Ranks net prices below every price that customers pay, whatever the remarks, and trade prices below those:
/// `Retail price (inc VAT)` goes before `Trade price`.
fn behind_customer_prices(known: Known) -> Known {
    let classes = match known.rank % NAMES.count {
        _ if known.word != Word::Is(Meaning::Price) => 0,
        rank if rank >= NAMES.trade => 4,
        rank if rank >= NAMES.net => 2,
        _ => 0,
    };
    Known {
        rank: known.rank + classes * NAMES.count,
        ..known
    }
}

/// Unwraps `[PRICE_WITH_VAT "Default"]`.
fn within_brackets(cell: &str) -> &str {
    let inner = cell
        .strip_prefix('[')
        .and_then(|cell| cell.strip_suffix(']'));
    inner
        .filter(|inner| !inner.contains(['[', ']']))
        .and_then(|inner| inner.split('"').next())
        .map_or(cell, str::trim)
}

/// Kinds of numbers that identify a product in trade.
const GTIN_CODES: &[&str] = &["gtin", "ean", "upc", "isbn", "jan", "barcode"];

/// Words for a code or number.
const CODE_WORDS: &[&str] = &[
    "code", "codes", "codice", "codigo", "cod", "kod", "koodi", "number", "num", "no", "nr",
    "nummer", "numero", "numer",
];

/// Looks up GTIN kinds in any language: `GTIN, UPC, EAN eller ISBN`, `EAN/Barcode`, `CODICE_ISBN`.
fn of_gtin_codes(name: &str) -> Option<Known> {
    let words = name
        .split(|character: char| !character.is_alphanumeric())
        .map(normalized)
        .filter(|word| !word.is_empty());
    let (codes, others): (Vec<_>, Vec<_>) =
        words.partition(|word| GTIN_CODES.contains(&word.as_str()));
    let (word, rank) = match (&codes[..], &others[..]) {
        ([_, _, ..], [] | [_]) => of_name("GTIN"),
        ([code], [other]) if CODE_WORDS.contains(&other.as_str()) => of_name(code),
        _ => None,
    }?;
    Some(Known::of(word, rank + NAMES.count, None))
}

/// Names of tables before those of their columns.
const TABLES: &[&str] = &[
    "products",
    "product",
    "items",
    "item",
    "variants",
    "variant",
    "catalog",
    "p",
    "data",
    "node",
    "fields",
    "attributes",
    "articles",
    "article",
    "offer",
    "description",
    "product_descriptions",
];

/// Looks up a column after its table's name, or with it: `products.sku`, `/product/price@gross`.
fn of_table(name: &str) -> Option<Known> {
    const MARKS: [char; 4] = ['.', ':', '/', '@'];
    let (path, column) = name
        .rsplit_once(MARKS)
        .filter(|(_, column)| !column.trim().is_empty())?;
    let table = path.trim_end_matches(MARKS).rsplit(MARKS).next()?;
    if TABLES.contains(&table.to_lowercase().as_str()) {
        known(column)
    } else {
        known(&format!("{table} {column}"))
    }
}

/// Looks up a stock or price with its unit: `Остаток, шт.`, `Цена, руб./шт.`, `Prijs per stuk`.
fn in_pieces(name: &str) -> Option<Known> {
    let (base, unit) = name.rsplit_once([',', '/', ' '])?;
    let unit = unit.trim().trim_end_matches('.').to_lowercase();
    if !checks::is_pieces(&unit) {
        return None;
    }
    let mut pers = [" per", " pro", " je", " par", " por", " za", " за", " in"].iter();
    let base = pers.find_map(|per| base.strip_suffix(per)).unwrap_or(base);
    let of_base = of_name(base).map(|(word, rank)| Known::of(word, rank, None));
    let known = of_base.or_else(|| with_currency(base))?;
    matches!(known.word, Word::Is(Meaning::Stock | Meaning::Price)).then_some(Known {
        rank: known.rank + NAMES.count,
        ..known
    })
}

/// Words beside those for a stock, without accents: `Estoque atual`, `Lagerbestand aktuell`.
const AT_HAND: &[&str] = &[
    "total",
    "all",
    "gesamt",
    "aktuell",
    "aktueller",
    "aktuelle",
    "current",
    "actual",
    "actuel",
    "actuelle",
    "atual",
    "attuale",
    "available",
    "verfugbar",
    "verfugbarer",
    "verfugbare",
    "dispo",
    "disponible",
    "disponibile",
    "disponivel",
    "disponibles",
    "disponibel",
    "disponibelt",
    "dostepna",
    "dostepny",
    "dostepne",
    "dostupny",
    "dostupne",
    "celkem",
    "celkom",
    "razem",
    "beschikbaar",
    "beschikbare",
    "aanwezig",
    "aanwezige",
    "vrij",
    "vrije",
    "frei",
    "freier",
    "freie",
    "physique",
    "fisico",
    "actueel",
    "disponibil",
    "tillgangligt",
    "tilgjengelig",
    "tilgaengelig",
    "mevcut",
    "fiili",
    "opening",
    "initial",
    "initiale",
    "iniziale",
    "inicial",
    "toplam",
];

/// Looks up a stock whose name says that it is the one at hand.
fn of_stock_at_hand(name: &str) -> Option<Known> {
    let words = name
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let (at_hand, base): (Vec<_>, Vec<_>) =
        words.partition(|word| AT_HAND.contains(&normalized(word).as_str()));
    let (word, rank) = of_name(&base.join(" "))?;
    let is_stock = word == Word::Is(Meaning::Stock) && !at_hand.is_empty();
    is_stock.then(|| Known::of(word, rank + NAMES.count, None))
}

/// Looks up a name whose words begin with capitals: `SalePriceIncTax`.
fn in_camel_case(name: &str) -> Option<Known> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut last = 'A';
    for character in name.chars() {
        if last.is_ascii_lowercase() && character.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(character);
        last = character;
    }
    (spaced.len() > name.len()).then(|| known(&spaced))?
}

/// Looks up a name with shortened words: `Artikelbez.`, `Codice art.`. All that it can be short for must mean the same.
fn of_short_words(name: &str) -> Option<Known> {
    let parts = name.split_inclusive(|character: char| !character.is_alphanumeric());
    let parts: Vec<_> = parts
        .map(|part| (normalized(part), part.ends_with('.')))
        .filter(|(part, _)| !part.is_empty())
        .collect();
    if !parts.iter().any(|(_, is_short)| *is_short) {
        return None;
    }
    let is_for = |full: &Vec<String>| {
        let has_whole = full
            .iter()
            .zip(&parts)
            .any(|(full, (part, _))| full == part);
        full.len() == parts.len()
            && full.iter().zip(&parts).all(|(full, (part, is_short))| {
                // A short word by itself could be for many: half of it is enough.
                let is_long = has_whole || part.chars().count() * 2 >= full.chars().count();
                full == part || (*is_short && is_long && full.starts_with(part))
            })
    };
    let first = parts.first()?.0.chars().next()?;
    let of_letter = NAMES.words.get(&first)?;
    let mut found = of_letter.iter().filter(|(full, ..)| is_for(full));
    let (_, word, rank) = found.next()?;
    let is_usual = matches!(
        word.meaning(),
        Meaning::Sku
            | Meaning::Name
            | Meaning::Price
            | Meaning::SalePrice
            | Meaning::OtherPrice
            | Meaning::Stock
            | Meaning::Gtin
            | Meaning::Barcode
    );
    let is_sure = found.all(|(_, other, _)| other.meaning() == word.meaning());
    (is_usual && is_sure).then(|| Known::of(*word, *rank + NAMES.count, None))
}

/// Looks up a name without currency and language suffix. If there are several, not every order is tried.
fn known(name: &str) -> Option<Known> {
    if let Some((word, rank)) = of_name(name) {
        let currency = sign_within(name);
        let has_sign = currency.is_some() || name.contains('$');
        let class = usize::from(has_sign) * NAMES.count;
        return Some(Known {
            // A yes/no question: `Skladem?`.
            word: match word {
                Word::Is(Meaning::Stock) if name.ends_with('?') => Word::Is(Meaning::Availability),
                word => word,
            },
            rank: rank + class,
            currency,
            is_in_cents: false,
        });
    }
    let (base, remark) = split_remark(name);
    let known = remark
        .as_deref()
        .and_then(|remark| with_remark(&base, remark));
    known.or_else(|| with_tax(name)).or_else(|| of_sale(name))
}

/// Returns whether a column of images is named so plainly that it may hold names and paths: `Image`.
pub(crate) fn may_be_paths(name: &str) -> bool {
    let plain = of_name("Image").filter(|(word, _)| *word == Word::Picture);
    let is_plain = |(word, rank): (Word, usize)| {
        word == Word::Picture && plain.is_some_and(|(_, first)| rank >= first)
    };
    of_name(name).is_some_and(is_plain)
}

fn is_small_word(word: &str) -> bool {
    matches!(
        word,
        "with" | "mit" | "avec" | "con" | "s" | "z" | "c" | "of"
    )
}

/// Languages of columns side by side.
const LANGUAGES: &[&str] = &[
    "en", "de", "fr", "es", "it", "nl", "pl", "pt", "tr", "ru", "ja", "zh", "cs", "sk", "sv", "da",
    "fi", "nb", "no", "hu", "ro", "el", "uk", "ko", "eng", "deu", "ger", "fra", "fre", "spa",
    "ita", "nld", "dut", "pol", "por", "tur", "rus", "jpn", "zho", "chi", "ces", "cze",
];

/// Looks up a name with a language: `name-en_US`, `title_de`, `Name/de`, `Title DE`, `NL_Title`.
fn with_language(name: &str) -> Option<Known> {
    let of_front = || {
        let (before, base) = name.split_once('_')?;
        is_language(before).then_some(base)
    };
    let base = of_front().or_else(|| without_language(name))?;
    let known = known(base)?;
    let is_text = matches!(known.word, Word::Is(Meaning::Name) | Word::Description);
    is_text.then_some(Known {
        rank: known.rank + NAMES.count,
        ..known
    })
}

/// Splits a language off the end, with or without its region.
fn without_language(name: &str) -> Option<&str> {
    const MARKS: [char; 5] = ['-', '_', '.', ':', '/'];
    // A small word behind a space is none: `Nom de`.
    if let Some((base, last)) = name.rsplit_once(' ')
        && last.len() == 2
        && !last.contains(char::is_lowercase)
        && is_language(last)
    {
        return Some(base);
    }
    let (base, last) = name.rsplit_once(MARKS)?;
    let is_region = last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    let with_region = || {
        let (base, language) = base.rsplit_once(MARKS)?;
        (is_region && is_language(language)).then_some(base)
    };
    with_region().or_else(|| is_language(last).then_some(base))
}

fn is_language(text: &str) -> bool {
    let mut languages = LANGUAGES.iter();
    languages.any(|language| language.eq_ignore_ascii_case(text))
}

/// Maximum length of a name to look up.
const MAX_NAME: usize = 200;

fn of_name(name: &str) -> Option<(Word, usize)> {
    let normal = normalized(name);
    if normal.is_empty() {
        return None;
    }
    if let Some(known) = NAMES.exact.get(&normal) {
        return Some(*known);
    }
    if (normal.contains(|character: char| character.is_ascii_digit()) || name.contains('#'))
        && let Some(known) = NAMES.exact.get(&numbered(name))
    {
        return Some(*known);
    }
    let mut beginnings = NAMES.beginnings.iter();
    beginnings
        .find(|(beginning, ..)| normal.len() > beginning.len() && normal.starts_with(beginning))
        .map(|(_, word, rank)| (*word, *rank))
}
