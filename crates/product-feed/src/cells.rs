//! Maps the cells of a row to their meanings.

use std::borrow::Cow;

use crate::{
    checks::{self, Availability},
    entities::without_entities,
    failed_rows,
    header::{Columns, without_decimal},
    price::DecimalMark,
    reader::RawRow,
};

/// Maximum characters of a row's label.
const MAX_LABEL: usize = 200;

/// The cells of a row by meaning, trimmed. Missing columns are empty cells.
pub(crate) struct Cells<'a> {
    pub(crate) sku: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) price: Cow<'a, str>,
    /// Whether the price is in hundredths.
    pub(crate) is_in_cents: bool,
    /// Column of the price.
    pub(crate) price_column: Option<usize>,
    /// The sale price; empty if it is the only price.
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
    pub(crate) variant_price: Cow<'a, str>,
    pub(crate) variant_stock: Cow<'a, str>,
    pub(crate) surcharge: Cow<'a, str>,
    pub(crate) gtin: Cow<'a, str>,
    /// Column of the GTIN.
    pub(crate) gtin_column: Option<usize>,
    pub(crate) barcode: Cow<'a, str>,
    pub(crate) id: Cow<'a, str>,
    pub(crate) url: Cow<'a, str>,
    pub(crate) image: Cow<'a, str>,
    pub(crate) stock: Cow<'a, str>,
    pub(crate) availability: Cow<'a, str>,
    /// Whether another variant in the file has the same SKU.
    pub(crate) shares_sku: bool,
    /// Whether it is a listing whose variations have the prices.
    pub(crate) is_listing: bool,
}

impl<'a> Cells<'a> {
    /// Reads a row with the file's decimal mark.
    pub(crate) fn read(columns: &Columns, row: RawRow<'a>, mark: DecimalMark) -> Self {
        let (record, encoding) = (row.cells, row.encoding);
        // Only a list of failed rows has escaped cells.
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
            // Databases and data frames write these for nothing.
            if matches!(
                cell,
                b"NULL" | b"\\N" | b"(null)" | b"nan" | b"NaN" | b"<NA>"
            ) {
                return Cow::Borrowed("");
            }
            let is_whole = column.is_some_and(|column| columns.whole.contains(&column));
            let cell = match without_decimal(cell) {
                Some(digits) if is_whole => digits,
                _ => cell,
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
        let of_shops = || {
            let mut prices = columns.shop_prices.iter().map(|index| amount(Some(*index)));
            prices.find(|price| !price.is_empty())
        };
        let price = amount(columns.price);
        let price = match price.is_empty() {
            true => of_shops().unwrap_or(price),
            false => price,
        };
        let is_on_sale = price.is_empty() && columns.sale_price.is_some();
        let is_over = !is_on_sale && columns.on_sale.is_some() && is_no(&cell(columns.on_sale));
        let sale_price = match is_over {
            true => Cow::Borrowed(""),
            false => amount(columns.sale_price),
        };
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
            name: plain_name(without_entities(cell(columns.name))),
            price,
            is_in_cents: columns.is_in_cents(if is_on_sale {
                columns.sale_price
            } else {
                columns.price
            }),
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
            variant_price: amount(columns.variant_price),
            variant_stock: cell(columns.variant_stock),
            surcharge: amount(columns.surcharge),
            gtin,
            gtin_column,
            barcode: key(columns.barcode),
            id: key(columns.id),
            url: cell(columns.url),
            image: cell(columns.image),
            stock: cell(columns.stock),
            availability: cell(columns.availability),
            shares_sku: false,
            is_listing: false,
        }
    }

    /// Returns whether a Shopify row has only an image. The first row of a handle is a product if it has a
    /// title, even without a price.
    pub(crate) fn is_image_only(&self, continues: bool) -> bool {
        !self.handle.is_empty()
            && self.sku.is_empty()
            && self.price.is_empty()
            && self.options.iter().all(|option| option.is_empty())
            && (continues || self.name.is_empty())
    }

    /// Returns the row's label: its SKU, or another name.
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

/// Returns whether a cell answers a question with no.
fn is_no(cell: &str) -> bool {
    checks::availability(cell) == Some(Availability::OutOfStock)
}

/// Returns whether a cell is empty or whitespace.
pub(crate) fn is_blank(cell: &[u8]) -> bool {
    cell.trim_ascii().is_empty()
}

/// Removes what spreadsheet programs and web pages add: `="00123"`, `'00123`, zero-width characters.
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

/// Unwraps a formula that is a string literal.
fn without_formula(text: &str) -> &str {
    text.strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('"'))
        .unwrap_or(text)
}

/// Removes enclosing apostrophes, which some databases write as quotes, and quotes of word processors.
fn without_apostrophes(text: &str) -> &str {
    const QUOTES: [(char, char); 3] = [('\'', '\''), ('“', '”'), ('„', '“')];
    let inner = |(open, close): &(char, char)| {
        let inner = text.strip_prefix(*open)?.strip_suffix(*close)?;
        (!inner.is_empty() && !inner.contains([*open, *close])).then_some(inner)
    };
    QUOTES.iter().find_map(inner).unwrap_or(text)
}

/// Returns whether a character is invisible and has no width.
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

/// Borrows cells as strings.
pub(crate) fn borrowed<'a>(cells: &'a [Cow<'_, str>]) -> Vec<&'a str> {
    cells.iter().map(AsRef::as_ref).collect()
}

/// Truncates a text for display and joins its lines.
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
