//! The cells of one row as text, by what they mean.

use std::borrow::Cow;

use csv::ByteRecord;

use crate::{encoding::CellEncoding, failed_rows, header::Columns};

/// The most characters of what a failed row is called.
const MAX_LABEL: usize = 200;

/// A row's cells by what they mean, trimmed; a column that is not there is an empty cell.
pub(crate) struct Cells<'a> {
    pub(crate) sku: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) price: Cow<'a, str>,
    /// The column that the price is in.
    pub(crate) price_column: Option<usize>,
    pub(crate) currency: Cow<'a, str>,
    pub(crate) handle: Cow<'a, str>,
    pub(crate) options: Vec<Cow<'a, str>>,
    pub(crate) parent: Cow<'a, str>,
    pub(crate) attributes: Vec<Cow<'a, str>>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) item: Cow<'a, str>,
    pub(crate) gtin: Cow<'a, str>,
    pub(crate) barcode: Cow<'a, str>,
    pub(crate) id: Cow<'a, str>,
    pub(crate) url: Cow<'a, str>,
    pub(crate) stock: Cow<'a, str>,
    pub(crate) availability: Cow<'a, str>,
}

impl<'a> Cells<'a> {
    pub(crate) fn read(columns: &Columns, record: &'a ByteRecord, encoding: CellEncoding) -> Self {
        // Only a list of failed rows has cells that were made harmless.
        let is_neutralised = columns.reason.is_some();
        let cell = |column: Option<usize>| {
            let cell = column
                .and_then(|index| record.get(index))
                .unwrap_or_default();
            let cell = if is_neutralised {
                failed_rows::restored(cell)
            } else {
                cell
            };
            encoding.text(cell)
        };
        let list = |columns: &[usize]| columns.iter().map(|index| cell(Some(*index))).collect();
        let price = cell(columns.price);
        let is_on_sale = price.is_empty() && columns.sale_price.is_some();
        Self {
            sku: cell(columns.sku),
            name: cell(columns.name),
            price: if is_on_sale {
                cell(columns.sale_price)
            } else {
                price
            },
            price_column: if is_on_sale && columns.price.is_none() {
                columns.sale_price
            } else {
                columns.price
            },
            currency: cell(columns.currency),
            handle: cell(columns.handle),
            options: list(&columns.options),
            parent: cell(columns.parent),
            attributes: list(&columns.attributes),
            kind: cell(columns.kind),
            item: cell(columns.item),
            gtin: cell(columns.gtin),
            barcode: cell(columns.barcode),
            id: cell(columns.id),
            url: cell(columns.url),
            stock: cell(columns.stock),
            availability: cell(columns.availability),
        }
    }

    /// Returns whether a Shopify row brings nothing but an image. A first row of a handle that has a title
    /// means a product, even if its price is missing.
    pub(crate) fn is_image_only(&self, continues: bool) -> bool {
        !self.handle.is_empty()
            && self.sku.is_empty()
            && self.price.is_empty()
            && self.options.iter().all(|option| option.is_empty())
            && (continues || self.name.is_empty())
    }

    /// Returns what the row is called for people: its SKU, or whatever else names it.
    pub(crate) fn label(&self) -> Option<String> {
        if self.sku.is_empty() && !self.handle.is_empty() {
            let parts = std::iter::once(&self.handle).chain(&self.options);
            let parts: Vec<_> = parts
                .map(AsRef::as_ref)
                .filter(|part: &&str| !part.is_empty())
                .collect();
            return Some(shortened(&parts.join(" / ")));
        }
        let names = [
            &self.sku,
            &self.name,
            &self.parent,
            &self.gtin,
            &self.barcode,
            &self.id,
        ];
        names
            .into_iter()
            .find(|name| !name.is_empty())
            .map(|name| shortened(name))
    }
}

/// Returns whether a cell holds nothing but spaces.
pub(crate) fn is_blank(cell: &[u8]) -> bool {
    cell.trim_ascii().is_empty()
}

/// Borrows cells as texts.
pub(crate) fn borrowed<'a>(cells: &'a [Cow<'_, str>]) -> Vec<&'a str> {
    cells.iter().map(AsRef::as_ref).collect()
}

/// Cuts a text to what can be shown, and makes one line of it.
pub(crate) fn shortened(text: &str) -> String {
    text.chars()
        .filter(|character| *character != '\0')
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(MAX_LABEL)
        .collect()
}
