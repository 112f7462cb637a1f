//! What one row of a product file is: a product, a failure, or nothing that counts.

use csv_async::ByteRecord;
use rust_decimal::Decimal;
use thiserror::Error;

use super::{
    cells::{Cells, borrowed, is_blank, shortened},
    columns::Columns,
    identity,
    price::{self, PriceError},
};

/// The most characters of an identity or a name: what an index of either database takes.
const MAX_LEN: usize = 500;

/// Kinds of products that are sold under another price, or elsewhere.
const KINDS_WITHOUT_PRICE: &[&str] = &[
    "variable",
    "variable-subscription",
    "grouped",
    "external",
    "affiliate",
    "configurable",
    "bundle",
];

/// A product as a file has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FeedProduct {
    /// What makes it the same product in the next file.
    pub(crate) identity: String,
    /// Its stock-keeping unit.
    pub(crate) sku: Option<String>,
    /// What it is called.
    pub(crate) name: String,
    /// Its price as canonical decimal text.
    pub(crate) price: Option<String>,
}

/// A row that is a product, but not one that can be taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RowFailure {
    /// What the row is called: its SKU, or whatever else names it.
    pub(crate) label: Option<String>,
    /// Why it cannot be taken.
    pub(crate) error: RowError,
}

/// Why a row cannot be taken. The text is for people.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum RowError {
    /// Nothing tells this product from others.
    #[error("The row has no SKU and nothing else to know the product by.")]
    NoIdentity,
    /// A kind of product that needs a price has none.
    #[error("The price is missing.")]
    NoPrice,
    /// There is a price, but what it is cannot be told.
    #[error("The price \"{0}\" cannot be read.")]
    UnreadablePrice(String),
    /// The price is below zero.
    #[error("The price \"{0}\" is negative.")]
    NegativePrice(String),
    /// Cells must have moved: there are more of them than columns.
    #[error("The row has {cells} cells, the header row only {columns}.")]
    TooManyCells {
        /// Cells of the row.
        cells: usize,
        /// Cells of the header row.
        columns: usize,
    },
    /// The SKU, or what stands for it, is too long to be one.
    #[error("The SKU or identifier is longer than {MAX_LEN} characters.")]
    LongIdentity,
    /// The name is too long to be one.
    #[error("The name is longer than {MAX_LEN} characters.")]
    LongName,
    /// The row is not text.
    #[error("The row holds binary data.")]
    Binary,
    /// The rest of the file was read as one cell.
    #[error(
        "A quotation mark in this row is never closed, so that the rest of the file was read as part of it."
    )]
    OpenQuote,
}

/// Tells rows, one after the other. What it tells depends on the rows before in one thing only:
/// the title of the handle that the rows belong to.
#[derive(Clone, Debug)]
pub(super) struct Classifier {
    columns: Columns,
    handle: String,
    title: String,
}

impl Classifier {
    pub(super) fn new(columns: Columns) -> Self {
        Self {
            columns,
            handle: String::new(),
            title: String::new(),
        }
    }

    /// Tells what a row is; `None` for one that is no product: a blank one, or one that brings only
    /// another image of the product above.
    ///
    /// Cells are UTF-8; one that is not is read as Windows-1252, in which every byte is a
    /// character.
    pub(super) fn classify(
        &mut self,
        record: &ByteRecord,
    ) -> Option<Result<FeedProduct, RowFailure>> {
        if record.iter().all(is_blank) {
            return None;
        }
        let cells = Cells::read(&self.columns, record);
        let continues = !cells.handle.is_empty() && cells.handle == self.handle;
        if cells.is_image_only(continues) {
            return None;
        }
        if !cells.handle.is_empty() && !cells.name.is_empty() {
            cells.handle.as_ref().clone_into(&mut self.handle);
            cells.name.as_ref().clone_into(&mut self.title);
        }
        let title = if continues && cells.name.is_empty() {
            &self.title
        } else {
            cells.name.as_ref()
        };
        Some(
            shape(record, &self.columns)
                .and_then(|()| cells.product(title))
                .map_err(|error| RowFailure {
                    label: cells.label(),
                    error,
                }),
        )
    }

    /// What a row is called whose end was never found.
    pub(super) fn open_quote(&self, record: &ByteRecord) -> RowFailure {
        let cells = Cells::read(&self.columns, record);
        RowFailure {
            label: cells.label(),
            error: RowError::OpenQuote,
        }
    }
}

