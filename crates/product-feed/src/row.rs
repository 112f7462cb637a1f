//! Classifies a row: product, failure or skipped.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use csv::ByteRecord;
use rust_decimal::Decimal;
use thiserror::Error;

use crate::{
    cells::{Cells, borrowed, is_blank, shortened},
    checks::{self, Availability, GtinError, Link, Stock},
    columns::{self, Meaning, Word},
    currency,
    encoding::CellEncoding,
    failed_rows,
    grouped::grouped,
    header::{Columns, Header, RowKind, Shape},
    identity::{self, Key},
    parameter::Parameter,
    price::{self, DecimalMark, Price, PriceError},
    reader::{PassedOverReason, RawRow},
};

/// Maximum characters of an identity or name, for the database's index.
const MAX_LEN: usize = 500;

/// Maximum products and variant SKUs remembered.
const MAX_REMEMBERED: usize = 1 << 20;

/// Maximum bytes of an image cell that variants elsewhere in the file inherit: a million of them are remembered.
const MAX_INHERITED_IMAGE: usize = 300;

/// WooCommerce types without a price of their own.
const KINDS_WITHOUT_PRICE: &[&str] = &[
    "variable",
    "variable-subscription",
    "grouped",
    "external",
    "affiliate",
    "configurable",
    "bundle",
];

/// Words for a price that is asked for at the till.
const OPEN_PRICES: &[&str] = &["variable", "variable price"];

/// A product of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeedProduct {
    /// Its identity across files.
    pub identity: String,
    /// Its stock-keeping unit.
    pub sku: Option<String>,
    /// Its name.
    pub name: String,
    /// Its price, as canonical decimal text.
    pub price: Option<String>,
    /// Its lower sale price, as canonical decimal text.
    pub sale_price: Option<String>,
    /// The currency, as an ISO 4217 code.
    pub currency: Option<&'static str>,
    /// Its GTIN.
    pub gtin: Option<String>,
    /// Its stock, negative if oversold.
    pub stock: Option<i64>,
    /// Its availability, in Google Merchant's words.
    pub availability: Option<&'static str>,
    /// The URL of its page.
    pub url: Option<String>,
    /// The URL of its image.
    pub image: Option<String>,
    /// Option values that distinguish it from other variants, in the file's order.
    pub options: Vec<String>,
    /// Optional cells that could not be parsed: these fields stay unchanged.
    pub warnings: Vec<RowWarning>,
    /// The row's cells, including inherited ones; none without warnings.
    pub cells: Vec<String>,
}

/// An optional cell that was ignored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowWarning {
    /// The field that stays unchanged.
    pub field: Meaning,
    /// Why it was ignored.
    pub error: RowError,
    /// The column's name.
    pub column: Option<String>,
    /// The cell's content, shortened.
    pub value: Option<String>,
}

/// A row that is a product but cannot be imported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowFailure {
    /// Its label: the SKU, or another name.
    pub label: Option<String>,
    /// Its identity, if it has one nevertheless.
    pub identity: Option<String>,
    /// Why it failed.
    pub error: RowError,
    /// The column's name, if the failure is about one.
    pub column: Option<String>,
    /// The content of that column.
    pub value: Option<String>,
    /// The row's cells, including inherited ones.
    pub cells: Vec<String>,
}

/// Why a row cannot be taken. The text is for people.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RowError {
    /// The row has no identity.
    #[error("No SKU or other identifier.")]
    NoIdentity,
    /// The SKU is a placeholder.
    #[error("\"{0}\" is a placeholder, not a SKU or identifier.")]
    PlaceholderIdentity(String),
    /// A spreadsheet program has changed the SKU.
    #[error(
        "The SKU or identifier \"{0}\" was changed by a spreadsheet program. Format the column as text."
    )]
    MangledIdentity(String),
    /// The product needs a price and has none.
    #[error("The price is missing.")]
    NoPrice,
    /// The price is unreadable or ambiguous.
    #[error("\"{0}\" is not a valid price.")]
    UnreadablePrice(String),
    /// A spreadsheet program has changed the price into a date.
    #[error(
        "The price \"{0}\" was turned into a date by a spreadsheet program. Format the column as text."
    )]
    DatePrice(String),
    /// The price is a spreadsheet error.
    #[error("The price is a spreadsheet error: \"{0}\".")]
    ErrorPrice(String),
    /// The sale price is unreadable.
    #[error("\"{0}\" is not a valid sale price.")]
    SalePrice(String),
    /// The price is negative.
    #[error("The price \"{0}\" is negative.")]
    NegativePrice(String),
    /// The currency is unknown.
    #[error("Unknown currency \"{0}\".")]
    UnknownCurrency(String),
    /// The GTIN is invalid.
    #[error("The GTIN \"{0}\" {1}.")]
    Gtin(String, GtinError),
    /// The URL is invalid.
    #[error("\"{0}\" is not a valid URL.")]
    Url(String),
    /// The stock is not a number.
    #[error("The stock \"{0}\" is not a whole number.")]
    Stock(String),
    /// The availability is unknown.
    #[error("Unknown availability \"{0}\". Use in_stock, out_of_stock, preorder or backorder.")]
    Availability(String),
    /// The row has more cells than the header row: cells must have moved.
    #[error(
        "The row has {} cells, but the header row has only {}.",
        grouped(*cells as u64),
        grouped(*columns as u64)
    )]
    TooManyCells {
        /// Cells of the row.
        cells: usize,
        /// Cells of the header row.
        columns: usize,
    },
    /// The SKU, or another identifier, is too long.
    #[error("The SKU or identifier is longer than {MAX_LEN} characters.")]
    LongIdentity,
    /// The name is too long.
    #[error("The name is longer than {MAX_LEN} characters.")]
    LongName,
    /// The row is not text.
    #[error("The row contains binary data.")]
    Binary,
    /// The rest of the file was read as one cell.
    #[error(
        "A quotation mark in this row is never closed, so the rest of the file was read as part of it."
    )]
    OpenQuote,
}

