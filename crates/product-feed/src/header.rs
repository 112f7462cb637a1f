//! Which column of a file holds what, told from its header row.

use std::str::FromStr;

use csv::ByteRecord;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    columns::{self, Meaning},
    mapping::Mapping,
};

/// The header row does not tell what a product needs. The text is for people.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum HeaderError {
    /// Nothing in it is known.
    #[error(
        "The first row of the file names no product columns. Looked for are a SKU (for example \
         \"SKU\", \"Variant SKU\", \"Product code\", \"Item number\"), a name (\"Name\", \
         \"Title\", \"Product name\") and a price (\"Price\", \"Regular price\", \"Variant price\")."
    )]
    Unknown,
    /// No column tells one product from another.
    #[error(
        "The first row of the file names no column that tells products apart. Looked for are a SKU \
         (for example \"SKU\", \"Variant SKU\", \"Product code\", \"Item number\"), a \"Handle\", a \
         \"Barcode\" or an \"ID\"."
    )]
    NoIdentity,
    /// There is no price.
    #[error(
        "The first row of the file names no price column. Looked for is for example \"Price\", \
         \"Regular price\", \"Variant price\" or \"Unit price\"."
    )]
    NoPrice,
}

impl HeaderError {
    /// Returns the code that stands for it on a wire and in a database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "no-columns",
            Self::NoIdentity => "no-identity-column",
            Self::NoPrice => "no-price-column",
        }
    }
}

/// Whose kind of file it is, where that changes what rows mean.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shape {
    /// Each row is a product, or WooCommerce's kind of one.
    #[default]
    Plain,
    /// Rows of a handle are its variants, or further images.
    Shopify,
    /// Rows after a product can be its variants.
    BigCommerce,
    /// The ID is the shop's own number of the product, its SKU.
    Google,
}

/// A word that names no shape.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("this is no shape of a product file")]
pub struct UnknownShape;

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Shopify, Self::BigCommerce, Self::Google];

    /// Returns the word for it on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Shopify => "shopify",
            Self::BigCommerce => "bigcommerce",
            Self::Google => "google",
        }
    }
}

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(text: &str) -> Result<Self, UnknownShape> {
        Self::ALL
            .into_iter()
            .find(|shape| shape.as_str() == text)
            .ok_or(UnknownShape)
    }
}

/// A header row, and where in it is what matters.
#[derive(Clone, Debug)]
pub struct Header {
    /// The cells as text.
    pub cells: Vec<String>,
    pub(crate) columns: Columns,
}

/// The columns of a file that matter, as indices from 0.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Columns {
    /// How many there are in all.
    pub(crate) count: usize,
    pub(crate) shape: Shape,
    pub(crate) sku: Option<usize>,
    pub(crate) name: Option<usize>,
    pub(crate) price: Option<usize>,
    /// Stands in where a row has no price.
    pub(crate) sale_price: Option<usize>,
    pub(crate) currency: Option<usize>,
    /// What Shopify calls a product; its variants share it.
    pub(crate) handle: Option<usize>,
    /// The values of the options that tell a handle's variants apart, in order.
    pub(crate) options: Vec<usize>,
    /// What WooCommerce calls the product that a variation belongs to.
    pub(crate) parent: Option<usize>,
    /// The values of the attributes that tell a parent's variations apart, in order.
    pub(crate) attributes: Vec<usize>,
    /// The kind of product. Never set beside a handle: Shopify's type is any word.
    pub(crate) kind: Option<usize>,
    /// What BigCommerce says a row is.
    pub(crate) item: Option<usize>,
    pub(crate) gtin: Option<usize>,
    pub(crate) barcode: Option<usize>,
    pub(crate) id: Option<usize>,
    pub(crate) url: Option<usize>,
    pub(crate) stock: Option<usize>,
    pub(crate) availability: Option<usize>,
    image: Option<usize>,
    /// Set in a list of failed rows alone.
    pub(crate) reason: Option<usize>,
    /// The currency of prices of which neither they nor a column tell it.
    pub(crate) file_currency: Option<&'static str>,
}

impl Header {
    /// Tells the columns from the header row's cells; what `mapping` says goes first.
    ///
    /// # Errors
    ///
    /// When nothing would tell products apart, or there is no price.
    pub(crate) fn find(cells: Vec<String>, mapping: Option<&Mapping>) -> Result<Self, HeaderError> {
        let mut columns = Columns::find(&cells, mapping)?;
        columns.file_currency = mapping.and_then(Mapping::currency);
        Ok(Self { cells, columns })
    }

    /// Returns whether the file has a column of this meaning.
    #[must_use]
    pub fn has(&self, meaning: Meaning) -> bool {
        (0..self.cells.len()).any(|index| self.columns.meaning_of(index) == Some(meaning))
    }

