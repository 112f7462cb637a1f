//! Classifies a row: product, failure or skipped.

mod error;
mod order;
mod passed_over;
mod product;

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use rust_decimal::Decimal;

use crate::{
    cells::{Cells, is_blank, shortened},
    columns::Meaning,
    encoding::CellEncoding,
    failed_rows,
    header::{Columns, Header, RowKind, Shape, without_decimal},
    identity::{self, Key},
    price::{self, DecimalMark},
    reader::RawRow,
};

pub use error::RowError;
use order::Order;
pub use passed_over::PassedOverReason;
use product::shape;

/// Maximum characters of an identity or name, for the database's index.
const MAX_LEN: usize = 500;

/// Maximum products and variant SKUs remembered.
const MAX_REMEMBERED: usize = 1 << 20;

/// Maximum bytes of an image cell that variants elsewhere in the file inherit: a million of them are remembered.
const MAX_INHERITED_IMAGE: usize = 300;

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
    /// The last line of further header rows.
    names_until: Option<u64>,
    /// The order of columns below a later header row.
    order: Option<Order>,
    /// The file's decimal mark.
    mark: DecimalMark,
    above: Above,
    /// Products that variants reference by ID.
    families: HashMap<String, Above>,
    /// Hashes of the SKUs of variants, and of Magento's products.
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
            names_until: header.names_until,
            order: None,
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
        if row.cells.iter().all(is_blank) {
            return None;
        }
        if let Some(order) = Order::of(row, &self.columns, &self.names) {
            self.order = Some(order);
            return Some(Classified::PassedOver(PassedOverReason::RepeatedHeader));
        }
        let moved = self.order.as_ref().map(|order| order.moved(row));
        let row = match &moved {
            Some((cells, numbers)) => RawRow {
                cells,
                numbers,
                ..row
            },
            None => row,
        };
        let record = row.cells;
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

    /// Inherits fields from a product above, and returns why the row is not a product.
    fn follow(&mut self, cells: &mut Cells<'_>) -> Option<PassedOverReason> {
        match self.columns.shape {
            Shape::Plain | Shape::Google => None,
            Shape::Shopify => {
                if !self.follow_handle(cells) {
                    return Some(PassedOverReason::Image);
                }
                if self.columns.has_heads && cells.price.is_empty() && cells.sku.is_empty() {
                    return Some(PassedOverReason::Option);
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
                self.remember(&cells.sku);
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
        cells.shares_sku = self.skus.contains(&hash(&cells.sku));
        self.remember(&cells.sku);
    }

    fn remember(&mut self, sku: &str) {
        if self.skus.len() < MAX_REMEMBERED {
            self.skus.insert(hash(sku));
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
                    if cells.parent.is_empty() {
                        cells.parent = cells.id.clone();
                    }
                    cells.sku = cells.variant_sku.clone();
                    cells.attributes = cells.options.clone();
                    if !cells.variant_price.is_empty() {
                        cells.price = cells.variant_price.clone();
                        cells.price_column = self.columns.variant_price;
                    }
                    if self.columns.variant_stock.is_some() {
                        cells.stock = cells.variant_stock.clone();
                    }
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
        if matches!(&*cells.parent_id, "" | "0") {
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
        for column in &self.columns.whole {
            if let Some(text) = texts.get_mut(*column)
                && let Some(digits) = text.strip_suffix(".0")
                && without_decimal(text.as_bytes()).is_some()
            {
                *text = digits.to_owned();
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

/// Hashes a SKU. Deterministic, because a resumed import reads from the start.
fn hash(sku: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    sku.hash(&mut hasher);
    hasher.finish()
}
