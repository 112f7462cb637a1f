//! What one row of a product file is: a product, a failure, or nothing that counts.

use csv::ByteRecord;
use thiserror::Error;

use crate::{
    cells::{Cells, borrowed, is_blank, shortened},
    checks::{self, Availability, GtinError},
    currency,
    encoding::CellEncoding,
    failed_rows,
    header::{Columns, Header, Shape},
    identity,
    price::{self, DecimalMark, Price, PriceError},
    reader::{PassedOverReason, RawRow},
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

/// BigCommerce's words for a variant of the product above.
const VARIANT_ITEMS: &[&str] = &["sku", "variant"];

/// A product as a file has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeedProduct {
    /// What makes it the same product in the next file.
    pub identity: String,
    /// Its stock-keeping unit.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its price as canonical decimal text.
    pub price: Option<String>,
    /// A lower price at which it is sold for a time, as canonical decimal text.
    pub sale_price: Option<String>,
    /// What the price is in: an ISO 4217 code.
    pub currency: Option<&'static str>,
    /// Its Global Trade Item Number.
    pub gtin: Option<String>,
    /// How many there are; below zero where more were sold.
    pub stock: Option<i64>,
    /// Whether it can be had, in Google's word for it.
    pub availability: Option<&'static str>,
    /// The address of its page.
    pub url: Option<String>,
    /// Cells that could not be understood and are not needed: these fields stay as they were.
    pub warnings: Vec<RowWarning>,
}

/// A cell of an imported row that was left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowWarning {
    /// Why it was left out.
    pub error: RowError,
    /// The cell's column, by its name in the file.
    pub column: Option<String>,
    /// What the cell holds, shortened.
    pub value: Option<String>,
}

/// A row that is a product, but not one that can be taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowFailure {
    /// What the row is called: its SKU, or whatever else names it.
    pub label: Option<String>,
    /// Why it cannot be taken.
    pub error: RowError,
    /// The column the failure is about, by its name in the file, where it is about one.
    pub column: Option<String>,
    /// What that column holds.
    pub value: Option<String>,
    /// The row's cells, with what it takes from a row above filled in.
    pub cells: Vec<String>,
}

/// Why a row cannot be taken. The text is for people.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RowError {
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
    /// The currency is none.
    #[error("The currency \"{0}\" is not known.")]
    UnknownCurrency(String),
    /// The GTIN is none.
    #[error("The GTIN \"{0}\" {1}.")]
    Gtin(String, GtinError),
    /// The address is none.
    #[error("The link \"{0}\" is not a web address.")]
    Url(String),
    /// The stock is no number.
    #[error("The stock \"{0}\" is not a whole number.")]
    Stock(String),
    /// The availability is no word that is known.
    #[error(
        "The availability \"{0}\" is not known: it is in_stock, out_of_stock, preorder or backorder."
    )]
    Availability(String),
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

impl RowError {
    /// Returns the code that stands for it on a wire and in a database.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoIdentity => "no-identity",
            Self::NoPrice => "no-price",
            Self::UnreadablePrice(_) => "unreadable-price",
            Self::NegativePrice(_) => "negative-price",
            Self::UnknownCurrency(_) => "unknown-currency",
            Self::Gtin(_, GtinError::Shortened) => "shortened-gtin",
            Self::Gtin(_, GtinError::Form) => "malformed-gtin",
            Self::Gtin(_, GtinError::CheckDigit(_)) => "gtin-check-digit",
            Self::Url(_) => "unreadable-link",
            Self::Stock(_) => "unreadable-stock",
            Self::Availability(_) => "unknown-availability",
            Self::TooManyCells { .. } => "too-many-cells",
            Self::LongIdentity => "long-identity",
            Self::LongName => "long-name",
            Self::Binary => "binary-data",
            Self::OpenQuote => "open-quotation-mark",
        }
    }

    /// Returns what its text speaks of, by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::UnreadablePrice(value)
            | Self::NegativePrice(value)
            | Self::UnknownCurrency(value)
            | Self::Url(value)
            | Self::Stock(value)
            | Self::Availability(value)
            | Self::Gtin(value, GtinError::Shortened | GtinError::Form) => {
                vec![("value", value.clone())]
            }
            Self::Gtin(value, GtinError::CheckDigit(digit)) => {
                vec![("value", value.clone()), ("digit", digit.to_string())]
            }
            Self::TooManyCells { cells, columns } => vec![
                ("cells", cells.to_string()),
                ("columns", columns.to_string()),
            ],
            Self::LongIdentity | Self::LongName => vec![("limit", MAX_LEN.to_string())],
            Self::NoIdentity | Self::NoPrice | Self::Binary | Self::OpenQuote => Vec::new(),
        }
    }
}