    /// Whether every row that is not blank is a product, if perhaps not one that can be taken.
    pub(crate) fn every_row_counts(&self) -> bool {
        matches!(self.columns.shape, Shape::Plain | Shape::Google)
    }

    /// The cells of a row that hold prices.
    pub(crate) fn prices<'r>(
        &self,
        row: &'r ByteRecord,
    ) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let columns = [self.columns.price, self.columns.sale_price];
        columns
            .into_iter()
            .flatten()
            .filter_map(move |index| row.get(index))
    }

    /// Returns what each column is taken for.
    #[must_use]
    pub fn meanings(&self) -> Vec<Option<Meaning>> {
        (0..self.cells.len())
            .map(|index| self.columns.meaning_of(index))
            .collect()
    }

    /// Returns a mark of these column names, the same for every file that has them in this order.
    #[must_use]
    pub fn fingerprint(cells: &[String]) -> String {
        let mut hash = Sha256::new();
        for cell in cells {
            if columns::look_up(cell).is_some_and(|known| known.meaning == Meaning::Reason) {
                continue;
            }
            hash.update(cell.trim().as_bytes());
            hash.update([0]);
        }
        hex::encode(hash.finalize())
    }
}

impl Columns {
    fn find(cells: &[String], mapping: Option<&Mapping>) -> Result<Self, HeaderError> {
        let mut columns = Self {
            count: cells.len(),
            ..Self::default()
        };
        let mut ranks = std::collections::HashMap::<Meaning, usize>::new();
        for (index, cell) in cells.iter().enumerate() {
            let known = match mapping.filter(|mapping| mapping.has_columns()) {
                // Who maps a file says everything about it, but for what only we write.
                Some(mapping) => match mapping.meaning_of(index) {
                    Some(meaning) => Some((meaning, index)),
                    None => columns::look_up(cell)
                        .filter(|known| known.meaning == Meaning::Reason)
                        .map(|known| (known.meaning, known.rank)),
                },
                None => columns::look_up(cell).map(|known| (known.meaning, known.rank)),
            };
            let Some((meaning, rank)) = known else {
                continue;
            };
            match columns.slot(meaning) {
                Slot::Many(list) => list.push(index),
                Slot::One(slot) => {
                    if ranks.get(&meaning).is_none_or(|best| rank < *best) {
                        *slot = Some(index);
                        ranks.insert(meaning, rank);
                    }
                }
            }
        }
        columns.shape = mapping
            .and_then(Mapping::shape)
            .unwrap_or_else(|| columns.told_shape());
        if columns.handle.is_some() {
            columns.kind = None;
        }
        if columns.shape == Shape::Google {
            columns.sku = columns.sku.or(columns.id);
        }
        columns.checked()
    }

    fn told_shape(&self) -> Shape {
        if self.handle.is_some() {
            Shape::Shopify
        } else if self.item.is_some() {
            Shape::BigCommerce
        } else if self.id.is_some()
            && self.url.is_some()
            && self.image.is_some()
            && self.parent.is_none()
        {
            Shape::Google
        } else {
            Shape::Plain
        }
    }

    fn slot(&mut self, meaning: Meaning) -> Slot<'_> {
        Slot::One(match meaning {
            Meaning::Option => return Slot::Many(&mut self.options),
            Meaning::Attribute => return Slot::Many(&mut self.attributes),
            Meaning::Sku => &mut self.sku,
            Meaning::Name => &mut self.name,
            Meaning::Price => &mut self.price,
            Meaning::SalePrice => &mut self.sale_price,
            Meaning::Currency => &mut self.currency,
            Meaning::Handle => &mut self.handle,
            Meaning::Parent => &mut self.parent,
            Meaning::Kind => &mut self.kind,
            Meaning::Item => &mut self.item,
            Meaning::Gtin => &mut self.gtin,
            Meaning::Barcode => &mut self.barcode,
            Meaning::Id => &mut self.id,
            Meaning::Url => &mut self.url,
            Meaning::Stock => &mut self.stock,
            Meaning::Availability => &mut self.availability,
            Meaning::Image => &mut self.image,
            Meaning::Reason => &mut self.reason,
        })
    }

    fn meaning_of(&self, index: usize) -> Option<Meaning> {
        let single = [
            (self.sku, Meaning::Sku),
            (self.name, Meaning::Name),
            (self.price, Meaning::Price),
            (self.sale_price, Meaning::SalePrice),
            (self.currency, Meaning::Currency),
            (self.handle, Meaning::Handle),
            (self.parent, Meaning::Parent),
            (self.kind, Meaning::Kind),
            (self.item, Meaning::Item),
            (self.gtin, Meaning::Gtin),
            (self.barcode, Meaning::Barcode),
            (self.id, Meaning::Id),
            (self.url, Meaning::Url),
            (self.stock, Meaning::Stock),
            (self.availability, Meaning::Availability),
            (self.item, Meaning::Item),
            (self.image, Meaning::Image),
        ];
        if self.options.contains(&index) {
            return Some(Meaning::Option);
        }
        if self.attributes.contains(&index) {
            return Some(Meaning::Attribute);
        }
        single
            .into_iter()
            .find(|(column, _)| *column == Some(index))
            .map(|(_, meaning)| meaning)
    }

    fn checked(self) -> Result<Self, HeaderError> {
        let identity = self
            .sku
            .or(self.handle)
            .or(self.parent)
            .or(self.gtin)
            .or(self.barcode)
            .or(self.id);
        match (identity, self.price.or(self.sale_price), self.name) {
            (Some(_), Some(_), _) => Ok(self),
            (None, None, None) => Err(HeaderError::Unknown),
            (None, ..) => Err(HeaderError::NoIdentity),
            (Some(_), None, _) => Err(HeaderError::NoPrice),
        }
    }
}

