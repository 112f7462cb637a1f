//! Finds the meaning of a column by its name, from the table in `columns.txt`.

use std::{collections::HashMap, fmt, str::FromStr, sync::LazyLock};

use thiserror::Error;

use crate::{checks, currency};

/// The table: one line per meaning.
const TABLE: &str = include_str!("columns.txt");

/// The meaning of a column.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Meaning {
    /// The stock-keeping unit.
    Sku,
    /// The product's name.
    Name,
    /// The price.
    Price,
    /// A temporary lower price; the price if there is no other.
    SalePrice,
    /// A price that products are not sold for: cost, former price.
    OtherPrice,
    /// The currency of the prices.
    Currency,
    /// Shopify's product handle.
    Handle,
    /// An option value of a Shopify variant.
    Option,
    /// WooCommerce's parent product.
    Parent,
    /// Shopware's parent product ID.
    ParentId,
    /// An attribute value of a WooCommerce variation.
    Attribute,
    /// WooCommerce's product type.
    Kind,
    /// The kind of row: product, variant, other.
    Item,
    /// The store view of a translation.
    Store,
    /// A variant's SKU, if another column has the product's.
    VariantSku,
    /// A variant's surcharge on its product's price.
    Surcharge,
    /// The Global Trade Item Number.
    Gtin,
    /// A barcode, possibly a GTIN.
    Barcode,
    /// The shop's product number.
    Id,
    /// The URL of the product's page.
    Url,
    /// The stock.
    Stock,
    /// The availability.
    Availability,
    /// The URL of an image.
    Image,
    /// The error of an earlier import.
    Reason,
}

/// An unknown meaning.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a known field")]
pub struct UnknownMeaning;

pub(crate) const WORDS: [(Meaning, &str); 24] = [
    (Meaning::Sku, "sku"),
    (Meaning::Name, "name"),
    (Meaning::Price, "price"),
    (Meaning::SalePrice, "sale price"),
    (Meaning::OtherPrice, "other price"),
    (Meaning::Currency, "currency"),
    (Meaning::Handle, "handle"),
    (Meaning::Option, "option"),
    (Meaning::Parent, "parent"),
    (Meaning::ParentId, "parent id"),
    (Meaning::Attribute, "attribute"),
    (Meaning::Kind, "kind"),
    (Meaning::Item, "item"),
    (Meaning::Store, "store"),
    (Meaning::VariantSku, "variant sku"),
    (Meaning::Surcharge, "surcharge"),
    (Meaning::Gtin, "gtin"),
    (Meaning::Barcode, "barcode"),
    (Meaning::Id, "id"),
    (Meaning::Url, "url"),
    (Meaning::Stock, "stock"),
    (Meaning::Availability, "availability"),
    (Meaning::Image, "image"),
    (Meaning::Reason, "reason"),
];

impl Meaning {
    /// Returns its word in the table and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        WORDS
            .iter()
            .find(|(meaning, _)| *meaning == self)
            .map_or("", |(_, word)| word)
    }
}

impl FromStr for Meaning {
    type Err = UnknownMeaning;

