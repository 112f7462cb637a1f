//! The cells of one row as text, by what they mean.

use std::borrow::Cow;

use csv_async::ByteRecord;
use encoding_rs::WINDOWS_1252;

use super::columns::Columns;

/// The most characters of what a failed row is called.
const MAX_LABEL: usize = 200;

/// A row's cells by what they mean, trimmed; a column that is not there is an empty cell.
pub(super) struct Cells<'a> {
    pub(super) sku: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) price: Cow<'a, str>,
    pub(super) handle: Cow<'a, str>,
    pub(super) options: Vec<Cow<'a, str>>,
    pub(super) parent: Cow<'a, str>,
    pub(super) attributes: Vec<Cow<'a, str>>,
    pub(super) kind: Cow<'a, str>,
    pub(super) gtin: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
}

impl<'a> Cells<'a> {
    pub(super) fn read(columns: &Columns, record: &'a ByteRecord) -> Self {
        let cell = |column: Option<usize>| text(column.and_then(|index| record.get(index)));
        let list = |columns: &[usize]| columns.iter().map(|index| cell(Some(*index))).collect();
        let price = cell(columns.price);
        Self {
            sku: cell(columns.sku),
            name: cell(columns.name),
            price: if price.is_empty() {
                cell(columns.sale_price)
            } else {
                price
            },
            handle: cell(columns.handle),
            options: list(&columns.options),
            parent: cell(columns.parent),
            attributes: list(&columns.attributes),
            kind: cell(columns.kind),
            gtin: cell(columns.gtin),
            id: cell(columns.id),
        }
    }

    /// Returns whether a Shopify row brings nothing but an image. A first row of a handle that has a title
    /// means a product, even if its price is missing.
    pub(super) fn is_image_only(&self, continues: bool) -> bool {
        !self.handle.is_empty()
            && self.sku.is_empty()
            && self.price.is_empty()
            && self.options.iter().all(|option| option.is_empty())
            && (continues || self.name.is_empty())
    }

    /// Returns what the row is called for people: its SKU, or whatever else names it.
    pub(super) fn label(&self) -> Option<String> {
        if self.sku.is_empty() && !self.handle.is_empty() {
            let parts = std::iter::once(&self.handle).chain(&self.options);
            let parts: Vec<_> = parts
                .map(AsRef::as_ref)
                .filter(|part: &&str| !part.is_empty())
                .collect();
            return Some(shortened(&parts.join(" / ")));
        }
        [&self.sku, &self.name, &self.parent, &self.gtin, &self.id]
            .into_iter()
            .find(|name| !name.is_empty())
            .map(|name| shortened(name))
    }
}

/// Returns whether a cell holds nothing but spaces.
pub(super) fn is_blank(cell: &[u8]) -> bool {
    cell.trim_ascii().is_empty()
}

/// Borrows cells as texts.
pub(super) fn borrowed<'a>(cells: &'a [Cow<'_, str>]) -> Vec<&'a str> {
    cells.iter().map(AsRef::as_ref).collect()
}

/// Reads a cell as text, without spaces around it.
fn text(cell: Option<&[u8]>) -> Cow<'_, str> {
    let cell = cell.unwrap_or_default();
    match std::str::from_utf8(cell) {
        Ok(text) => Cow::Borrowed(text.trim()),
        Err(_) => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(cell);
            Cow::Owned(text.trim().to_owned())
        }
    }
}

/// Reads a header cell; the rules are those of every cell.
pub(super) fn header_text(cell: &[u8]) -> Cow<'_, str> {
    text(Some(cell))
}

/// Cuts a text to what can be shown, and makes one line of it.
pub(super) fn shortened(text: &str) -> String {
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