impl RowError {
    /// Returns its code on the wire and in the database.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoIdentity => "no-identity",
            Self::NoPrice => "no-price",
            Self::PlaceholderIdentity(_) => "placeholder-identity",
            Self::MangledIdentity(_) => "mangled-identity",
            Self::DatePrice(_) => "date-price",
            Self::ErrorPrice(_) => "error-price",
            Self::SalePrice(_) => "unreadable-sale-price",
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

    /// Returns the parameters of its message by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, Parameter)> {
        match self {
            Self::PlaceholderIdentity(value)
            | Self::MangledIdentity(value)
            | Self::DatePrice(value)
            | Self::ErrorPrice(value)
            | Self::SalePrice(value)
            | Self::UnreadablePrice(value)
            | Self::NegativePrice(value)
            | Self::UnknownCurrency(value)
            | Self::Url(value)
            | Self::Stock(value)
            | Self::Availability(value)
            | Self::Gtin(value, GtinError::Shortened | GtinError::Form) => {
                vec![("value", value.as_str().into())]
            }
            Self::Gtin(value, GtinError::CheckDigit(digit)) => {
                vec![
                    ("value", value.as_str().into()),
                    ("digit", digit.to_string().as_str().into()),
                ]
            }
            Self::TooManyCells { cells, columns } => {
                vec![("cells", (*cells).into()), ("columns", (*columns).into())]
            }
            Self::LongIdentity | Self::LongName => vec![("limit", MAX_LEN.into())],
            Self::NoIdentity | Self::NoPrice | Self::Binary | Self::OpenQuote => Vec::new(),
        }
    }
}

/// The class of a row.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::large_enum_variant)] // it is taken apart at once, and a box would be made for every row
pub(crate) enum Classified {
    /// A product or a failure.
    Counts(Result<FeedProduct, RowFailure>),
    /// Not a product.
    PassedOver(PassedOverReason),
}

/// An error and its column.
type Failure = (RowError, Option<usize>);

/// A warning's field, error and column.
type Warning = (Meaning, RowError, Option<usize>);

/// Classifies rows in order. Its state is what later rows inherit: names and prices of products, and the SKUs
/// of variants.
#[derive(Clone, Debug)]
pub(crate) struct Classifier {
    columns: Columns,
    names: Vec<String>,
    /// The file's decimal mark.
    mark: DecimalMark,
    above: Above,
    /// Products that variants reference by ID.
    families: HashMap<String, Above>,
    /// Hashes of the variants' SKUs.
    skus: HashSet<u64>,
}

/// Values that rows below inherit from a product.
#[derive(Clone, Debug, Default)]
struct Above {
    key: String,
    title: String,
    price: String,
    image: String,
}

impl Above {
    fn of(key: &str, cells: &Cells<'_>) -> Self {
        Self {
            key: key.to_owned(),
            title: cells.name.to_string(),
            price: cells.price.to_string(),
            image: match cells.image.len() {
                0..=MAX_INHERITED_IMAGE => cells.image.to_string(),
                _ => String::new(),
            },
        }
    }

    fn set(&mut self, key: &str, cells: &Cells<'_>) {
        key.clone_into(&mut self.key);
        cells.name.as_ref().clone_into(&mut self.title);
        cells.price.as_ref().clone_into(&mut self.price);
        cells.image.as_ref().clone_into(&mut self.image);
    }
}

impl Classifier {
    pub(crate) fn new(header: Header, mark: DecimalMark) -> Self {
        Self {
            columns: header.columns,
            names: header.cells,
            mark,
            above: Above::default(),
            families: HashMap::new(),
            skus: HashSet::new(),
        }
    }

    /// Returns whether every non-blank row is most likely a product or failure.
    pub(crate) fn every_row_counts(&self) -> bool {
        matches!(self.columns.shape, Shape::Plain | Shape::Google)
    }