    fn from_str(text: &str) -> Result<Self, UnknownMeaning> {
        WORDS
            .iter()
            .find(|(_, word)| *word == text)
            .map(|(meaning, _)| *meaning)
            .ok_or(UnknownMeaning)
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    count: usize,
    /// Rank of the first price that customers do not pay.
    net: usize,
}

/// The first price in the table that customers do not pay.
const FIRST_NET: &str = "Net price";

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names {
        exact: HashMap::new(),
        beginnings: Vec::new(),
        count: 0,
        net: usize::MAX,
    };
    for (word, name) in entries() {
        let rank = names.count;
        names.count += 1;
        if name == FIRST_NET {
            names.net = rank;
        }
        if let Some(beginning) = name.strip_suffix("_*") {
            names.beginnings.push((normalized(beginning), word, rank));
            continue;
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
    let known = of_quantity(cell)
        .or_else(|| known(cell))
        .or_else(|| in_cents(cell))
        .or_else(|| with_currency(cell))
        .or_else(|| of_currency(cell))
        .or_else(|| with_language(cell))
        .or_else(|| of_gtin_codes(cell))
        .or_else(|| with_one(cell))
        .or_else(|| in_pieces(cell))
        .or_else(|| of_tax_alone(cell))
        .or_else(|| of_table(cell));
    known.map(behind_customer_prices)
}

/// Ranks prices without tax and those of traders behind all that customers pay, whatever is remarked on these:
/// `Retail price (inc VAT)` goes before `Trade price`.
fn behind_customer_prices(known: Known) -> Known {
    let is_other = known.word == Word::Is(Meaning::Price) && known.rank % NAMES.count >= NAMES.net;
    Known {
        rank: known.rank + if is_other { 2 * NAMES.count } else { 0 },
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

/// Words for hundredths of a currency.
const CENTS: &[&str] = &[
    "cents",
    "cent",
    "pence",
    "centimes",
    "centimos",
    "céntimos",
    "centavos",
    "ct",
    "cts",
    "groszy",
    "öre",
    "øre",
    "копейки",
    "minor",
    "minor units",
];

/// Looks up a price in hundredths: `price_cents`, `Price (cents)`, `Preis in Cent`.
fn in_cents(name: &str) -> Option<Known> {
    let (base, remark) = split_remark(name);
    let is_cents = |word: &str| {
        let word = word.trim().to_lowercase();
        let word = word.strip_prefix("in ").unwrap_or(&word);
        CENTS.contains(&word)
    };
    let base = match remark {
        Some(remark) => is_cents(&remark).then_some(base)?,
        None => {
            let (base, word) = name.rsplit_once([' ', '_', '-'])?;
            let base = is_cents(word).then_some(base)?;
            let base = ["in", "en"]
                .iter()
                .find_map(|small| base.strip_suffix(small)?.strip_suffix([' ', '_', '-']))
                .unwrap_or(base);
            base.to_owned()
        }
    };
    let known = known(&base).or_else(|| with_currency(&base))?;
    let is_price = matches!(known.word, Word::Is(Meaning::Price | Meaning::SalePrice));
    is_price.then_some(Known {
        rank: known.rank + NAMES.count,
        is_in_cents: true,
        ..known
    })
}

/// Kinds of numbers that identify a product in trade.
const GTIN_CODES: &[&str] = &["gtin", "ean", "upc", "isbn", "jan", "barcode"];

/// Looks up a list of GTIN kinds in any language: `GTIN, UPC, EAN eller ISBN`, `EAN/Barcode`.
fn of_gtin_codes(name: &str) -> Option<Known> {
    let words = name
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let (mut codes, mut others) = (0, 0);
    for word in words {
        match GTIN_CODES.contains(&word.to_lowercase().as_str()) {
            true => codes += 1,
            false => others += 1,
        }
    }
    let (word, rank) = (codes > 1 && others <= 1).then(|| of_name("GTIN"))??;
    Some(Known::of(word, rank + NAMES.count, None))
}

/// Looks up a price that is named by its tax alone: `Inc. VAT`, `Con IVA`, `TTC`. "HT" alone is a height.
fn of_tax_alone(name: &str) -> Option<Known> {
    let words: Vec<_> = name
        .split(|character: char| !character.is_alphanumeric())
        .map(normalized)
        .filter(|word| !word.is_empty())
        .collect();
    let is_gross = |word: &String| GROSS.contains(&word.as_str());
    let is_net = |word: &String| NET_REMARKS.contains(&word.as_str());
    let base = match &words[..] {
        [word] if word == "ttc" => "Brutto",
        [one, tax] if TAXES.contains(&tax.as_str()) => {
            if is_net(one) || (one == "s" && tax == "iva") {
                "Netto"
            } else if is_gross(one) || is_with_tax(one, tax) {
                "Brutto"
            } else {
                return None;
            }
        }
        _ => return None,
    };
    let (word, rank) = of_name(base)?;
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
];

/// Looks up a column behind its table's name: `products.sku`.
fn of_table(name: &str) -> Option<Known> {
    let (table, column) = name.rsplit_once(['.', ':'])?;
    let table = table.rsplit(['.', ':']).next()?.to_lowercase();
    TABLES.contains(&table.as_str()).then(|| known(column))?
}

/// Looks up a stock with its unit: `Остаток, шт.`.
fn in_pieces(name: &str) -> Option<Known> {
    let (base, unit) = name.rsplit_once([',', '/'])?;
    let unit = unit.trim().trim_end_matches('.').to_lowercase();
    let (word, rank) = of_name(base).filter(|_| checks::is_pieces(&unit))?;
    (word == Word::Is(Meaning::Stock)).then(|| Known::of(word, rank + NAMES.count, None))
}

/// Looks up a price from a quantity on: `10+ Price`, `Price 10+`.
fn of_quantity(name: &str) -> Option<Known> {
    let (before, after) = name.split_once('+')?;
    let before = before.trim_end();
    let base = before.trim_end_matches(|digit: char| digit.is_ascii_digit());
    if base.len() == before.len() {
        return None;
    }
    let (word, rank) = of_name(&format!("{base} {after}"))?;
    (word == Word::Is(Meaning::Price)).then(|| Known::of(word, rank + 2 * NAMES.count, None))
}

/// Looks up the first of several columns of a kind: `Satış Fiyatı 1`.
fn with_one(name: &str) -> Option<Known> {
    let base = name.trim_end().strip_suffix('1')?;
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

/// Looks up a name without currency and language suffix. If there are several, not every order is tried.
fn known(name: &str) -> Option<Known> {
    if let Some((word, rank)) = of_name(name) {
        return Some(Known {
            // A yes/no question: `Skladem?`.
            word: match word {
                Word::Is(Meaning::Stock) if name.ends_with('?') => Word::Is(Meaning::Availability),
                word => word,
            },
            rank,
            currency: sign_within(name),
            is_in_cents: false,
        });
    }
    let (base, remark) = split_remark(name);
    let known = remark
        .as_deref()
        .and_then(|remark| with_remark(&base, remark));
    known.or_else(|| with_tax(name)).or_else(|| of_sale(name))
}

fn with_currency(name: &str) -> Option<Known> {
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
const USUAL: &[&str] = &[
    "EUR", "USD", "GBP", "CHF", "PLN", "CZK", "HUF", "RON", "SEK", "NOK", "DKK", "JPY", "CNY",
    "AUD", "CAD", "NZD", "BRL", "TRY", "RUB", "UAH", "INR",
];

/// Looks up a column named by a currency only: `EUR`, `€`.
fn of_currency(name: &str) -> Option<Known> {
    let is_sign = !name.contains(|mark: char| mark.is_alphanumeric()) && !name.is_ascii();
    let code = (is_sign || USUAL.contains(&name)).then(|| currency::code(name))??;
    let (word, rank) = of_name("Price 1")?;
    Some(Known::of(word, rank + 4 * NAMES.count, Some(code)))
}

/// Words for a price with tax.
const GROSS: &[&str] = &[
    "brutto",
    "bruto",
    "brut",
    "gross",
    "ttc",
    "lordo",
    "lorda",
    "incl",
    "inkl",
    "inc",
    "included",
    "including",
    "inclusive",
    "ivato",
    "dahil",
];

const TAXES: &[&str] = &[
    "tax",
    "taxes",
    "vat",
    "gst",
    "mwst",
    "ust",
    "steuer",
    "iva",
    "imp",
    "impuestos",
    "impuesto",
    "imposte",
    "tasse",
    "tva",
    "taxe",
    "btw",
    "moms",
    "mva",
    "dph",
    "kdv",
    "afa",
    "alv",
    "ндс",
    "пдв",
    "ддс",
    "ddv",
    "pdv",
    "pvm",
    "pvn",
    "φπα",
    "igv",
    "itbis",
];

/// Small words before one for tax that mean a price with it: `Cena s DPH`. In `PVP s/ IVA` the "s" is a short
/// "sin" or "sem".
const WITH_TAX: &[&str] = &[
    "s", "z", "sa", "ar", "su", "cu", "com", "con", "c", "mit", "avec", "med", "sis", "с", "з",
    "με", "with",
];

fn is_with_tax(word: &str, tax: &str) -> bool {
    WITH_TAX.contains(&word) && !(word == "s" && tax == "iva")
}

/// Looks up a price whose name says that it is a sale's: `PVP Oferta`, `Akciós bruttó ár`.
fn of_sale(name: &str) -> Option<Known> {
    let is_sale = |word: &str| SALES.contains(&normalized(word).as_str());
    let words = || {
        name.split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    if !words().any(is_sale) {
        return None;
    }
    let base: Vec<_> = words().filter(|word| !is_sale(word)).collect();
    let base = base.join(" ");
    let known = of_name(&base)
        .map(|(word, rank)| Known::of(word, rank, None))
        .or_else(|| with_tax(&base))?;
    (known.word == Word::Is(Meaning::Price)).then_some(Known {
        word: Word::Is(Meaning::SalePrice),
        rank: known.rank % NAMES.count + NAMES.count,
        ..known
    })
}

/// Words for a sale beside those for a price, without accents.
const SALES: &[&str] = &[
    "oferta",
    "offerta",
    "promo",
    "promocion",
    "promotion",
    "promocao",
    "promozione",
    "aktion",
    "aktions",
    "angebot",
    "sonder",
    "actie",
    "aanbieding",
    "akcios",
    "akcni",
    "akcyjna",
    "promocyjna",
    "kampanj",
    "kampanje",
    "kampanya",
    "indirimli",
    "акция",
    "акционная",
    "special",
    "discounted",
];

/// Looks up a price name that mentions tax: `Prezzo lordo`, `retail_price_excluding_tax`. Gross prices rank
/// as without the mention, net ones last.
fn with_tax(name: &str) -> Option<Known> {
    let words = name.split(|character: char| !character.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let (mut is_gross, mut is_net) = (false, false);
    let mut currency = None;
    let mut base = String::new();
    let words: Vec<_> = words.map(|word| (word, normalized(word))).collect();
    for (index, (word, plain)) in words.iter().enumerate() {
        let next = words.get(index + 1).map_or("", |(_, next)| next.as_str());
        if TAXES.contains(&next) && is_with_tax(plain, next) {
            is_gross = true;
            continue;
        }
        if plain == "s" && next == "iva" {
            is_net = true;
            continue;
        }
        let of_tax = TAXES.contains(&plain.as_str());
        let (gross, net) = (
            GROSS.contains(&plain.as_str()),
            NET_REMARKS.contains(&plain.as_str()),
        );
        is_gross |= gross;
        is_net |= net;
        let is_rate = plain.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(code) = USUAL.iter().find(|code| code.eq_ignore_ascii_case(word)) {
            currency = currency.or(currency::code(code));
        } else if !(of_tax || gross || net || is_rate) {
            base.push_str(word);
            base.push(' ');
        }
    }
    let (word, rank) = (is_gross != is_net).then(|| of_name(&base))??;
    let class = if is_net { 3 * NAMES.count } else { 0 };
    let is_price = matches!(word, Word::Is(Meaning::Price | Meaning::OtherPrice));
    is_price.then_some(Known::of(word, rank + class, currency))
}

/// Returns whether a price is one that customers pay, not one without tax or of a trader's.
pub(crate) fn is_for_customers(known: Known) -> bool {
    let class = known.rank / NAMES.count;
    class < 2 && known.rank % NAMES.count < NAMES.net
}

/// Returns whether a column of images is named so plainly that it may hold names and paths: `Image`.
pub(crate) fn may_be_paths(name: &str) -> bool {
    let plain = of_name("Image").filter(|(word, _)| *word == Word::Picture);
    let is_plain = |(word, rank): (Word, usize)| {
        word == Word::Picture && plain.is_some_and(|(_, first)| rank >= first)
    };
    of_name(name).is_some_and(is_plain)
}

/// Returns whether a price's name is another one's with words for tax behind it: `Price`, `Price incl. VAT`.
pub(crate) fn adds_tax(plain: &str, other: &str) -> bool {
    let words = |name: &str| {
        let words: Vec<_> = name
            .split(|character: char| !character.is_alphanumeric())
            .map(normalized)
            .filter(|word| !word.is_empty() && currency::code(word).is_none())
            .collect();
        words
    };
    let (plain, other) = (words(plain), words(other));
    let is_of_tax = |word: &String| {
        GROSS.contains(&word.as_str()) || TAXES.contains(&word.as_str()) || is_small_word(word)
    };
    other.strip_prefix(plain.as_slice()).is_some_and(|more| {
        !plain.is_empty()
            && more.iter().all(is_of_tax)
            && more.iter().any(|word| !is_small_word(word))
    })
}

fn is_small_word(word: &str) -> bool {
    matches!(
        word,
        "with" | "mit" | "avec" | "con" | "s" | "z" | "c" | "of"
    )
}

/// Finds a currency symbol that is not a letter: the `€` of `Price €`.
fn sign_within(name: &str) -> Option<&'static str> {
    let mut signs = name
        .char_indices()
        .filter(|(_, mark)| !mark.is_ascii() && !mark.is_alphanumeric());
    signs.find_map(|(at, mark)| currency::code(&name[at..at + mark.len_utf8()]))
}

/// Languages of columns side by side.
const LANGUAGES: &[&str] = &[
    "en", "de", "fr", "es", "it", "nl", "pl", "pt", "tr", "ru", "ja", "zh", "cs", "sk", "sv", "da",
    "fi", "nb", "no", "hu", "ro", "el", "uk", "ko",
];

/// Looks up a name with a language: `name-en_US`, `title_de`, `NL_Title`.
fn with_language(name: &str) -> Option<Known> {
    let (language, base) = LANGUAGES.iter().find_map(|language| {
        if let Some((before, base)) = name.split_once('_')
            && before.eq_ignore_ascii_case(language)
        {
            return Some((*language, base));
        }
        let at = name.rfind(language)?;
        let base = name[..at].strip_suffix(['-', '_', '.', ':'])?;
        Some((&name[at..], base))
    })?;
    let region = &language[2..];
    let is_region = region.strip_prefix(['-', '_']).is_some_and(|region| {
        region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    let known = known(base)?;
    let is_text = matches!(known.word, Word::Is(Meaning::Name) | Word::Description);
    (is_text && (region.is_empty() || is_region)).then_some(Known {
        rank: known.rank + NAMES.count,
        ..known
    })
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

fn with_remark(base: &str, remark: &str) -> Option<Known> {
    let taxed = with_tax(base);
    let of_tax = || taxed.map(|known| (known.word, known.rank));
    let Some((word, rank)) = of_name(base).or_else(of_tax) else {
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
const OTHER_REMARKS: &[&str] = &[
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
const NET_REMARKS: &[&str] = &[
    "net",
    "netto",
    "neto",
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
    "exkl",
    "wholesale",
    "dealer",
    "trade",
    "b2b",
    "haric",
    "税抜",
];

/// Splits off parenthesised remarks: `Price (EUR)`, `Price [net]`, `Price (gross) [EUR]`.
fn split_remark(name: &str) -> (String, Option<String>) {
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

/// Splits off a currency: `Preis EUR`, `Preis in EUR`, `price_usd`, `EUR Price`, `Price, €`.
fn without_currency(name: &str) -> Option<(&str, &'static str)> {
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

/// Removes case, accents, spaces and punctuation.
fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars().filter(|character| character.is_alphanumeric()) {
        push_lower(&mut normal, character);
    }
    normal
}

/// As [`normalized`], with `#` for each number.
fn numbered(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_digit() || character == '#' {
            if !normal.ends_with('#') {
                normal.push('#');
            }
        } else if character.is_alphanumeric() {
            push_lower(&mut normal, character);
        }
    }
    normal
}

fn push_lower(text: &mut String, character: char) {
    match character {
        'ß' => text.push_str("ss"),
        'æ' | 'Æ' => text.push_str("ae"),
        'œ' | 'Œ' => text.push_str("oe"),
        character => {
            let lower = folded(character).to_lowercase();
            // The base letter, without its accent.
            text.extend(lower.filter(|part| part.is_alphanumeric()));
        }
    }
}

/// Removes the accent of a Latin letter.
fn folded(character: char) -> char {
    match character {
        'à'..='å' | 'À'..='Å' | 'ā' | 'ă' | 'ą' | 'Ā' | 'Ă' | 'Ą' => 'a',
        'ç' | 'Ç' | 'ć' | 'č' | 'Ć' | 'Č' => 'c',
        'ď' | 'đ' | 'Ď' | 'Đ' => 'd',
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'ę' | 'ě' | 'Ē' | 'Ę' | 'Ě' => 'e',
        'ğ' | 'Ğ' => 'g',
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' | 'ı' | 'İ' => 'i',
        'ł' | 'ľ' | 'Ł' | 'Ľ' => 'l',
        'ñ' | 'Ñ' | 'ń' | 'ň' | 'Ń' | 'Ň' => 'n',
        'ò'..='ö' | 'ø' | 'Ò'..='Ö' | 'Ø' | 'ő' | 'Ő' => 'o',
        'ř' | 'Ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' | 'Ś' | 'Š' | 'Ş' | 'Ș' => 's',
        'ť' | 'ț' | 'ţ' | 'Ť' | 'Ț' | 'Ţ' => 't',
        'ù'..='ü' | 'Ù'..='Ü' | 'ū' | 'ů' | 'ű' | 'Ū' | 'Ů' | 'Ű' => 'u',
        'ý' | 'ÿ' | 'Ý' => 'y',
        'ź' | 'ž' | 'ż' | 'Ź' | 'Ž' | 'Ż' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood_and_no_name_means_two_things() {
        for line in TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (word, names) = line.split_once(':').unwrap();
            assert!(
                word.parse::<Word>().is_ok() && !names.trim().is_empty(),
                "{line}"
            );
        }
        let mut wrong = Vec::new();
        for (word, name) in entries() {
            let name = name.replace('*', "x").replace('#', "7");
            let known = look_up(&name).map(|known| known.word);
            if known != Some(word) {
                wrong.push(format!("{name}: {word:?}, but {known:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for (meaning, word) in WORDS {
            assert!(
                entries().any(|(other, _)| other == Word::Is(meaning)),
                "{word}"
            );
            assert_eq!(word.parse(), Ok(meaning));
        }
    }

    #[test]
    fn a_price_with_tax_goes_before_one_without() {
        for (net, gross) in [
            ("Prezzo netto", "Prezzo lordo"),
            ("Preis in EUR (netto)", "Preis in EUR (brutto)"),
            ("retail_price_excluding_tax", "retail_price_including_tax"),
            ("Verkaufspreis, netto", "Verkaufspreis, brutto"),
        ] {
            let [net, gross] = [net, gross].map(|name| look_up(name).unwrap());
            assert_eq!([net.word, gross.word], [Word::Is(Meaning::Price); 2]);
            assert!(gross.rank < net.rank);
        }
    }

    #[test]
    fn what_customers_pay_goes_before_what_traders_pay() {
        for (other, price) in [
            ("Trade Price", "Retail Price (inc VAT)"),
            ("Wholesale price (EUR)", "Retail price (EUR)"),
            ("Net price", "Price in EUR (gross)"),
            ("Hinta (alv 0%)", "Hinta sis. alv"),
            ("Prodejní cena bez DPH", "Prodejní cena s DPH"),
            ("PVP s/ IVA", "PVP c/ IVA"),
            ("Ex. VAT", "Inc. VAT"),
            ("Τιμή χωρίς ΦΠΑ", "Τιμή με ΦΠΑ"),
        ] {
            let [other, price] = [other, price].map(|name| look_up(name).unwrap());
            assert_eq!([other.word, price.word], [Word::Is(Meaning::Price); 2]);
            assert!(price.rank < other.rank, "{price:?} {other:?}");
        }
        assert_eq!(look_up("HT"), None);
    }

    #[test]
    fn a_name_can_say_that_prices_are_in_cents() {
        for name in [
            "price_cents",
            "Price (cents)",
            "Price in cents",
            "price_eur_cents",
            "Preis (Cent)",
            "sale_price_cents",
        ] {
            assert!(look_up(name).unwrap().is_in_cents, "{name}");
        }
        for name in ["Price", "Price (EUR)", "price_percent", "Cents"] {
            assert!(
                !look_up(name).is_some_and(|known| known.is_in_cents),
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_of_several_parts_is_known() {
        for (name, meaning) in [
            ("GTIN, UPC, EAN eller ISBN", Meaning::Gtin),
            ("EAN/Barcode", Meaning::Gtin),
            ("[PRICE_WITH_VAT \"Default\"]", Meaning::Price),
            ("products.sku", Meaning::Sku),
            ("PVP Oferta", Meaning::SalePrice),
            ("Akciós bruttó ár", Meaning::SalePrice),
            ("Price 10+", Meaning::Price),
            ("100+ Price", Meaning::Price),
            ("Satış Fiyatı 1", Meaning::Price),
            ("Остаток, шт.", Meaning::Stock),
            ("priceuah", Meaning::Price),
        ] {
            let known = look_up(name).map(|known| known.word.meaning());
            assert_eq!(known, Some(meaning), "{name}");
        }
        for name in ["EAN", "Angebot", "+", "Offer", "1"] {
            let known = look_up(name).map(|known| known.word.meaning());
            assert!(
                !matches!(known, Some(Meaning::Price | Meaning::SalePrice)),
                "{name}"
            );
        }
    }

    #[test]
    fn what_a_name_says_at_both_ends_is_not_tried_in_every_order() {
        let name = format!("{}price{}", "en_".repeat(30), "_usd".repeat(20));
        assert_eq!(look_up(&name), None);
    }

    #[test]
    fn a_name_is_known_in_any_writing() {
        for (name, meaning) in [
            ("sku", Meaning::Sku),
            (" Variant SKU ", Meaning::Sku),
            ("Product_Name", Meaning::Name),
            ("variant-price", Meaning::Price),
            ("Price (EUR)", Meaning::Price),
            ("Preis [netto]", Meaning::Price),
            ("RÉFÉRENCE", Meaning::Sku),
            ("Reference #", Meaning::Sku),
            ("Name*", Meaning::Name),
            ("g:sale_price", Meaning::SalePrice),
            ("Option12 Value", Meaning::Option),
            ("Attribute 3 value(s)", Meaning::Attribute),
            ("Wert(e) des Attributs 2", Meaning::Attribute),
            ("Valeur(s) de l’attribut 12", Meaning::Attribute),
            ("Valor(es) del atributo 1", Meaning::Attribute),
            ("GTIN, UPC, EAN, or ISBN", Meaning::Gtin),
            ("In stock?", Meaning::Availability),
            ("Price (tax excl.)", Meaning::Price),
        ] {
            assert_eq!(
                look_up(name).map(|known| known.word),
                Some(Word::Is(meaning)),
                "{name}"
            );
        }
        for name in [
            "",
            "Option1 Name",
            "Attribute 1 visible",
            "Body (HTML)",
            "Name des Attributs 1",
            "Attribut 1 sichtbar",
        ] {
            assert_eq!(look_up(name), None, "{name}");
        }
        let plain = look_up("Price").unwrap().rank;
        assert!(plain < look_up("Net price").unwrap().rank);
        assert!(plain < look_up("Price (net)").unwrap().rank);
    }
}