/// What a row is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Classified {
    /// A product, or one that cannot be taken.
    Counts(Result<FeedProduct, RowFailure>),
    /// No product.
    PassedOver(PassedOverReason),
}

/// An error and the column it is about.
type Failure = (RowError, Option<usize>);

/// Tells rows, one after the other. What it tells depends on the rows before in this alone: what the
/// product is called that the row belongs to, and in BigCommerce's files what it costs.
#[derive(Clone, Debug)]
pub(crate) struct Classifier {
    columns: Columns,
    names: Vec<String>,
    /// How the file writes its prices.
    marks: DecimalMark,
    above: Above,
}

/// What rows below may take from a product.
#[derive(Clone, Debug, Default)]
struct Above {
    handle: String,
    title: String,
    price: String,
}

impl Classifier {
    pub(crate) fn new(header: Header, marks: DecimalMark) -> Self {
        Self {
            columns: header.columns,
            names: header.cells,
            marks,
            above: Above::default(),
        }
    }

    /// Tells what a row is; `None` for one without a filled cell.
    pub(crate) fn classify(&mut self, row: RawRow<'_>) -> Option<Classified> {
        let record = row.cells;
        if record.iter().all(is_blank) {
            return None;
        }
        let mut cells = Cells::read(&self.columns, record, row.encoding);
        if row.is_cut_off {
            let failure = self.failure(&cells, row, (RowError::OpenQuote, None));
            return Some(Classified::Counts(Err(failure)));
        }
        match self.columns.shape {
            Shape::Shopify => {
                if !self.follow_handle(&mut cells) {
                    return Some(Classified::PassedOver(PassedOverReason::Image));
                }
            }
            Shape::BigCommerce => {
                if !self.follow_item(&mut cells) {
                    return Some(Classified::PassedOver(PassedOverReason::Option));
                }
            }
            Shape::Plain | Shape::Google => {}
        }
        let product = shape(record, &self.columns)
            .map_err(|error| (error, None))
            .and_then(|()| cells.product(&self.columns, self.marks));
        Some(Classified::Counts(
            product.map_err(|failure| self.failure(&cells, row, failure)),
        ))
    }

    /// Gives a row of a handle the title of the handle; says whether the row is a product.
    fn follow_handle(&mut self, cells: &mut Cells<'_>) -> bool {
        let continues = !cells.handle.is_empty() && cells.handle == self.above.handle;
        if cells.is_image_only(continues) {
            return false;
        }
        if !cells.handle.is_empty() && !cells.name.is_empty() {
            cells.handle.as_ref().clone_into(&mut self.above.handle);
            cells.name.as_ref().clone_into(&mut self.above.title);
        }
        if continues && cells.name.is_empty() {
            cells.name = self.above.title.clone().into();
        }
        true
    }

    /// Gives a variant the name and price of the product above; says whether the row is a product.
    fn follow_item(&mut self, cells: &mut Cells<'_>) -> bool {
        let is = |word: &&str| word.eq_ignore_ascii_case(&cells.item);
        if cells.item.is_empty() || is(&"product") {
            cells.name.as_ref().clone_into(&mut self.above.title);
            cells.price.as_ref().clone_into(&mut self.above.price);
            return true;
        }
        if !VARIANT_ITEMS.iter().any(is) {
            return false;
        }
        // What stands there of a variant is not its name but its options: `[S]Size=Small`.
        if cells.name.is_empty() || cells.name.starts_with('[') {
            cells.name = self.above.title.clone().into();
        }
        if cells.price.is_empty() {
            cells.price = self.above.price.clone().into();
        }
        true
    }

