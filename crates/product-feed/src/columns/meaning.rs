//! What a column means.

use std::fmt;

use thiserror::Error;

use crate::named::named;

named! {
    /// The meaning of a column.
    #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    pub enum Meaning by
        /// Returns its word in the table and on the wire.
        as_str or UnknownMeaning
    {
        /// The stock-keeping unit.
        Sku = "sku",
        /// The product's name.
        Name = "name",
        /// The price.
        Price = "price",
        /// A temporary lower price; the price if there is no other.
        SalePrice = "sale price",
        /// A price that products are not sold for: cost, former price.
        OtherPrice = "other price",
        /// The currency of the prices.
        Currency = "currency",
        /// Shopify's product handle.
        Handle = "handle",
        /// An option value of a Shopify variant.
        Option = "option",
        /// WooCommerce's parent product.
        Parent = "parent",
        /// Shopware's parent product ID.
        ParentId = "parent id",
        /// An attribute value of a WooCommerce variation.
        Attribute = "attribute",
        /// WooCommerce's product type.
        Kind = "kind",
        /// The kind of row: product, variant, other.
        Item = "item",
        /// The store view of a translation.
        Store = "store",
        /// A variant's SKU, if another column has the product's.
        VariantSku = "variant sku",
        /// A variant's surcharge on its product's price.
        Surcharge = "surcharge",
        /// The Global Trade Item Number.
        Gtin = "gtin",
        /// A barcode, possibly a GTIN.
        Barcode = "barcode",
        /// The shop's product number.
        Id = "id",
        /// The URL of the product's page.
        Url = "url",
        /// The stock.
        Stock = "stock",
        /// The availability.
        Availability = "availability",
        /// The URL of an image.
        Image = "image",
        /// The error of an earlier import.
        Reason = "reason",
    }
}

impl Meaning {
    /// Returns whether several columns of a file may have it.
    #[must_use]
    pub fn is_of_many(self) -> bool {
        matches!(
            self,
            Self::Option | Self::Attribute | Self::OtherPrice | Self::Gtin
        )
    }
}

/// An unknown meaning.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a known field")]
pub struct UnknownMeaning;

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
