//! Limits for all readers. Reading any file takes at most their sum: about 64 MiB.

use csv::ByteRecord;

/// Maximum bytes of a row.
pub(crate) const MAX_ROW: usize = 1 << 20;

/// Maximum columns of a product list.
pub(crate) const MAX_COLUMNS: usize = 1000;

/// Maximum characters of a column name.
pub(crate) const MAX_COLUMN_NAME: usize = 200;

/// Maximum bytes held for a workbook: its shared strings, or an `.xls` itself.
pub(crate) const MAX_HELD: usize = 32 << 20;

/// Maximum bytes of a workbook unpacked from another container, for random access.
pub(crate) const MAX_UNPACKED_WORKBOOK: u64 = 128 << 20;

/// Maximum entries of an archive, and bytes of its directory.
pub(crate) const MAX_ENTRIES: usize = 10_000;
pub(crate) const MAX_DIRECTORY: usize = 4 << 20;

/// Maximum bytes and cells of rows held at once: those sampled for the price format, and those shown.
const HELD_BYTES: usize = 1 << 20;
const HELD_CELLS: usize = 100_000;

/// Maximum characters of a shown cell.
pub(crate) const MAX_SHOWN_CELL: usize = 1000;

/// The remaining budget of held rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    bytes: usize,
    cells: usize,
}

impl Budget {
    /// Returns a full budget.
    pub(crate) fn new() -> Self {
        Self {
            bytes: HELD_BYTES,
            cells: HELD_CELLS,
        }
    }

    /// Charges a row. The one that exhausts the budget may still be held.
    pub(crate) fn spend(&mut self, row: &ByteRecord) {
        self.bytes = self.bytes.saturating_sub(row.as_slice().len());
        self.cells = self.cells.saturating_sub(row.len());
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.bytes == 0 || self.cells == 0
    }
}

/// Copies a row without excess capacity.
pub(crate) fn compact(row: &ByteRecord) -> ByteRecord {
    let mut copy = ByteRecord::with_capacity(row.as_slice().len(), row.len());
    copy.extend(row);
    copy
}

/// Truncates a text to a number of characters.
pub(crate) fn cut(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
}