    fn failure(&self, cells: &Cells<'_>, row: RawRow<'_>, (error, column): Failure) -> RowFailure {
        let mut texts: Vec<String> = row
            .cells
            .iter()
            .map(|cell| self.text(cell, row.encoding))
            .collect();
        // Cells beyond the columns are kept, but for the empty ones that spreadsheet programs write.
        let last = texts.iter().rposition(|text| !text.is_empty());
        texts.truncate(last.map_or(0, |last| last + 1).max(self.columns.count));
        let column = column.filter(|column| *column < self.names.len());
        let value = column.map(|column| {
            let text = texts.get(column).map_or("", String::as_str);
            shortened(text)
        });
        // What the row has from one above is not above it in the list of failed rows.
        for (column, text) in [
            (self.columns.name, &cells.name),
            (cells.price_column, &cells.price),
        ] {
            if let Some(cell) = column.and_then(|column| texts.get_mut(column))
                && cell.is_empty()
            {
                text.as_ref().clone_into(cell);
            }
        }
        RowFailure {
            label: cells.label(),
            error,
            column: column.map(|column| self.names[column].clone()),
            value,
            cells: texts,
        }
    }

    fn text(&self, cell: &[u8], encoding: CellEncoding) -> String {
        let cell = if self.columns.reason.is_some() {
            failed_rows::restored(cell)
        } else {
            cell
        };
        encoding.text(cell).replace('\0', "")
    }
}