    /// Classifies a row; `None` for a blank one.
    pub(crate) fn classify(&mut self, row: RawRow<'_>) -> Option<Classified> {
        let record = row.cells;
        if record.iter().all(is_blank) {
            return None;
        }
        let mut cells = Cells::read(&self.columns, row, self.mark);
        if row.is_cut_off {
            let failure = self.failure(&cells, row, (RowError::OpenQuote, None));
            return Some(Classified::Counts(Err(failure)));
        }
        let passed_over = self
            .passed_over(&cells, row)
            .or_else(|| self.follow(&mut cells));
        if let Some(reason) = passed_over {
            return Some(Classified::PassedOver(reason));
        }
        let mut warnings = Vec::new();
        let product = shape(record, &self.columns)
            .map_err(|error| (error, None))
            .and_then(|()| cells.product(&self.columns, self.mark, &mut warnings));
        Some(Classified::Counts(match product {
            Ok(mut product) => {
                if !warnings.is_empty() {
                    product.cells = self.by_themselves(self.texts(row), &cells, row);
                }
                product.warnings = warnings
                    .into_iter()
                    .map(|warning| self.warning(row, warning))
                    .collect();
                Ok(product)
            }
            Err(failure) => Err(self.failure(&cells, row, failure)),
        }))
    }

    /// Detects rows that are no products in lists of any shape.
    fn passed_over(&self, cells: &Cells<'_>, row: RawRow<'_>) -> Option<PassedOverReason> {
        let has_figures = cells
            .price
            .contains(|character: char| character.is_ascii_digit());
        if !has_figures
            && let Some(reason) = self
                .header_again(cells, row)
                .or_else(|| self.heading(cells, row))
        {
            return Some(reason);
        }
        if is_rule(row) {
            return Some(PassedOverReason::Heading);
        }
        if is_field_path(&cells.price) || is_field_path(&cells.sku) || is_unit(cells) {
            return Some(PassedOverReason::Instruction);
        }
        if (cells.sku.is_empty() || cells.name.is_empty()) && self.is_total(row) {
            return Some(PassedOverReason::Total);
        }
        let is_main = |store: &str| {
            let mains = ["", "admin", "default", "all"];
            mains.iter().any(|main| main.eq_ignore_ascii_case(store))
        };
        let is_translation = self.columns.shape == Shape::Magento && !is_main(&cells.store);
        is_translation.then_some(PassedOverReason::Translation)
    }

    /// Detects a repeated or further header row.
    fn header_again(&self, cells: &Cells<'_>, row: RawRow<'_>) -> Option<PassedOverReason> {
        let is_again = row.cells.iter().zip(&self.names).all(|(cell, name)| {
            let text = row.encoding.text(cell);
            let text = text.trim_start_matches('\u{feff}');
            text.eq_ignore_ascii_case(name.trim().trim_start_matches('\u{feff}'))
        });
        if is_again && row.cells.iter().any(|cell| !is_blank(cell)) {
            return Some(PassedOverReason::RepeatedHeader);
        }
        if cells.price.is_empty() {
            return None;
        }
        let names_a_price = columns::look_up(&cells.price).is_some_and(|known| {
            matches!(known.word, Word::Is(Meaning::Price | Meaning::SalePrice))
        });
        let names_more = [&cells.sku, &cells.name, &cells.handle]
            .into_iter()
            .any(|cell| columns::look_up(cell).is_some());
        (names_a_price && names_more).then_some(PassedOverReason::Instruction)
    }

    /// Detects a heading: a single text that is not a SKU.
    fn heading(&self, cells: &Cells<'_>, row: RawRow<'_>) -> Option<PassedOverReason> {
        let (columns, name) = (&self.columns, self.columns.name?);
        let key = columns
            .sku
            .or(columns.gtin)
            .or(columns.barcode)
            .or(columns.id)?;
        let has_own_rows = columns.handle.is_some() || columns.shape == Shape::Magento;
        if columns.count < 3 || has_own_rows || !cells.price.is_empty() {
            return None;
        }
        let mut filled = row
            .cells
            .iter()
            .enumerate()
            .filter(|(index, cell)| !is_blank(cell) && Some(*index) != columns.reason);
        let (index, cell) = filled.next()?;
        if filled.next().is_some() {
            return None;
        }
        if index == name {
            return Some(PassedOverReason::Heading);
        }
        let text = row.encoding.text(cell);
        let is_word = text.contains(char::is_alphabetic)
            && (text.contains(char::is_whitespace)
                || !text.contains(|character: char| character.is_ascii_digit()))
            && identity::check(&text) == Key::Good;
        (is_word || (index != key && text.contains(char::is_alphabetic)))
            .then_some(PassedOverReason::Heading)
    }

