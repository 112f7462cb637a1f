//! A spreadsheet workbook as rows.
//!
//! The first sheet in which a header row is found is read, or the first one at all. An `.xlsx` sheet
//! is read cell by cell; the other kinds are held in memory whole, so that less is taken of them.

use std::{io::BufReader, ops::ControlFlow};

use calamine::{Data, DataRef, Ods, Reader, SheetVisible, Xls, Xlsx};
use csv::ByteRecord;

use super::{
    encoding::CellEncoding,
    reader::{FeedError, RawRow},
    source::{Kind, Source},
};

/// Bytes of a workbook that may have to be held in memory.
const MAX_HELD: u64 = 128 << 20;

/// The most columns that are read; what is beyond them is no product list.
const MAX_COLUMNS: u32 = 1000;

/// Reads the rows of the visible sheet with this number, from 0, until `visit` breaks. A sheet that is
/// not there has no rows.
///
/// # Errors
///
/// When the file cannot be read or is damaged, protected by a password, or too large.
pub(super) fn walk(
    source: &Source,
    sheet: usize,
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    if source.held > MAX_HELD {
        return Err(FeedError::LargeWorkbook);
    }
    let file = BufReader::new(source.whole()?);
    match source.kind {
        Kind::Xlsx => {
            let mut book = Xlsx::new(file).map_err(|_| FeedError::BrokenWorkbook)?;
            let Some(name) = visible(book.sheets_metadata(), sheet) else {
                return Ok(());
            };
            let mut cells = book
                .worksheet_cells_reader(&name)
                .map_err(|_| FeedError::BrokenWorkbook)?;
            let mut row = Row::default();
            while let Some(cell) = cells.next_cell().map_err(|_| FeedError::BrokenWorkbook)? {
                let (at, column) = cell.get_position();
                if at != row.index && row.give(at, visit).is_break() {
                    return Ok(());
                }
                row.put(column, |text| push_ref(text, cell.get_value()));
            }
            let _ = row.give(u32::MAX, visit);
        }
        Kind::Ods => held(
            Ods::new(file).map_err(|_| FeedError::BrokenWorkbook)?,
            sheet,
            visit,
        )?,
        _ => held(
            Xls::new(file).map_err(|_| FeedError::BrokenWorkbook)?,
            sheet,
            visit,
        )?,
    }
    Ok(())
}

/// Reads a sheet of a workbook that is held in memory.
fn held<RS: std::io::Read + std::io::Seek, B: Reader<RS>>(
    mut book: B,
    sheet: usize,
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let Some(name) = visible(book.sheets_metadata(), sheet) else {
        return Ok(());
    };
    let range = book
        .worksheet_range(&name)
        .map_err(|_| FeedError::BrokenWorkbook)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut row = Row::default();
    for (at, cells) in (first_row..).zip(range.rows()) {
        if at != row.index && row.give(at, visit).is_break() {
            return Ok(());
        }
        for (column, cell) in (first_column..).zip(cells) {
            if *cell != Data::Empty {
                row.put(column, |text| push(text, cell));
            }
        }
    }
    let _ = row.give(u32::MAX, visit);
    Ok(())
}

fn visible(sheets: &[calamine::Sheet], index: usize) -> Option<String> {
    sheets
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible)
        .nth(index)
        .map(|sheet| sheet.name.clone())
}

/// The row that is being put together.
#[derive(Default)]
struct Row {
    index: u32,
    cells: ByteRecord,
    columns: u32,
    text: String,
}

impl Row {
    /// Gives the row out and begins the one at `next`.
    fn give(
        &mut self,
        next: u32,
        visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let flow = if self.cells.is_empty() {
            ControlFlow::Continue(())
        } else {
            visit(RawRow {
                cells: &self.cells,
                line: u64::from(self.index) + 1,
                encoding: CellEncoding::UTF_8,
                is_cut_off: false,
            })
        };
        self.cells.clear();
        self.columns = 0;
        self.index = next;
        flow
    }

    fn put(&mut self, column: u32, write: impl FnOnce(&mut String)) {
        if column >= MAX_COLUMNS || column < self.columns {
            return;
        }
        for _ in self.columns..column {
            self.cells.push_field(b"");
        }
        self.text.clear();
        write(&mut self.text);
        self.cells.push_field(self.text.as_bytes());
        self.columns = column + 1;
    }
}

fn push_ref(text: &mut String, cell: &DataRef<'_>) {
    match cell {
        DataRef::SharedString(shared) => text.push_str(shared),
        other => push(text, &Data::from(other.clone())),
    }
}

/// Writes a cell as its text. A number is written as Excel would without a format: a SKU of digits
/// alone is a number there, and must not become `1001.0`.
fn push(text: &mut String, cell: &Data) {
    use std::fmt::Write as _;
    // Writing to a String does not fail.
    let _ = match cell {
        Data::Empty => Ok(()),
        Data::String(value) | Data::DateTimeIso(value) | Data::DurationIso(value) => {
            text.write_str(value)
        }
        Data::Int(value) => write!(text, "{value}"),
        Data::Float(value) => write!(text, "{}", fifteen_digits(*value)),
        Data::Bool(value) => text.write_str(if *value { "TRUE" } else { "FALSE" }),
        Data::DateTime(value) => write!(text, "{}", fifteen_digits(value.as_f64())),
        Data::Error(error) => write!(text, "{error}"),
    };
}

/// Rounds to the digits that a spreadsheet shows at most, so that what was typed as `12.99` and summed
/// to `12.990000000000002` is `12.99`.
fn fifteen_digits(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}
