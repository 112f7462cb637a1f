//! Maps the columns of a file from its header row.

mod error;
mod mapped_columns;
mod row_kind;
mod shape;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use crate::{
    cells::is_blank,
    checks::{Stock, stock},
    columns::{self, Meaning, Word},
    failed_rows,
    mapping::Mapping,
    price::DecimalMark,
    reader::RawRow,
};

pub use error::HeaderError;
pub(crate) use mapped_columns::{Columns, without_decimal};
pub(crate) use row_kind::RowKind;
pub use shape::{Shape, UnknownShape};

/// A header row and its column mapping.
#[derive(Clone, Debug)]
pub struct Header {
    /// The cells.
    pub cells: Vec<String>,
    pub(crate) columns: Columns,
    /// The last line of further header rows directly below.
    pub(crate) names_until: Option<u64>,
}

/// The ID of a Google feed, with its prefix.
pub(crate) const GOOGLE_ID: &str = "g:id";

impl Header {
    /// Maps columns by `mapping`, then by the header row.
    ///
    /// # Errors
    ///
    /// If there is no identity or no price.
    pub(crate) fn find(cells: Vec<String>, mapping: Option<&Mapping>) -> Result<Self, HeaderError> {
        let columns = Columns::find(&cells, mapping)?;
        Ok(Self {
            cells,
            columns,
            names_until: None,
        })
    }

    /// As [`Self::find`], below a row whose names reach into this one: columns without a name have that above.
    pub(crate) fn find_below(above: &[String], cells: Vec<String>) -> Result<Self, HeaderError> {
        let is_of_names = above.iter().filter(|name| !name.is_empty()).count() > 1;
        let name = |(cell, above): (&String, &String)| {
            let is_missing = cell.is_empty() && columns::look_up(above).is_some();
            if is_missing { above } else { cell }.clone()
        };
        let empty = String::new();
        let aboves = above.iter().chain(std::iter::repeat(&empty));
        let names: Vec<_> = cells.iter().zip(aboves).map(name).collect();
        let columns = match is_of_names {
            true => Columns::find(&names, None)?,
            false => Columns::find(&cells, None)?,
        };
        Ok(Self {
            cells,
            columns,
            names_until: None,
        })
    }

    /// Maps columns anew if the first row below is a second header row, with parts of a price's name: `HT` and `TTC`
    /// below `Prix`, which stands above the first of them only, or its currency.
    pub(crate) fn join_second(&mut self, row: RawRow<'_>) {
        let texts: Vec<_> = row
            .cells
            .iter()
            .map(|cell| row.encoding.text(cell))
            .collect();
        // A cell merged with the one above says nothing new.
        let cells = self.cells.iter().map(String::as_str);
        let cells = cells.chain(std::iter::repeat(""));
        let parts = texts.iter().map(AsRef::as_ref).zip(cells);
        let texts: Vec<_> = parts
            .map(|(part, cell): (&str, &str)| if part == cell { "" } else { part })
            .collect();
        let columns = &self.columns;
        let own = [
            columns.sku,
            columns.name,
            columns.gtin,
            columns.barcode,
            columns.id,
        ];
        let is_free = |index: usize| texts.get(index).is_none_or(|text| text.is_empty());
        let is_name = |text: &str| !text.contains(|mark: char| mark.is_ascii_digit());
        if columns.is_shape_said
            || !own.into_iter().flatten().all(is_free)
            || !texts.iter().all(|text| is_name(text))
        {
            return;
        }
        let (mut group, mut has_price) = ("", false);
        // The last name may be merged over more columns than the first row has.
        let count = self.cells.len().max(texts.len());
        let names: Vec<_> = (0..count)
            .map(|index| {
                let cell = self.cells.get(index).map_or("", String::as_str);
                let part = texts.get(index).copied().unwrap_or_default();
                if !cell.is_empty() || part.is_empty() {
                    group = cell;
                }
                let full = format!("{group} {part}");
                if part.is_empty() {
                    return cell.to_owned();
                }
                let meaning = |name: &str| columns::look_up(name).map(|known| known.word.meaning());
                let is_price =
                    |meaning| matches!(meaning, Some(Meaning::Price | Meaning::OtherPrice));
                let of_full = meaning(&full);
                has_price |= is_price(of_full);
                let of_cell = meaning(cell);
                if of_full.is_some() {
                    full
                } else if meaning(part).is_none() && of_cell.is_some() && !is_price(of_cell) {
                    // `Stock` above the names of places.
                    cell.to_owned()
                } else {
                    part.to_owned()
                }
            })
            .collect();
        if has_price && let Ok(columns) = Columns::find(&names, None) {
            self.columns = columns;
            self.cells.resize(count, String::new());
            self.names_until = Some(row.line);
        }
    }

    /// Returns whether the file has a column of this meaning.
    #[must_use]
    pub fn has(&self, meaning: Meaning) -> bool {
        (0..self.cells.len()).any(|index| self.columns.meaning_of(index) == Some(meaning))
    }