    fn is_total(&self, row: RawRow<'_>) -> bool {
        const TOTALS: &[&str] = &[
            "total",
            "grand total",
            "subtotal",
            "sub total",
            "sub-total",
            "sum",
            "totals",
            "summe",
            "gesamt",
            "gesamtsumme",
            "zwischensumme",
            "gesamtbetrag",
            "somme",
            "total général",
            "sous-total",
            "total general",
            "suma",
            "totale",
            "totale generale",
            "subtotale",
            "somma",
            "totaal",
            "subtotaal",
            "eindtotaal",
            "razem",
            "celkem",
            "összesen",
            "итого",
            "всего",
            "toplam",
            "genel toplam",
            "合計",
            "小計",
            "总计",
            "合计",
            "小计",
            "總計",
            "total geral",
            "i alt",
            "totalt",
            "yhteensä",
        ];
        let Some(first) = row.cells.iter().find(|cell| !is_blank(cell)) else {
            return false;
        };
        if first.len() > 60 {
            return false;
        }
        let text = row.encoding.text(first).to_lowercase();
        let text = text.trim_matches(|mark: char| !mark.is_alphanumeric());
        TOTALS.contains(&text)
    }

    /// Inherits fields from a product above, and returns why the row is not a product.
    fn follow(&mut self, cells: &mut Cells<'_>) -> Option<PassedOverReason> {
        match self.columns.shape {
            Shape::Plain | Shape::Google => None,
            Shape::Shopify => {
                if !self.follow_handle(cells) {
                    return Some(PassedOverReason::Image);
                }
                self.tell_variant_apart(cells);
                None
            }
            Shape::BigCommerce | Shape::Ebay | Shape::Ecwid | Shape::Wix => self.follow_item(cells),
            Shape::Squarespace => {
                if cells.name.is_empty() {
                    cells.name = self.above.title.clone().into();
                    if cells.image.is_empty() {
                        cells.image = self.above.image.clone().into();
                    }
                } else {
                    self.above.set("", cells);
                }
                None
            }
            Shape::Magento => {
                let continues =
                    cells.sku.is_empty() && cells.name.is_empty() && cells.price.is_empty();
                continues.then_some(PassedOverReason::Option)
            }
            Shape::Shopware => {
                self.follow_parent(cells);
                None
            }
        }
    }

    /// Inherits the handle's title, and returns whether the row is a product.
    fn follow_handle(&mut self, cells: &mut Cells<'_>) -> bool {
        let continues = !cells.handle.is_empty() && cells.handle == self.above.key;
        if cells.is_image_only(continues) {
            return false;
        }
        if !cells.handle.is_empty() && !cells.name.is_empty() {
            cells.handle.as_ref().clone_into(&mut self.above.key);
            cells.name.as_ref().clone_into(&mut self.above.title);
            cells.image.as_ref().clone_into(&mut self.above.image);
        }
        if continues && cells.name.is_empty() {
            cells.name = self.above.title.clone().into();
        }
        if continues && cells.image.is_empty() {
            cells.image = self.above.image.clone().into();
        }
        true
    }

    /// Identifies a variant with a duplicate SKU by handle and options.
    fn tell_variant_apart(&mut self, cells: &mut Cells<'_>) {
        let has_key = !cells.sku.is_empty() && !cells.handle.is_empty();
        if !has_key || identity::check(&cells.sku) != Key::Good {
            return;
        }
        // Deterministic, because a resumed import reads from the start.
        let mut hasher = DefaultHasher::new();
        cells.sku.hash(&mut hasher);
        let sku = hasher.finish();
        if self.skus.contains(&sku) {
            cells.shares_sku = true;
        } else if self.skus.len() < MAX_REMEMBERED {
            self.skus.insert(sku);
        }
    }

    /// Inherits name and price from the product above, and returns why the row is not a product.
    fn follow_item(&mut self, cells: &mut Cells<'_>) -> Option<PassedOverReason> {
        let shape = self.columns.shape;
        let key = match shape {
            Shape::Wix => cells.handle.clone(),
            Shape::Ecwid => cells.id.clone(),
            _ => Cow::Borrowed(""),
        };
        match RowKind::of(&cells.item) {
            Some(RowKind::Product) => {
                if shape == Shape::Wix {
                    // A product's options identify its variants, not itself.
                    cells.options.clear();
                }
                cells.is_listing =
                    shape == Shape::Ebay && cells.options.iter().any(|option| !option.is_empty());
                self.above.set(&key, cells);
                None
            }
            Some(RowKind::Variant) => {
                if shape == Shape::Ecwid && self.columns.variant_sku.is_some() {
                    cells.parent = std::mem::take(&mut cells.sku);
                    cells.sku = cells.variant_sku.clone();
                    cells.attributes = cells.options.clone();
                }
                if self.above.key == *key {
                    self.inherit(cells);
                }
                None
            }
            Some(RowKind::Image) => Some(PassedOverReason::Image),
            Some(RowKind::Other) | None => Some(PassedOverReason::Option),
        }
    }

    fn inherit(&self, cells: &mut Cells<'_>) {
        // BigCommerce variants have options instead of a name: `[S]Size=Small`.
        if cells.name.is_empty() || cells.name.starts_with('[') {
            cells.name = self.above.title.clone().into();
        }
        if cells.price.is_empty() {
            cells.price = self.with_surcharge(cells).into();
        }
        if cells.image.is_empty() {
            cells.image = self.above.image.clone().into();
        }
    }