enum Slot<'a> {
    One(&'a mut Option<usize>),
    Many(&'a mut Vec<usize>),
}

/// Whether a row's cells could be a header row: what a row of values rarely is.
pub(crate) fn known_cells(cells: &[String]) -> usize {
    cells
        .iter()
        .filter(|cell| columns::look_up(cell).is_some())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &str) -> Result<Columns, HeaderError> {
        let cells: Vec<_> = header
            .split(',')
            .map(|cell| cell.trim().to_owned())
            .collect();
        Columns::find(&cells, None)
    }

    #[test]
    fn the_better_name_wins_wherever_it_stands() {
        let columns = find("description,price (net),code,price,name,sku,price").unwrap();
        assert_eq!(
            (columns.sku, columns.name, columns.price),
            (Some(5), Some(4), Some(3))
        );
    }

    #[test]
    fn a_shopify_header_is_understood() {
        let columns = find(
            "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Option2 Name,\
             Option2 Value,Variant SKU,Variant Price,Variant Compare At Price,Variant Barcode",
        )
        .unwrap();
        assert_eq!(columns.shape, Shape::Shopify);
        assert_eq!(
            (columns.handle, columns.name, columns.kind),
            (Some(0), Some(1), None)
        );
        assert_eq!(
            (columns.options, columns.sku, columns.price),
            (vec![6, 8], Some(9), Some(10))
        );
        assert_eq!((columns.gtin, columns.barcode), (None, Some(12)));
    }

    #[test]
    fn a_woocommerce_header_is_understood() {
        let columns = find(
            "ID,Type,SKU,Name,Description,Sale price,Regular price,Parent,Attribute 1 name,\
             Attribute 1 value(s),Attribute 1 visible,Attribute 2 name,Attribute 2 value(s)",
        )
        .unwrap();
        assert_eq!(columns.shape, Shape::Plain);
        assert_eq!(
            (columns.id, columns.kind, columns.sku),
            (Some(0), Some(1), Some(2))
        );
        assert_eq!(
            (columns.name, columns.sale_price, columns.price),
            (Some(3), Some(5), Some(6))
        );
        assert_eq!((columns.parent, columns.attributes), (Some(7), vec![9, 12]));
    }

    #[test]
    fn google_s_id_is_a_sku() {
        let columns = find("id,title,description,link,image_link,availability,price,gtin").unwrap();
        assert_eq!((columns.shape, columns.sku), (Shape::Google, Some(0)));
        assert_eq!((columns.url, columns.availability), (Some(3), Some(5)));
        let columns = find("id,name,price,url").unwrap();
        assert_eq!((columns.shape, columns.sku), (Shape::Plain, None));
    }

    #[test]
    fn a_mapping_says_everything() {
        let cells = ["a", "price", "c"].map(str::to_owned).to_vec();
        let mapping = Mapping::new([(0, Meaning::Sku), (2, Meaning::Price)]);
        let header = Header::find(cells, Some(&mapping)).unwrap();
        assert_eq!(
            header.meanings(),
            [Some(Meaning::Sku), None, Some(Meaning::Price)]
        );
    }

    #[test]
    fn a_header_without_what_a_product_needs_is_refused() {
        for (header, error) in [
            ("", HeaderError::Unknown),
            ("A-1,Shirt,9.99", HeaderError::Unknown),
            ("first name,last name,city", HeaderError::Unknown),
            ("name,price", HeaderError::NoIdentity),
            ("name", HeaderError::NoIdentity),
            ("sku,name", HeaderError::NoPrice),
            ("handle,title", HeaderError::NoPrice),
        ] {
            assert_eq!(find(header), Err(error), "{header}");
        }
    }
}
