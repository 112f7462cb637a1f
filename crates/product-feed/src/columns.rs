//! What columns are called, by the table in `columns.txt`.

use std::{collections::HashMap, fmt, str::FromStr, sync::LazyLock};

use thiserror::Error;

/// The table. One line for each meaning; it is data, so that a name can be added without code.
const TABLE: &str = include_str!("columns.txt");

/// What a column can hold.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Meaning {
    /// The stock-keeping unit.
    Sku,
    /// What the product is called.
    Name,
    /// The price.
    Price,
    /// The price that stands in where there is no other.
    SalePrice,
    /// The currency of the prices.
    Currency,
    /// What Shopify calls a product.
    Handle,
    /// The value of an option that tells a handle's variants apart.
    Option,
    /// What WooCommerce calls the product that a variation belongs to.
    Parent,
    /// The value of an attribute that tells a parent's variations apart.
    Attribute,
    /// WooCommerce's kind of product.
    Kind,
    /// What BigCommerce says a row is.
    Item,
    /// The Global Trade Item Number.
    Gtin,
    /// A barcode, which may be a GTIN.
    Barcode,
    /// The product's number in its shop.
    Id,
    /// The address of its page.
    Url,
    /// How many there are.
    Stock,
    /// Whether it can be had.
    Availability,
    /// The address of a picture.
    Image,
    /// Why a row failed the last time.
    Reason,
}

/// A word that names no meaning.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("this is nothing that a column can hold")]
pub struct UnknownMeaning;

const WORDS: [(Meaning, &str); 19] = [
    (Meaning::Sku, "sku"),
    (Meaning::Name, "name"),
    (Meaning::Price, "price"),
    (Meaning::SalePrice, "sale price"),
    (Meaning::Currency, "currency"),
    (Meaning::Handle, "handle"),
    (Meaning::Option, "option"),
    (Meaning::Parent, "parent"),
    (Meaning::Attribute, "attribute"),
    (Meaning::Kind, "kind"),
    (Meaning::Item, "item"),
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
    /// Returns the word for it in the table and on the wire.
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

/// A name in the table: what it means, and how good a name for that it is; less is better.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Known {
    pub(crate) meaning: Meaning,
    pub(crate) rank: usize,
}

static NAMES: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (meaning, name) in entries() {
        let rank = names.len();
        names
            .entry(normalized(name))
            .or_insert(Known { meaning, rank });
    }
    names
});

/// The table's names with what they mean, in its order.
fn entries() -> impl Iterator<Item = (Meaning, &'static str)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(word, names)| Some((word.parse().ok()?, names)))
        .flat_map(|(meaning, names)| names.split(',').map(move |name| (meaning, name.trim())))
}

/// Finds what a column of this name holds. Any name without a remark is better than one with.
pub(crate) fn look_up(cell: &str) -> Option<Known> {
    // Google's feeds have names with a prefix.
    let cell = cell.trim();
    let cell = cell
        .strip_prefix("g:")
        .or_else(|| cell.strip_prefix("g_"))
        .unwrap_or(cell);
    let exact = NAMES.get(&normalized(cell)).copied();
    exact.or_else(|| {
        let known = NAMES.get(&normalized(without_remark(cell)))?;
        Some(Known {
            rank: known.rank + NAMES.len(),
            ..*known
        })
    })
}

/// Drops case, spaces and punctuation, and makes one `#` of each number that others stand beside.
fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name
        .chars()
        .filter(|character| character.is_alphanumeric() || *character == '#')
    {
        normal.extend(character.to_lowercase());
    }
    if !is_numbered(&normal) {
        normal.retain(|character| character != '#');
        return normal;
    }
    let mut numbered = String::with_capacity(normal.len());
    for character in normal.chars() {
        let character = if character.is_ascii_digit() {
            '#'
        } else {
            character
        };
        if character != '#' || !numbered.ends_with('#') {
            numbered.push(character);
        }
    }
    numbered
}

/// Whether there can be several columns of this name, with a number: options and attributes.
fn is_numbered(normal: &str) -> bool {
    normal.starts_with("option") || normal.contains("attribut") || normal.contains("atribut")
}

/// Drops a remark at the end: the `(EUR)` of `Price (EUR)`, the `[net]` of `Price [net]`.
fn without_remark(name: &str) -> &str {
    name.find(['(', '[']).map_or(name, |start| &name[..start])
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
                word.parse::<Meaning>().is_ok() && !names.trim().is_empty(),
                "{line}"
            );
        }
        for (meaning, name) in entries() {
            let known = look_up(name).unwrap();
            assert_eq!(known.meaning, meaning, "{name}");
        }
        for (meaning, word) in WORDS {
            assert!(entries().any(|(other, _)| other == meaning), "{word}");
            assert_eq!(word.parse(), Ok(meaning));
        }
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
                look_up(name).map(|known| known.meaning),
                Some(meaning),
                "{name}"
            );
        }
        for name in [
            "",
            "Option1 Name",
            "Attribute 1 visible",
            "Body (HTML)",
            "Option Value",
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