    /// Returns the price of a variant without one.
    fn with_surcharge(&self, cells: &Cells<'_>) -> String {
        let plus = price::parse(&cells.surcharge, self.mark).ok();
        let base = price::parse(&self.above.price, self.mark).ok();
        match (plus, base) {
            (Some(plus), Some(base)) if !plus.amount.is_zero() => {
                let sum = base.amount.checked_add(plus.amount).unwrap_or(Decimal::MAX);
                let text = price::format(sum);
                match self.mark {
                    DecimalMark::Point => text,
                    DecimalMark::Comma => text.replace('.', ","),
                }
            }
            _ => self.above.price.clone(),
        }
    }

    /// Inherits name and price from the product with the referenced ID.
    fn follow_parent(&mut self, cells: &mut Cells<'_>) {
        if cells.parent_id.is_empty() {
            if !cells.id.is_empty() && self.families.len() < MAX_REMEMBERED {
                let above = Above::of("", cells);
                self.families.insert(cells.id.to_string(), above);
            }
            return;
        }
        if let Some(parent) = self.families.get(cells.parent_id.as_ref()) {
            if cells.name.is_empty() {
                cells.name = parent.title.clone().into();
            }
            if cells.price.is_empty() {
                cells.price = parent.price.clone().into();
            }
            if cells.image.is_empty() {
                cells.image = parent.image.clone().into();
            }
        }
    }

    fn warning(&self, row: RawRow<'_>, (field, error, column): Warning) -> RowWarning {
        let column = column.filter(|column| *column < self.names.len());
        RowWarning {
            field,
            error,
            column: column.map(|column| self.names[column].clone()),
            value: column.map(|column| {
                let cell = row.cells.get(column).unwrap_or_default();
                shortened(&self.text(cell, row.encoding))
            }),
        }
    }

    fn failure(&self, cells: &Cells<'_>, row: RawRow<'_>, (error, column): Failure) -> RowFailure {
        let texts = self.texts(row);
        let column = column.filter(|column| *column < self.names.len());
        let value = column.map(|column| {
            let text = texts.get(column).map_or("", String::as_str);
            shortened(text)
        });
        RowFailure {
            label: cells.label(),
            identity: cells.own_identity(&self.columns),
            error,
            column: column.map(|column| self.names[column].clone()),
            value,
            cells: self.by_themselves(texts, cells, row),
        }
    }

    /// Returns the texts of a row's cells. Surplus ones are kept, except empty trailing ones.
    fn texts(&self, row: RawRow<'_>) -> Vec<String> {
        let mut texts: Vec<String> = row
            .cells
            .iter()
            .map(|cell| self.text(cell, row.encoding))
            .collect();
        let last = texts.iter().rposition(|text| !text.is_empty());
        texts.truncate(last.map_or(0, |last| last + 1).max(self.columns.count));
        texts
    }

