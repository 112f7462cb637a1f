//! Maps the columns of a file from its header row.

mod error;
mod mapped_columns;
mod row_kind;
mod shape;

#[cfg(test)]
mod tests;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use crate::{
    cells::is_blank,
    columns::{self, Meaning},
    failed_rows,
    mapping::Mapping,
    reader::RawRow,
};

pub use error::HeaderError;
pub(crate) use mapped_columns::Columns;
pub(crate) use row_kind::RowKind;
pub use shape::{Shape, UnknownShape};

/// A header row and its column mapping.
#[derive(Clone, Debug)]
pub struct Header {
    /// The cells.
    pub cells: Vec<String>,
    pub(crate) columns: Columns,
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
        Ok(Self { cells, columns })
    }

    /// Returns whether the file has a column of this meaning.
    #[must_use]
    pub fn has(&self, meaning: Meaning) -> bool {
        (0..self.cells.len()).any(|index| self.columns.meaning_of(index) == Some(meaning))
    }

    /// Corrects the mapping by the first rows: an "Item Type" can hold anything.
    pub(crate) fn settle<'r>(&mut self, rows: impl Iterator<Item = RawRow<'r>> + Clone) {
        let columns = &mut self.columns;
        if columns.is_shape_said {
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
        // Loyverse's "In stock" is a count.
        let is_count = |column: usize| {
            rows.clone().any(|row| {
                let text = row.encoding.text(row.cells.get(column).unwrap_or_default());
                text.parse::<f64>().is_ok_and(|count| count > 1.0)
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

/// Counts known column names in a row; value rows rarely have any.
pub(crate) fn known_cells(cells: &[String]) -> usize {
    cells
        .iter()
        .filter(|cell| columns::look_up(cell).is_some())
        .count()
}
