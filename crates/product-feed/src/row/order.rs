//! The order of columns below a later header row: sections of a list may have the same columns in another order.

use csv::ByteRecord;

use crate::{header::Columns, reader::RawRow};

/// Where the file's columns stand in a row.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// By column of the file; `None` for one that is missing.
    places: Vec<Option<usize>>,
    /// Columns of the later header row.
    count: usize,
}

impl Order {
    /// Returns the order that a header row tells. It has the names of the file's identity, name and price.
    pub(super) fn of(row: RawRow<'_>, columns: &Columns, names: &[String]) -> Option<Self> {
        let keys = [
            columns.sku,
            columns.handle,
            columns.gtin,
            columns.barcode,
            columns.id,
        ];
        let key = keys.into_iter().flatten().next()?;
        let price = columns.price?;
        let place = |index: usize| {
            let name = names.get(index).filter(|name| !name.is_empty())?;
            let is_it = |cell: &[u8]| match name.is_ascii() {
                // Fast, as every row is asked.
                true => cell.trim_ascii().eq_ignore_ascii_case(name.as_bytes()),
                false => !cell.is_ascii() && row.encoding.text(cell) == name.as_str(),
            };
            // Names may repeat.
            match row.cells.get(index) {
                Some(cell) if is_it(cell) => Some(index),
                _ => row.cells.iter().position(is_it),
            }
        };
        let keys = [Some(price), Some(key), columns.name];
        if !keys
            .into_iter()
            .flatten()
            .all(|index| place(index).is_some())
        {
            return None;
        }
        Some(Self {
            places: (0..names.len()).map(place).collect(),
            count: row.cells.len(),
        })
    }

    /// Moves the cells of a row to where the file's columns are. Surplus cells stay surplus.
    pub(super) fn moved(&self, row: RawRow<'_>) -> (ByteRecord, Vec<usize>) {
        let cell = |place: &Option<usize>| place.and_then(|place| row.cells.get(place));
        let own = self
            .places
            .iter()
            .map(|place| cell(place).unwrap_or_default());
        let surplus = row.cells.iter().skip(self.count);
        let cells = own.chain(surplus).collect();
        let is_number =
            |place: &Option<usize>| place.is_some_and(|place| row.numbers.contains(&place));
        let numbered = (0..)
            .zip(&self.places)
            .filter(|(_, place)| is_number(place));
        (cells, numbered.map(|(index, _)| index).collect())
    }
}