    /// Changes the texts of a row so that they mean the same in a list of some rows.
    fn by_themselves(
        &self,
        mut texts: Vec<String>,
        cells: &Cells<'_>,
        row: RawRow<'_>,
    ) -> Vec<String> {
        for index in [self.columns.price, self.columns.sale_price]
            .into_iter()
            .flatten()
        {
            // A list of failed rows has text only.
            if row.is_other_number(index, self.mark)
                && let Some(text) = texts.get_mut(index)
            {
                *text = text.replace('.', ",");
            }
        }
        // An inherited value has no row above in a list of failed rows.
        for (column, text) in [
            (self.columns.name, &cells.name),
            (cells.price_column, &cells.price),
            (self.columns.image, &cells.image),
        ] {
            if let Some(cell) = column.and_then(|column| texts.get_mut(column))
                && (cell.is_empty() || cell.starts_with('['))
            {
                text.as_ref().clone_into(cell);
            }
        }
        if cells.shares_sku
            && let Some(cell) = self.columns.sku.and_then(|column| texts.get_mut(column))
        {
            cell.clear();
        }
        texts
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

/// Returns whether a row is a line drawn of dashes, as between the header row and the others: `----- | :---:`.
fn is_rule(row: RawRow<'_>) -> bool {
    let mut filled = row.cells.iter().filter(|cell| !is_blank(cell)).peekable();
    let is_line = |cell: &[u8]| {
        let cell = cell.trim_ascii();
        cell.len() > 1
            && cell
                .iter()
                .all(|byte| matches!(byte, b'-' | b'=' | b'_' | b':' | b'+'))
    };
    filled.peek().is_some() && filled.all(is_line)
}

/// Returns whether a cell is an Amazon field path: `item_name[…]#1.value`.
fn is_field_path(cell: &str) -> bool {
    cell.contains("#1.") && cell.contains("value") && !cell.contains(char::is_whitespace)
}

/// Returns whether a row only names the currency, below the header row.
fn is_unit(cells: &Cells<'_>) -> bool {
    let is_nothing_else = cells.sku.is_empty() && cells.name.is_empty() && cells.handle.is_empty();
    is_nothing_else
        && !cells.price.is_empty()
        && (currency::code(&cells.price).is_some() || currency::is_shared_sign(&cells.price))
}

/// Checks a row regardless of meanings.
fn shape(record: &ByteRecord, columns: &Columns) -> Result<(), RowError> {
    if memchr::memchr(0, record.as_slice()).is_some() {
        return Err(RowError::Binary);
    }
    // Missing trailing cells and empty surplus ones are normal in spreadsheets.
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
    fn product(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        warnings: &mut Vec<Warning>,
    ) -> Result<FeedProduct, Failure> {
        let gtin = self.gtin(columns);
        let identity = self.identity(columns, gtin.as_ref().ok().and_then(Option::as_deref))?;
        let Some(identity) = identity else {
            // An invalid GTIN is why there is no identity.
            return Err(match gtin {
                Err(error) => (error, self.gtin_column),
                Ok(_) => (RowError::NoIdentity, columns.sku),
            });
        };
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
        let told = self.told_currency();
        let price = self.price(columns, mark, told.or(columns.file_currency))?;
        let gtin = gtin.unwrap_or_else(|error| {
            warnings.push((Meaning::Gtin, error, self.gtin_column));
            None
        });
        if told.is_none() && !self.currency.is_empty() && !currency::is_shared_sign(&self.currency)
        {
            let error = RowError::UnknownCurrency(shortened(&self.currency));
            warnings.push((Meaning::Currency, error, columns.currency));
        }
        let of_price = price.and_then(|price| price.currency).or(told);
        Ok(FeedProduct {
            identity,
            sku: (!self.sku.is_empty() && !self.shares_sku).then(|| self.sku.to_string()),
            name: name.to_owned(),
            sale_price: self.sale_price(columns, mark, price, of_price, warnings),
            currency: of_price.or(price.and(columns.file_currency)),
            price: price.map(|price| price::format(price.amount)),
            gtin,
            stock: self.stock(columns, mark, warnings),
            availability: self
                .availability(columns, warnings)
                .map(Availability::as_str),
            url: self.url(columns, warnings),
            image: checks::image(&self.image),
            options: self.variant(),
            warnings: Vec::new(),
            cells: Vec::new(),
        })
    }

    /// Returns the values that tell a variant from the others of its product.
    fn variant(&self) -> Vec<String> {
        let of_variation = |values: &[Cow<'_, str>]| -> Vec<String> {
            let values = values.iter().filter(|value| !value.is_empty());
            values.map(|value| shortened(value)).collect()
        };
        if self.is_listing {
            // A listing names the values of all its variations.
            Vec::new()
        } else if self.options.iter().any(|value| !value.is_empty()) {
            match identity::has_no_option(&borrowed(&self.options)) {
                true => Vec::new(),
                false => of_variation(&self.options),
            }
        } else if !self.parent.is_empty() {
            of_variation(&self.attributes)
        } else {
            Vec::new()
        }
    }

    /// Returns the identity, if there is a valid one.
    fn own_identity(&self, columns: &Columns) -> Option<String> {
        let gtin = self.gtin(columns).ok().flatten();
        self.identity(columns, gtin.as_deref()).ok().flatten()
    }

    /// Computes the identity; an invalid one fails the row.
    fn identity(&self, columns: &Columns, gtin: Option<&str>) -> Result<Option<String>, Failure> {
        let good = |text: &str, column: Option<usize>| match identity::check(text) {
            Key::Good => Ok(()),
            Key::Placeholder => Err((RowError::PlaceholderIdentity(shortened(text)), column)),
            Key::Mangled => Err((RowError::MangledIdentity(shortened(text)), column)),
        };
        if !self.sku.is_empty() {
            good(&self.sku, columns.sku)?;
            if !self.shares_sku {
                return Ok(Some(identity::of_sku(&self.sku)));
            }
        }
        Ok(if !self.handle.is_empty() {
            good(&self.handle, columns.handle)?;
            Some(identity::of_variant(&self.handle, &borrowed(&self.options)))
        } else if !self.parent.is_empty() && self.attributes.iter().any(|value| !value.is_empty()) {
            Some(identity::of_variation(
                &self.parent,
                &borrowed(&self.attributes),
            ))
        } else if let Some(gtin) = gtin {
            Some(identity::of_gtin(gtin))
        } else if !self.barcode.is_empty() {
            good(&self.barcode, columns.barcode)?;
            Some(identity::of_gtin(&self.barcode))
        } else if !self.id.is_empty() {
            good(&self.id, columns.id)?;
            Some(identity::of_id(&self.id))
        } else {
            None
        })
    }

    fn price(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        currency: Option<&'static str>,
    ) -> Result<Option<Price>, Failure> {
        if self.price.is_empty() {
            return if self.may_lack_price() {
                Ok(None)
            } else {
                Err((RowError::NoPrice, columns.price.or(columns.sale_price)))
            };
        }
        let price = price::parse_in(&self.price, mark, currency);
        let price = price.map(|price| price.in_units(self.is_in_cents));
        price.map(Some).or_else(|error| {
            let mut open = OPEN_PRICES.iter();
            if open.any(|word| word.eq_ignore_ascii_case(&self.price)) {
                return Ok(None);
            }
            let shown = shortened(&self.price);
            let error = match error {
                PriceError::Unreadable => RowError::UnreadablePrice(shown),
                PriceError::Negative => RowError::NegativePrice(shown),
                PriceError::Date => RowError::DatePrice(shown),
                PriceError::Spreadsheet => RowError::ErrorPrice(shown),
            };
            Err((error, self.price_column))
        })
    }

    /// Returns the sale price, if lower.
    fn sale_price(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        price: Option<Price>,
        currency: Option<&'static str>,
        warnings: &mut Vec<Warning>,
    ) -> Option<String> {
        if self.sale_price.is_empty() || checks::is_nothing(&self.sale_price) {
            return None;
        }
        match price::parse_in(&self.sale_price, mark, currency) {
            Ok(sale) => {
                let sale = sale.in_units(columns.is_in_cents(columns.sale_price));
                let is_lower =
                    !sale.amount.is_zero() && price.is_none_or(|price| sale.amount < price.amount);
                is_lower.then(|| price::format(sale.amount))
            }
            Err(_) => {
                let error = RowError::SalePrice(shortened(&self.sale_price));
                warnings.push((Meaning::SalePrice, error, columns.sale_price));
                None
            }
        }
    }

    fn may_lack_price(&self) -> bool {
        self.is_listing
            || self.kind.split(',').any(|kind| {
                KINDS_WITHOUT_PRICE
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(kind.trim()))
            })
    }

    /// Returns the currency of its column. A shared symbol sets none, without a warning.
    fn told_currency(&self) -> Option<&'static str> {
        if self.currency.is_empty() {
            None
        } else {
            currency::code(&self.currency)
        }
    }