/// Checks what can be wrong with a row whatever its cells mean.
fn shape(record: &ByteRecord, columns: &Columns) -> Result<(), RowError> {
    if memchr::memchr(0, record.as_slice()).is_some() {
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
    fn product(&self, columns: &Columns, marks: DecimalMark) -> Result<FeedProduct, Failure> {
        let gtin = self.gtin(columns)?;
        let identity = self
            .identity(gtin.as_deref())
            .ok_or((RowError::NoIdentity, columns.sku))?;
        if identity.len() > MAX_LEN && identity.chars().count() > MAX_LEN {
            return Err((RowError::LongIdentity, columns.sku));
        }
        let names = [
            &self.name,
            &self.sku,
            &self.handle,
            &self.parent,
            &self.gtin,
            &self.barcode,
            &self.id,
        ];
        let name = names
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("", AsRef::as_ref);
        if name.len() > MAX_LEN && name.chars().count() > MAX_LEN {
            return Err((RowError::LongName, columns.name));
        }
        let price = self.price(columns, marks)?;
        let stock = self.stock(columns)?;
        Ok(FeedProduct {
            identity,
            sku: (!self.sku.is_empty()).then(|| self.sku.to_string()),
            name: name.to_owned(),
            sale_price: None,
            currency: self.currency(columns, price)?,
            price: price.map(|price| price::format(price.amount)),
            gtin,
            stock,
            availability: self.availability(columns)?.map(Availability::as_str),
            url: self.url(columns)?,
            warnings: Vec::new(),
        })
    }

    fn identity(&self, gtin: Option<&str>) -> Option<String> {
        if !self.sku.is_empty() {
            Some(identity::of_sku(&self.sku))
        } else if !self.handle.is_empty() {
            Some(identity::of_variant(&self.handle, &borrowed(&self.options)))
        } else if !self.parent.is_empty() && self.attributes.iter().any(|value| !value.is_empty()) {
            Some(identity::of_variation(
                &self.parent,
                &borrowed(&self.attributes),
            ))
        } else if let Some(gtin) = gtin {
            Some(identity::of_gtin(gtin))
        } else if !self.barcode.is_empty() {
            Some(identity::of_gtin(&self.barcode))
        } else if !self.id.is_empty() {
            Some(identity::of_id(&self.id))
        } else {
            None
        }
    }

    fn price(&self, columns: &Columns, marks: DecimalMark) -> Result<Option<Price>, Failure> {
        if self.price.is_empty() {
            return if self.may_lack_price() {
                Ok(None)
            } else {
                Err((RowError::NoPrice, columns.price.or(columns.sale_price)))
            };
        }
        price::parse(&self.price, marks).map(Some).map_err(|error| {
            let shown = shortened(&self.price);
            let error = match error {
                PriceError::Unreadable => RowError::UnreadablePrice(shown),
                PriceError::Negative => RowError::NegativePrice(shown),
            };
            (error, self.price_column)
        })
    }

    fn may_lack_price(&self) -> bool {
        self.kind.split(',').any(|kind| {
            KINDS_WITHOUT_PRICE
                .iter()
                .any(|known| known.eq_ignore_ascii_case(kind.trim()))
        })
    }

    /// What the price says it is in, or the column for that.
    fn currency(
        &self,
        columns: &Columns,
        price: Option<Price>,
    ) -> Result<Option<&'static str>, Failure> {
        let told = price.and_then(|price| price.currency);
        if told.is_some() || self.currency.is_empty() {
            return Ok(told.or(price.and(columns.file_currency)));
        }
        match currency::code(&self.currency) {
            Some(code) => Ok(Some(code)),
            // A sign that stands for several currencies says nothing, but nothing wrong.
            None if self.currency.chars().count() == 1 => Ok(None),
            None => Err((
                RowError::UnknownCurrency(shortened(&self.currency)),
                columns.currency,
            )),
        }
    }

    /// A column that says it holds a GTIN must; a barcode may be the shop's own.
    fn gtin(&self, columns: &Columns) -> Result<Option<String>, Failure> {
        if self.gtin.is_empty() {
            return Ok(if self.barcode.is_empty() {
                None
            } else {
                checks::gtin(&self.barcode).ok().flatten()
            });
        }
        checks::gtin(&self.gtin)
            .map_err(|error| (RowError::Gtin(shortened(&self.gtin), error), columns.gtin))
    }

    fn url(&self, columns: &Columns) -> Result<Option<String>, Failure> {
        match checks::url(&self.url) {
            Ok(url) => Ok(url.map(str::to_owned)),
            Err(()) => Err((RowError::Url(shortened(&self.url)), columns.url)),
        }
    }

    /// Where there is a word in place of a number, it may say as much.
    fn stock(&self, columns: &Columns) -> Result<Option<i64>, Failure> {
        if self.stock.is_empty() {
            return Ok(None);
        }
        match checks::stock(&self.stock) {
            Some(count) => Ok(Some(count)),
            // WooCommerce: the parent keeps the count.
            None if self.stock.eq_ignore_ascii_case("parent")
                || checks::availability(&self.stock).is_some() =>
            {
                Ok(None)
            }
            None => Err((RowError::Stock(shortened(&self.stock)), columns.stock)),
        }
    }

    /// Google's feeds have one of four words; in any other list the column holds what people think.
    fn availability(&self, columns: &Columns) -> Result<Option<Availability>, Failure> {
        let told = if self.availability.is_empty() {
            self.stock.as_ref()
        } else {
            self.availability.as_ref()
        };
        let told_so = checks::availability(told)
            .filter(|_| !self.availability.is_empty() || checks::stock(told).is_none());
        if told_so.is_none() && columns.shape == Shape::Google && !self.availability.is_empty() {
            return Err((
                RowError::Availability(shortened(&self.availability)),
                columns.availability,
            ));
        }
        Ok(told_so)
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

    fn classifier(header: &str) -> Classifier {
        let cells = header.split(',').map(str::to_owned).collect();
        Classifier::new(Header::find(cells, None).unwrap(), DecimalMark::default())
    }

    fn raw(cells: &ByteRecord) -> RawRow<'_> {
        RawRow {
            cells,
            line: 2,
            encoding: CellEncoding::UTF_8,
            is_cut_off: false,
        }
    }

    fn counts(classifier: &mut Classifier, row: RawRow<'_>) -> Result<FeedProduct, RowFailure> {
        match classifier.classify(row) {
            Some(Classified::Counts(outcome)) => outcome,
            other => panic!("the row does not count: {other:?}"),
        }
    }

    /// What the rows are: `identity|name|price`, or `label!reason`, or nothing.
    fn classify(header: &str, rows: &[&str]) -> Vec<String> {
        let mut classifier = classifier(header);
        rows.iter()
            .map(|row| match classifier.classify(raw(&record(row))) {
                None | Some(Classified::PassedOver(_)) => String::new(),
                Some(Classified::Counts(Ok(product))) => {
                    let price = product.price.unwrap_or_default();
                    format!("{}|{}|{price}", product.identity, product.name)
                }
                Some(Classified::Counts(Err(failure))) => {
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
        let mut classifier = classifier("sku,type,price");
        let row = ByteRecord::from(vec!["a", "Variable, downloadable", ""]);
        assert!(counts(&mut classifier, raw(&row)).is_ok());
    }

    #[test]
    fn a_cell_that_is_not_utf_8_is_windows_1252() {
        let mut classifier = classifier("sku,name,price");
        let row = ByteRecord::from(vec![&b"A"[..], b"Caf\xe9 \x93x\x94", b"\x80 5"]);
        let product = counts(&mut classifier, raw(&row)).unwrap();
        assert_eq!(
            (product.name.as_str(), product.price.as_deref()),
            ("Café “x”", Some("5"))
        );
    }

    #[test]
    fn bigcommerce_s_variants_have_what_the_product_above_has() {
        let rows = classify(
            "Item Type,Product ID,Product Name,Product Code/SKU,Price",
            &[
                "Product,7,Tee,TEE,10.00",
                "  SKU,,[S]Size=Small,TEE-S,",
                "  SKU,,[S]Size=Large,TEE-L,12",
                "  Rule,,,TEE-L,3",
                "Product,8,Mug,,5",
            ],
        );
        assert_eq!(
            rows,
            [
                "sku:TEE|Tee|10",
                "sku:TEE-S|Tee|10",
                "sku:TEE-L|Tee|12",
                "",
                "id:8|Mug|5",
            ]
        );
    }

    #[test]
    fn what_is_checked_fails_with_its_column_and_value() {
        let mut classifier = classifier("sku,title,price,currency,ean,url,stock");
        for (row, column, value) in [
            ("A,x,1,EUR,4006381333932,,", "ean", "4006381333932"),
            ("A,x,1,XXQ,,,", "currency", "XXQ"),
            ("A,x,1,,,shirt,", "url", "shirt"),
            ("A,x,1,,,,plenty", "stock", "plenty"),
            ("A,x,much,,,,", "price", "much"),
            ("A,x,,,,,", "price", ""),
            (",x,1,,,,", "sku", ""),
        ] {
            let record = record(row);
            let failure = counts(&mut classifier, raw(&record)).unwrap_err();
            assert_eq!(failure.column.as_deref(), Some(column), "{row}");
            assert_eq!(failure.value.as_deref(), Some(value), "{row}");
            assert_eq!(failure.cells, row.split(',').collect::<Vec<_>>());
        }
        let good = record("A,x,1.299 €,,4006381333931,https://a.example/x,in stock");
        let product = counts(&mut classifier, raw(&good)).unwrap();
        assert_eq!((product.currency, product.stock), (Some("EUR"), None));
        assert_eq!(product.availability, Some("in_stock"));
    }

    #[test]
    fn a_row_with_too_many_cells_keeps_them_all() {
        let mut classifier = classifier("sku,name,price");
        let row = record("A,Shirt,blue,9.99,,");
        let failure = counts(&mut classifier, raw(&row)).unwrap_err();
        assert_eq!(failure.cells, ["A", "Shirt", "blue", "9.99"]);
    }

    #[test]
    fn a_failed_variant_takes_its_title_with_it() {
        let mut classifier = classifier(SHOPIFY);
        let first = record("tee,T-Shirt,Tops,Blue,S,,10,a.png");
        assert!(counts(&mut classifier, raw(&first)).is_ok());
        let failed = record("tee,,,Blue,M,,x,");
        let failure = counts(&mut classifier, raw(&failed)).unwrap_err();
        assert_eq!(failure.cells[1], "T-Shirt");
    }
}