/// Checks what can be wrong with a row whatever its cells mean.
fn shape(record: &ByteRecord, columns: &Columns) -> Result<(), RowError> {
    if record.as_slice().contains(&0) {
        return Err(RowError::Binary);
    }
    // Missing cells at the end, and empty ones beyond it, are how spreadsheets write.
    if record
        .iter()
        .skip(columns.count)
        .any(|cell| !is_blank(cell))
    {
        return Err(RowError::TooManyCells {
            cells: record.len(),
            columns: columns.count,
        });
    }
    Ok(())
}

impl Cells<'_> {
    fn product(&self, title: &str) -> Result<FeedProduct, RowError> {
        let identity = self.identity().ok_or(RowError::NoIdentity)?;
        if identity.chars().count() > MAX_LEN {
            return Err(RowError::LongIdentity);
        }
        let names = [
            title,
            &self.sku,
            &self.handle,
            &self.parent,
            &self.gtin,
            &self.id,
        ];
        let name = names
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        if name.chars().count() > MAX_LEN {
            return Err(RowError::LongName);
        }
        Ok(FeedProduct {
            identity,
            sku: (!self.sku.is_empty()).then(|| self.sku.to_string()),
            name: name.to_owned(),
            price: self.price()?.map(price::format),
        })
    }

    fn identity(&self) -> Option<String> {
        if !self.sku.is_empty() {
            Some(identity::of_sku(&self.sku))
        } else if !self.handle.is_empty() {
            Some(identity::of_variant(&self.handle, &borrowed(&self.options)))
        } else if !self.parent.is_empty() && self.attributes.iter().any(|value| !value.is_empty()) {
            Some(identity::of_variation(
                &self.parent,
                &borrowed(&self.attributes),
            ))
        } else if !self.gtin.is_empty() {
            Some(identity::of_gtin(&self.gtin))
        } else if !self.id.is_empty() {
            Some(identity::of_id(&self.id))
        } else {
            None
        }
    }

    fn price(&self) -> Result<Option<Decimal>, RowError> {
        if self.price.is_empty() {
            return if self.may_lack_price() {
                Ok(None)
            } else {
                Err(RowError::NoPrice)
            };
        }
        price::parse(&self.price).map(Some).map_err(|error| {
            let shown = shortened(&self.price);
            match error {
                PriceError::Unreadable => RowError::UnreadablePrice(shown),
                PriceError::Negative => RowError::NegativePrice(shown),
            }
        })
    }

    fn may_lack_price(&self) -> bool {
        self.kind.split(',').any(|kind| {
            KINDS_WITHOUT_PRICE
                .iter()
                .any(|known| known.eq_ignore_ascii_case(kind.trim()))
        })
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    const SHOPIFY: &str =
        "Handle,Title,Type,Option1 Value,Option2 Value,Variant SKU,Variant Price,Image Src";
    const WOOCOMMERCE: &str = "ID,Type,SKU,Name,Sale price,Regular price,Parent,Attribute 1 value(s),Attribute 2 value(s)";

    fn record(row: &str) -> ByteRecord {
        row.split(',').collect::<Vec<_>>().into()
    }

    /// What the rows are: `identity|name|price`, or `label!reason`, or nothing.
    fn classify(header: &str, rows: &[&str]) -> Vec<String> {
        let mut classifier = Classifier::new(Columns::find(header.split(',')).unwrap());
        rows.iter()
            .map(|row| match classifier.classify(&record(row)) {
                None => String::new(),
                Some(Ok(product)) => {
                    let price = product.price.unwrap_or_default();
                    format!("{}|{}|{price}", product.identity, product.name)
                }
                Some(Err(failure)) => {
                    format!("{}!{}", failure.label.unwrap_or_default(), failure.error)
                }
            })
            .collect()
    }

    #[test]
    fn a_plain_row_is_known_by_its_sku() {
        let rows = classify(
            "sku,name,price",
            &[
                "A-1,Shirt,9.9",
                " A-2 , Hat ,$5",
                "A-3,,1",
                "",
                " , ,",
                "A-4,Short row,1,,",
            ],
        );
        assert_eq!(
            rows,
            [
                "sku:A-1|Shirt|9.90",
                "sku:A-2|Hat|5",
                "sku:A-3|A-3|1",
                "",
                "",
                "sku:A-4|Short row|1"
            ]
        );
    }

    #[test]
    fn a_row_that_cannot_be_taken_says_why() {
        let long = format!("{},x,1", "x".repeat(501));
        let rows = classify(
            "sku,name,price",
            &[
                "A-1,Shirt,",
                "A-2,Shirt",
                "A-3,Shirt,abc",
                "A-4,Shirt,-1",
                ",Shirt,1",
                "A-5,a,b,1",
                &long,
                "A\0,x,1",
            ],
        );
        assert_eq!(rows[0], "A-1!The price is missing.");
        assert_eq!(rows[1], "A-2!The price is missing.");
        assert_eq!(rows[2], "A-3!The price \"abc\" cannot be read.");
        assert_eq!(rows[3], "A-4!The price \"-1\" is negative.");
        assert_eq!(
            rows[4],
            "Shirt!The row has no SKU and nothing else to know the product by."
        );
        assert_eq!(rows[5], "A-5!The row has 4 cells, the header row only 3.");
        assert!(rows[6].ends_with("x!The SKU or identifier is longer than 500 characters."));
        assert_eq!(rows[7], "A!The row holds binary data.");
    }

    #[test]
    fn the_variants_of_a_handle_share_its_title() {
        let rows = classify(
            SHOPIFY,
            &[
                "tee,T-Shirt,Tops,Blue,S,,10,a.png",
                "tee,,,Blue,M,,11,",
                "tee,,,,,,,b.png",
                "tee,T-Shirt,Tops,,,,,c.png",
                "tee,,,Red,S,TEE-R,12,",
                "mug,Mug,Bundle,Default Title,,,7,",
                "cap,,,Default Title,,,8,",
            ],
        );
        assert_eq!(
            rows,
            [
                "handle:tee/Blue/S|T-Shirt|10",
                "handle:tee/Blue/M|T-Shirt|11",
                "",
                "",
                "sku:TEE-R|T-Shirt|12",
                "handle:mug|Mug|7",
                "handle:cap|cap|8",
            ]
        );
    }

    #[test]
    fn a_product_of_a_handle_fails_without_a_price() {
        let rows = classify(
            SHOPIFY,
            &[
                "tee,T-Shirt,Bundle,,,,,a.png",
                "tee,,,Blue,M,,,",
                "cap,,,,,C-1,,",
            ],
        );
        assert_eq!(
            rows,
            [
                "tee!The price is missing.",
                "tee / Blue / M!The price is missing.",
                "C-1!The price is missing.",
            ]
        );
    }

    #[test]
    fn a_failed_first_row_still_gives_its_title() {
        let rows = classify(SHOPIFY, &["tee,T-Shirt,,Blue,S,,x,", "tee,,,Red,S,,5,"]);
        assert_eq!(rows[1], "handle:tee/Red/S|T-Shirt|5");
    }

    #[test]
    fn woocommerce_s_kinds_are_told_apart() {
        let rows = classify(
            WOOCOMMERCE,
            &[
                "1,variable,tee,Tee,,,,Blue,",
                "2,variation,tee-blue,Tee - Blue,8,10,tee,Blue,",
                "3,variation,,Tee - Red,,10,id:1,Red,L",
                "4,grouped,set,Set,,,,,",
                "5,external,,Elsewhere,,,,,",
                "6,simple,album,Album,3,,,,",
                "7,simple,none,None,,,,,",
                "8,variation,,Tee - any,,10,tee,,",
                "9,downloadable,x,X,,,,,",
            ],
        );
        assert_eq!(
            rows,
            [
                "sku:tee|Tee|",
                "sku:tee-blue|Tee - Blue|10",
                "parent:id:1/Red/L|Tee - Red|10",
                "sku:set|Set|",
                "id:5|Elsewhere|",
                "sku:album|Album|3",
                "none!The price is missing.",
                "id:8|Tee - any|10",
                "x!The price is missing.",
            ]
        );
    }

    #[test]
    fn a_kind_is_one_of_several_words() {
        let mut classifier = Classifier::new(Columns::find("sku,type,price".split(',')).unwrap());
        let row = ByteRecord::from(vec!["a", "Variable, downloadable", ""]);
        assert!(classifier.classify(&row).unwrap().is_ok());
    }

    #[test]
    fn a_cell_that_is_not_utf_8_is_windows_1252() {
        let mut classifier = Classifier::new(Columns::find("sku,name,price".split(',')).unwrap());
        let row = ByteRecord::from(vec![&b"A"[..], b"Caf\xe9 \x93x\x94", b"\x80 5"]);
        let product = classifier.classify(&row).unwrap().unwrap();
        assert_eq!(
            (product.name.as_str(), product.price.as_deref()),
            ("Café “x”", Some("5"))
        );
    }
}