    /// Validates the GTIN of a column that claims one; a barcode may be the shop's own.
    fn gtin(&self, columns: &Columns) -> Result<Option<String>, RowError> {
        if self.gtin.is_empty() || columns.gtin.is_none() {
            return Ok(if self.barcode.is_empty() {
                None
            } else {
                checks::gtin(&self.barcode).ok().flatten()
            });
        }
        checks::gtin(&self.gtin).map_err(|error| RowError::Gtin(shortened(&self.gtin), error))
    }

    fn url(&self, columns: &Columns, warnings: &mut Vec<Warning>) -> Option<String> {
        match checks::url(&self.url) {
            Link::None => None,
            Link::Address(url) => Some(url.into_owned()),
            // These shops write only the last segment.
            Link::Other if matches!(columns.shape, Shape::Squarespace | Shape::Wix) => None,
            Link::Other => {
                let error = RowError::Url(shortened(&self.url));
                warnings.push((Meaning::Url, error, columns.url));
                None
            }
        }
    }

    /// Parses the stock; a word may tell the availability.
    fn stock(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        warnings: &mut Vec<Warning>,
    ) -> Option<i64> {
        match checks::stock(&self.stock, mark) {
            Stock::Count(count) => Some(count),
            Stock::None => None,
            Stock::Unreadable => {
                let error = RowError::Stock(shortened(&self.stock));
                warnings.push((Meaning::Stock, error, columns.stock));
                None
            }
        }
    }

