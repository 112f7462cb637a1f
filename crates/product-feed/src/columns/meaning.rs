//! What a column means.

use std::{fmt, str::FromStr};

use thiserror::Error;

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
