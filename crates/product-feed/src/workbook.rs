//! Reads a spreadsheet workbook as rows.
//!
//! Visible sheets are streamed cell by cell; only `.xls` is held in memory. Output is limited, because an
//! attribute can repeat cells a million times.

use std::{collections::HashMap, ops::ControlFlow};

use csv::ByteRecord;

use crate::{
    budget::{self, MAX_ROW},
    cell_format::Format,
    reader::{FeedError, RawRow},
};

/// Maximum rows of a sheet in any program.
pub(crate) const MAX_ROWS: u32 = 1 << 20;

/// Maximum sheets of a workbook.
pub(crate) const MAX_SHEETS: usize = 500;

/// The first ignored column.
const MAX_COLUMNS: u32 = budget::MAX_COLUMNS as u32;

/// Receives the sheets of a workbook.
pub(crate) trait Sheets {
    /// Starts a sheet, and returns whether its rows are wanted.
    fn begin(&mut self, _name: &str) -> bool {
        true
    }

    /// Receives a row, and returns whether to continue with the sheet.
    fn row(&mut self, row: RawRow<'_>) -> ControlFlow<()>;

    /// Ends a sheet, and returns whether to continue with the next one.
    fn end(&mut self) -> ControlFlow<()>;
}

/// Maximum styles.
pub(crate) const MAX_STYLES: usize = 10_000;

/// Maximum bytes of a cell that spans rows.
const MAX_SPANNING: usize = 1000;

/// Assembles a row.
pub(crate) struct Row {
    index: u32,
    cells: ByteRecord,
    columns: u32,
    /// Cells that are numbers with decimals.
    numbers: Vec<usize>,
    /// Last row of merged cells, by row and column.
    merged: HashMap<(u32, u32), u32>,
    /// Cells that span further rows.
    spanning: Vec<Spanning>,
    /// Remaining output in bytes.
    left: u64,
    limit: u64,
}

struct Spanning {
    column: u32,
    first: u32,
    last: u32,
    text: String,
}

impl Row {
    /// Starts a workbook with at most `limit` bytes of output.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            index: 0,
            cells: ByteRecord::new(),
            columns: 0,
            numbers: Vec::new(),
            merged: HashMap::new(),
            spanning: Vec::new(),
            left: limit,
            limit,
        }
    }

    /// Moves to a row index, from 0, and emits the previous row if it differs.
    pub(crate) fn go_to(
        &mut self,
        index: u32,
        sheets: &mut dyn Sheets,
    ) -> Result<ControlFlow<()>, FeedError> {
        if index == self.index {
            return Ok(ControlFlow::Continue(()));
        }
        let flow = self.give(sheets)?;
        self.clear();
        self.index = index;
        Ok(flow)
    }

    /// Emits the row a number of times.
    pub(crate) fn repeat(
        &mut self,
        times: u32,
        sheets: &mut dyn Sheets,
    ) -> Result<ControlFlow<()>, FeedError> {
        if self.cells.is_empty() {
            self.index = self.index.saturating_add(times);
            return Ok(ControlFlow::Continue(()));
        }
        for _ in 0..times {
            if self.give(sheets)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.index += 1;
            if self.index >= MAX_ROWS {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.clear();
        Ok(ControlFlow::Continue(()))
    }

    /// Starts a sheet. `merged` has the last row of merged cells, by row and column.
    pub(crate) fn begin_sheet(&mut self, merged: HashMap<(u32, u32), u32>) {
        self.index = 0;
        self.clear();
        self.merged = merged;
        self.spanning.clear();
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.columns = 0;
        self.numbers.clear();
    }

    /// Marks the last cell as a number.
    pub(crate) fn note_number(&mut self) {
        if let Some(last) = self.cells.len().checked_sub(1)
            && self
                .cells
                .get(last)
                .is_some_and(|cell| cell.contains(&b'.'))
            && self.numbers.last() != Some(&last)
        {
            self.numbers.push(last);
        }
    }

    /// Returns the row index, from 0.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    fn give(&mut self, sheets: &mut dyn Sheets) -> Result<ControlFlow<()>, FeedError> {
        if self.cells.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        if !self.spanning.is_empty() {
            self.fill();
        }
        let size = (self.cells.as_slice().len() + self.cells.len()) as u64;
        self.left = self
            .left
            .checked_sub(size)
            .ok_or(FeedError::TooLarge(self.limit))?;
        Ok(sheets.row(RawRow {
            numbers: &self.numbers,
            ..RawRow::of_text(&self.cells, u64::from(self.index) + 1)
        }))
    }

    /// Fills in cells that span this row, unless it has its own.
    fn fill(&mut self) {
        let index = self.index;
        self.spanning.retain(|cell| cell.last >= index);
        let mut filled: Vec<&[u8]> = self.cells.iter().collect();
        let mut is_other = false;
        for cell in self.spanning.iter().filter(|cell| cell.first < index) {
            let Ok(column) = usize::try_from(cell.column) else {
                continue;
            };
            if filled.len() <= column {
                filled.resize(column + 1, b"");
            }
            if filled[column].is_empty() {
                filled[column] = cell.text.as_bytes();
                is_other = true;
            }
        }
        if is_other {
            let filled: ByteRecord = filled.into_iter().collect();
            self.columns = self
                .columns
                .max(u32::try_from(filled.len()).unwrap_or(MAX_COLUMNS));
            self.cells = filled;
        }
    }

    /// Sets a cell by column, from 0. Ignores empty cells and columns out of order.
    pub(crate) fn put(&mut self, column: u32, text: &str) -> Result<(), FeedError> {
        let rows = match self.merged.get(&(self.index, column)) {
            Some(last) => last.saturating_sub(self.index).saturating_add(1),
            None => 1,
        };
        self.put_spanning(column, text, rows)
    }

    /// As [`put`](Self::put), for a cell that spans rows.
    pub(crate) fn put_spanning(
        &mut self,
        column: u32,
        text: &str,
        rows: u32,
    ) -> Result<(), FeedError> {
        if column >= MAX_COLUMNS || column < self.columns || text.is_empty() {
            return Ok(());
        }
        if self.cells.as_slice().len() + text.len() > MAX_ROW {
            return Err(FeedError::LongRow {
                line: u64::from(self.index) + 1,
            });
        }
        for _ in self.columns..column {
            self.cells.push_field(b"");
        }
        self.cells.push_field(text.as_bytes());
        self.columns = column + 1;
        if rows > 1 && text.len() <= MAX_SPANNING {
            self.spanning.retain(|cell| cell.column != column);
            self.spanning.push(Spanning {
                column,
                first: self.index,
                last: self.index.saturating_add(rows - 1),
                text: text.to_owned(),
            });
        }
        Ok(())
    }
}

