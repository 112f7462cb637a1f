//! The cells of one row as text, by what they mean.

use std::borrow::Cow;

use crate::{failed_rows, header::Columns, price::DecimalMark, reader::RawRow};

/// The most characters of what a failed row is called.
const MAX_LABEL: usize = 200;

/// A row's cells by what they mean, trimmed; a column that is not there is an empty cell.
pub(crate) struct Cells<'a> {
    pub(crate) sku: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) price: Cow<'a, str>,
    /// The column that the price is in.
    pub(crate) price_column: Option<usize>,
    /// The lower price for a time; empty where it is the only one.
    pub(crate) sale_price: Cow<'a, str>,
    pub(crate) currency: Cow<'a, str>,
    pub(crate) handle: Cow<'a, str>,
    pub(crate) options: Vec<Cow<'a, str>>,
    pub(crate) parent: Cow<'a, str>,
    pub(crate) parent_id: Cow<'a, str>,
    pub(crate) attributes: Vec<Cow<'a, str>>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) item: Cow<'a, str>,
    pub(crate) store: Cow<'a, str>,
    pub(crate) variant_sku: Cow<'a, str>,
    pub(crate) surcharge: Cow<'a, str>,
    pub(crate) gtin: Cow<'a, str>,
    /// The column that the GTIN is in.
    pub(crate) gtin_column: Option<usize>,
    pub(crate) barcode: Cow<'a, str>,
    pub(crate) id: Cow<'a, str>,
    pub(crate) url: Cow<'a, str>,
    pub(crate) stock: Cow<'a, str>,
    pub(crate) availability: Cow<'a, str>,
    /// Whether another variant of the file had the SKU before.
    pub(crate) shares_sku: bool,
    /// Whether it is a listing of variations, which have the prices.
    pub(crate) is_listing: bool,
}

impl<'a> Cells<'a> {
    /// Reads a row of a file whose prices have this mark before their decimals.
    pub(crate) fn read(columns: &Columns, row: RawRow<'a>, mark: DecimalMark) -> Self {
        let (record, encoding) = (row.cells, row.encoding);
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
        let key = |column: Option<usize>| plain(cell(column));
        let list = |columns: &[usize]| columns.iter().map(|index| key(Some(*index))).collect();
        let amount = |column: Option<usize>| {
            let text = cell(column);
            match column {
                Some(column) if row.is_other_number(column, mark) => text.replace('.', ",").into(),
                _ => text,
            }
        };
        let price = amount(columns.price);
        let is_on_sale = price.is_empty() && columns.sale_price.is_some();
        let sale_price = amount(columns.sale_price);
        let (price, sale_price) = if is_on_sale {
            (sale_price, Cow::Borrowed(""))
        } else {
            (price, sale_price)
        };
        let gtins = columns.gtin.iter().chain(&columns.more_gtins);
        let filled = gtins.map(|index| (*index, key(Some(*index))));
        let (gtin_column, gtin) = filled
            .filter(|(_, text)| !text.is_empty())
            .map(|(index, text)| (Some(index), text))
            .next()
            .unwrap_or((columns.gtin, Cow::Borrowed("")));
        Self {
            sku: key(columns.sku),
            name: plain_name(cell(columns.name)),
            price,
            price_column: if is_on_sale && columns.price.is_none() {
                columns.sale_price
            } else {
                columns.price
            },
            sale_price,
            currency: cell(columns.currency),
            handle: key(columns.handle),
            options: list(&columns.options),
            parent: key(columns.parent),
            parent_id: key(columns.parent_id),
            attributes: list(&columns.attributes),
            kind: cell(columns.kind),
            item: cell(columns.item),
            store: cell(columns.store),
            variant_sku: key(columns.variant_sku),
            surcharge: amount(columns.surcharge),
            gtin,
            gtin_column,
            barcode: key(columns.barcode),
            id: key(columns.id),
            url: cell(columns.url),
            stock: cell(columns.stock),
            availability: cell(columns.availability),
            shares_sku: false,
            is_listing: false,
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

/// Takes off what spreadsheet programs and web pages add to a text: `="00123"`, `'00123`, marks without a
/// width.
pub(crate) fn plain_text(text: &str) -> Cow<'_, str> {
    plain(Cow::Borrowed(text.trim()))
}

fn plain(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() && !matches!(text.as_bytes().first(), Some(b'=' | b'\'')) {
        return text;
    }
    let visible: String = text
        .chars()
        .filter(|character| !has_no_width(*character))
        .collect();
    let visible = visible.trim();
    let visible = without_formula(visible);
    let visible = match visible.strip_prefix('\'') {
        Some(rest) if !rest.is_empty() && !rest.ends_with('\'') => rest,
        _ => without_apostrophes(visible),
    };
    Cow::Owned(visible.trim().to_owned())
}

fn plain_name(name: Cow<'_, str>) -> Cow<'_, str> {
    let ends = [name.as_bytes().first(), name.as_bytes().last()];
    if ends
        .iter()
        .all(|end| end.is_none_or(u8::is_ascii_alphanumeric))
    {
        return name;
    }
    let plain = without_formula(name.trim_matches(has_no_width)).trim();
    let plain = without_apostrophes(plain);
    if plain.len() == name.len() {
        name
    } else {
        Cow::Owned(plain.to_owned())
    }
}

/// Takes a text out of a formula that is nothing but this text.
fn without_formula(text: &str) -> &str {
    text.strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('"'))
        .unwrap_or(text)
}

/// Takes off apostrophes around a text that has no others: some databases quote with them.
fn without_apostrophes(text: &str) -> &str {
    let inner = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    inner
        .filter(|inner| !inner.is_empty() && !inner.contains('\''))
        .unwrap_or(text)
}

/// Whether a character takes no room and says nothing.
fn has_no_width(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{ad}'
    )
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