    /// Parses the availability. Only Google feeds have a fixed vocabulary.
    fn availability(&self, columns: &Columns, warnings: &mut Vec<Warning>) -> Option<Availability> {
        if self.availability.is_empty() {
            // Its decimal mark does not matter for a word.
            return match checks::stock(&self.stock, DecimalMark::Point) {
                Stock::None => checks::availability(&self.stock),
                _ => None,
            };
        }
        let told = checks::availability(&self.availability);
        let is_wrong = told.is_none() && !checks::is_nothing(&self.availability);
        if is_wrong && columns.shape == Shape::Google {
            let error = RowError::Availability(shortened(&self.availability));
            warnings.push((Meaning::Availability, error, columns.availability));
        }
        told
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
            has_semicolons: false,
            numbers: &[],
        }
    }

    #[allow(clippy::result_large_err)] // it is what a row comes out as
    fn counts(classifier: &mut Classifier, row: RawRow<'_>) -> Result<FeedProduct, RowFailure> {
        match classifier.classify(row) {
            Some(Classified::Counts(outcome)) => outcome,
            other => panic!("the row does not count: {other:?}"),
        }
    }

    /// Classifies rows as `identity|name|price`, `label!reason`, or nothing.
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

    /// Classifies rows as `image [options]`.
    fn pictures(header: &str, rows: &[&str]) -> Vec<String> {
        let mut classifier = classifier(header);
        rows.iter()
            .map(|row| {
                let product = counts(&mut classifier, raw(&record(row))).unwrap();
                let image = product.image.unwrap_or_default();
                format!("{image} {:?}", product.options)
            })
            .collect()
    }

    #[test]
    fn variants_have_options_and_the_image_of_their_product() {
        let rows = pictures(
            SHOPIFY,
            &[
                "tee,Tee,,Blue,L,T-1,20,https://a.example/1.jpg",
                "tee,,,Blue,S,T-2,20,",
                "tee,,,Red,S,T-3,20,https://a.example/3.jpg",
                "cup,Cup,,Default Title,,C-1,5,",
            ],
        );
        assert_eq!(
            rows,
            [
                r#"https://a.example/1.jpg ["Blue", "L"]"#,
                r#"https://a.example/1.jpg ["Blue", "S"]"#,
                r#"https://a.example/3.jpg ["Red", "S"]"#,
                " []",
            ]
        );
        let header = format!("{WOOCOMMERCE},Images");
        let rows = pictures(
            &header,
            &[
                "1,variable,tee,Tee,,,,Blue|Red,L|S,https://a.example/1.jpg",
                "2,variation,tee-1,Tee,,20,tee,Blue,L,",
            ],
        );
        assert_eq!(rows, ["https://a.example/1.jpg []", r#" ["Blue", "L"]"#]);
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
        assert_eq!(rows[2], "A-3!\"abc\" is not a valid price.");
        assert_eq!(rows[3], "A-4!The price \"-1\" is negative.");
        assert_eq!(rows[4], "Shirt!No SKU or other identifier.");
        assert_eq!(
            rows[5],
            "A-5!The row has 4 cells, but the header row has only 3."
        );
        assert!(rows[6].ends_with("x!The SKU or identifier is longer than 500 characters."));
        assert_eq!(rows[7], "A!The row contains binary data.");
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
                "7,simple,gone,None,,,,,",
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
                "gone!The price is missing.",
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
                "sku:TEE|Tee|10.00",
                "sku:TEE-S|Tee|10.00",
                "sku:TEE-L|Tee|12",
                "",
                "id:8|Mug|5",
            ]
        );
    }

    #[test]
    fn what_a_product_needs_fails_with_its_column_and_value() {
        let mut classifier = classifier("sku,title,price,currency,ean,url,stock");
        for (row, column, value) in [
            ("A,x,much,,,,", "price", "much"),
            ("A,x,2026-05-12,,,,", "price", "2026-05-12"),
            ("A,x,#N/A,,,,", "price", "#N/A"),
            ("A,x,,,,,", "price", ""),
            (",x,1,,,,", "sku", ""),
            ("N/A,x,1,,,,", "sku", "N/A"),
            ("4.00638E+12,x,1,,,,", "sku", "4.00638E+12"),
            (",x,1,,4006381333932,,", "ean", "4006381333932"),
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
        assert_eq!(product.warnings, []);
    }

    #[test]
    fn what_a_product_does_not_need_is_left_out_with_a_warning() {
        let mut classifier = classifier("sku,title,price,currency,ean,url,stock,sale price");
        for (row, field, column, value) in [
            (
                "A,x,1,EUR,4006381333932,,,",
                Meaning::Gtin,
                "ean",
                "4006381333932",
            ),
            ("A,x,1,EUR,tbd,,,", Meaning::Gtin, "ean", "tbd"),
            ("A,x,1,XXQ,,,,", Meaning::Currency, "currency", "XXQ"),
            ("A,x,1,,,shirt,,", Meaning::Url, "url", "shirt"),
            ("A,x,1,,,,12.5,", Meaning::Stock, "stock", "12.5"),
            ("A,x,1,,,,,soon", Meaning::SalePrice, "sale price", "soon"),
        ] {
            let record = record(row);
            let product = counts(&mut classifier, raw(&record)).unwrap();
            assert_eq!(
                (product.identity.as_str(), product.price.as_deref()),
                ("sku:A", Some("1"))
            );
            let [warning] = &product.warnings[..] else {
                panic!("{row}: {:?}", product.warnings);
            };
            assert_eq!(warning.field, field, "{row}");
            assert_eq!(warning.column.as_deref(), Some(column), "{row}");
            assert_eq!(warning.value.as_deref(), Some(value), "{row}");
        }
        let both = record("A,x,20.00,,,,,15");
        let product = counts(&mut classifier, raw(&both)).unwrap();
        assert_eq!(product.price.as_deref(), Some("20.00"));
        assert_eq!(product.sale_price.as_deref(), Some("15"));
        for none in ["A,x,20,,,,,0.00", "A,x,20,,,,,20", "A,x,20,,,,,25"] {
            let record = record(none);
            let product = counts(&mut classifier, raw(&record)).unwrap();
            assert_eq!(
                (product.sale_price, product.warnings.len()),
                (None, 0),
                "{none}"
            );
        }
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