/// Formats a number as shown, so that a numeric SKU does not become `1001.0`. Keeps anything else.
pub(crate) fn formatted(text: &mut String, format: &Format, from_1904: bool) {
    if let Ok(value) = text.trim().parse::<f64>()
        && value.is_finite()
    {
        text.clear();
        format.show(value, from_1904, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Counted(u64);

    impl Sheets for Counted {
        fn row(&mut self, _: RawRow<'_>) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }

        fn end(&mut self) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn a_number_is_written_as_it_was_typed() {
        for (given, written) in [
            ("1001", "1001"),
            ("1001.0", "1001"),
            ("12.990000000000002", "12.99"),
            ("4.006381333931E12", "4006381333931"),
            ("x", "x"),
        ] {
            let mut text = given.to_owned();
            formatted(&mut text, &Format::General, false);
            assert_eq!(text, written);
        }
    }

    #[test]
    fn no_more_is_given_out_than_the_limit_and_no_more_rows_than_a_sheet_has() {
        let mut row = Row::new(1000);
        row.put(0, "twenty bytes of text").unwrap();
        let given = row.repeat(u32::MAX, &mut Counted::default());
        assert!(matches!(given, Err(FeedError::TooLarge(1000))));

        let (mut row, mut counted) = (Row::new(1 << 30), Counted::default());
        row.put(0, "x").unwrap();
        assert!(row.repeat(u32::MAX, &mut counted).unwrap().is_break());
        assert_eq!(counted.0, u64::from(MAX_ROWS));
    }

    #[test]
    fn a_row_of_endless_cells_is_refused() {
        let mut row = Row::new(u64::MAX);
        let text = "x".repeat(MAX_ROW / 2 - 1);
        row.put(0, &text).unwrap();
        row.put(1, &text).unwrap();
        assert!(matches!(
            row.put(2, &text),
            Err(FeedError::LongRow { line: 1 })
        ));
        row.put(MAX_COLUMNS, &text).unwrap();
    }
}
