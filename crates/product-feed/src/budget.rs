//! The limits of every reader. However a file is made, reading it takes no more memory than these add up
//! to: about 64 MiB.

use csv::ByteRecord;

/// Bytes of a row. A longer one is not held.
pub(crate) const MAX_ROW: usize = 1 << 20;

/// Columns that are read; what is beyond them is no product list.
pub(crate) const MAX_COLUMNS: usize = 1000;

/// Characters of a column's name.
pub(crate) const MAX_COLUMN_NAME: usize = 200;

/// Bytes of what a workbook has to hold while it is read: its shared texts, or an old workbook itself.
pub(crate) const MAX_HELD: usize = 32 << 20;

/// Bytes of a workbook that is unpacked out of another container, to be read in any order.
pub(crate) const MAX_UNPACKED_WORKBOOK: u64 = 128 << 20;

/// Entries of an archive, and bytes of the directory that lists them.
pub(crate) const MAX_ENTRIES: usize = 10_000;
pub(crate) const MAX_DIRECTORY: usize = 4 << 20;

/// Bytes and cells of all rows that are held at once: a file's first ones, from which is told how it
/// writes its prices, and those that are shown of it.
const HELD_BYTES: usize = 1 << 20;
const HELD_CELLS: usize = 100_000;

/// Characters of a cell that is shown.
pub(crate) const MAX_SHOWN_CELL: usize = 1000;

/// What rows that are held may still take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    bytes: usize,
    cells: usize,
}

impl Budget {
    /// Returns what all rows that are held at once may take.
    pub(crate) fn new() -> Self {
        Self {
            bytes: HELD_BYTES,
            cells: HELD_CELLS,
        }
    }

    /// Takes a row into account. The one that spends the budget is the last that may be held.
    pub(crate) fn spend(&mut self, row: &ByteRecord) {
        self.bytes = self.bytes.saturating_sub(row.as_slice().len());
        self.cells = self.cells.saturating_sub(row.len());
    }

    /// Whether nothing is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.bytes == 0 || self.cells == 0
    }
}

/// Copies a row without the room that a longer one before it has left behind.
pub(crate) fn compact(row: &ByteRecord) -> ByteRecord {
    let mut copy = ByteRecord::with_capacity(row.as_slice().len(), row.len());
    copy.extend(row);
    copy
}

/// Cuts a text to so many characters.
pub(crate) fn cut(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
}