    /// Finds further header rows below, such as TikTok's: a row of keys, one of notes and one of names.
    pub(crate) fn find_further<'r>(&mut self, rows: impl Iterator<Item = RawRow<'r>>) {
        let Some(price) = self.columns.price else {
            return;
        };
        for row in rows.take(MAX_FURTHER) {
            let text = |column: usize| row.encoding.text(row.cells.get(column).unwrap_or_default());
            let price = text(price);
            // The same header row again begins another part of the file.
            let is_again = (0..self.cells.len()).all(|column| text(column) == self.cells[column]);
            if is_again || price.contains(|mark: char| mark.is_ascii_digit()) {
                return;
            }
            let own = [self.columns.sku, self.columns.name, self.columns.handle];
            let own: Vec<_> = own.into_iter().flatten().map(text).collect();
            if names_columns(&price, &own) {
                self.names_until = Some(row.line);
            }
        }
    }

    /// Corrects the mapping by the first rows: an "Item Type" can hold anything.
    pub(crate) fn correct_by<'r>(&mut self, rows: impl Iterator<Item = RawRow<'r>> + Clone) {
        let columns = &mut self.columns;
        if columns.is_shape_said {
            columns.find_whole(&rows);
            return;
        }
        let kinds_of = |column: Option<usize>| -> Option<Vec<RowKind>> {
            let column = column?;
            rows.clone()
                .filter(|row| row.cells.iter().any(|cell| !is_blank(cell)))
                .map(|row| {
                    RowKind::of(&row.encoding.text(row.cells.get(column).unwrap_or_default()))
                })
                .collect()
        };
        if columns.item.is_some() && kinds_of(columns.item).is_none() {
            columns.item = None;
        }
        // Where no row is of the main view, it is the name of a shop.
        let is_main = |store: usize| {
            let mut stores = rows
                .clone()
                .map(|row| row.cells.get(store).unwrap_or_default());
            stores.any(is_main_view)
        };
        columns.store = columns.store.filter(|store| is_main(*store));
        for column in [columns.label, columns.kind].into_iter().flatten() {
            let kinds = kinds_of(Some(column)).unwrap_or_default();
            let has_both = kinds.contains(&RowKind::Product)
                && kinds.iter().any(|kind| *kind != RowKind::Product);
            if columns.item.is_none() && columns.handle.is_none() && has_both {
                columns.forget(column);
                columns.item = Some(column);
            }
        }
        columns.prefer_filled(&rows);
        columns.prefer_named(&rows);
        columns.forget_paths(&rows);
        columns.prefer_gross(&rows);
        columns.find_whole(&rows);
        // Loyverse's "In stock" is a count.
        let is_count = |column: usize| {
            rows.clone().any(|row| {
                let text = row.encoding.text(row.cells.get(column).unwrap_or_default());
                text.parse::<f64>().is_ok_and(|count| count > 1.0)
                    || matches!(stock(&text, DecimalMark::Point), Stock::Count(2..))
            })
        };
        if columns.stock.is_none() && columns.availability.is_some_and(is_count) {
            columns.stock = columns.availability.take();
        }
        columns.prefer_counts(&rows);
        let is_empty = |column: Option<usize>| {
            column.is_some_and(|column| {
                rows.clone()
                    .all(|row| row.cells.get(column).is_none_or(is_blank))
            })
        };
        if columns.sku.is_some() && is_empty(columns.handle) && rows.clone().next().is_some() {
            columns.handle = None;
        }
        columns.shape = columns.told_shape();
    }

    /// Iterates over the price cells of a row.
    pub(crate) fn prices<'r>(
        &self,
        row: &'r ByteRecord,
    ) -> impl Iterator<Item = (usize, &'r [u8])> {
        let columns = [self.columns.price, self.columns.sale_price];
        columns
            .into_iter()
            .flatten()
            .chain(self.columns.other_prices.iter().copied())
            .filter_map(move |index| Some((index, row.get(index)?)))
    }

    /// Returns the currency cell of a row.
    pub(crate) fn currency<'r>(&self, row: &'r ByteRecord) -> Option<&'r [u8]> {
        row.get(self.columns.currency?)
    }

    /// Returns the meaning of each column.
    #[must_use]
    pub fn meanings(&self) -> Vec<Option<Meaning>> {
        self.columns.meanings()
    }

    /// Returns a fingerprint of the column names and their order.
    #[must_use]
    pub fn fingerprint(cells: &[String]) -> String {
        let mut hash = Sha256::new();
        for cell in cells.iter().filter(|cell| !failed_rows::is_ours(cell)) {
            hash.update(cell.trim().as_bytes());
            hash.update([0]);
        }
        hex::encode(hash.finalize())
    }
}

/// Returns whether a store view is the main one, of which the others are translations.
pub(crate) fn is_main_view(store: &[u8]) -> bool {
    let mains: [&[u8]; 4] = [b"", b"admin", b"default", b"all"];
    mains
        .iter()
        .any(|main| main.eq_ignore_ascii_case(store.trim_ascii()))
}

/// Maximum rows between a header row and a further one.
const MAX_FURTHER: usize = 4;

/// Returns whether the cells of a price and of others are names of columns.
pub(crate) fn names_columns(price: &str, others: &[Cow<'_, str>]) -> bool {
    let word = columns::look_up(price).map(|known| known.word);
    let is_price = matches!(word, Some(Word::Is(Meaning::Price | Meaning::SalePrice)));
    is_price && others.iter().any(|cell| columns::look_up(cell).is_some())
}

/// Counts known column names in a row; value rows rarely have any.
pub(crate) fn known_cells(cells: &[String]) -> usize {
    cells
        .iter()
        .filter(|cell| columns::look_up(cell).is_some())
        .count()
}
