//! Returns the first rows of a file for a preview.

use std::ops::ControlFlow;

use crate::{
    budget::{Budget, MAX_COLUMN_NAME, MAX_SHOWN_CELL, cut},
    failed_rows, formats,
    header::{self, Header},
    input::Input,
    mapping::Mapping,
    reader::{FeedError, HEADER_WITHIN, Limits, RawRow, has_reason, texts},
    source::Source,
    workbook::Sheets,
};

/// Returns up to so many rows, starting with the most likely header row. Truncates long cells, and returns fewer
/// rows if they are large.
///
/// # Errors
///
/// If the file cannot be read or is not a product file.
pub fn first_rows(
    input: Input,
    limits: &Limits,
    most: usize,
) -> Result<Vec<Vec<String>>, FeedError> {
    first_rows_of(input, limits, None, most)
}

/// As [`first_rows`], of the sheets named by `mapping`.
///
/// # Errors
///
/// As [`first_rows`].
pub fn first_rows_of(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
    most: usize,
) -> Result<Vec<Vec<String>>, FeedError> {
    let parts = Source::open(input, limits.max_unpacked)?;
    let mut best = Beginnings::new(mapping, most);
    match Source::workbook(&parts) {
        Some((source, kind)) => formats::walk_sheets(source, kind, &mut best)?,
        None => formats::walk_list(&parts, &mut |row| best.row(row))?,
    }
    let _: ControlFlow<()> = best.end();
    if best.rows.is_empty() {
        Err(FeedError::Empty)
    } else {
        Ok(best.rows)
    }
}

/// Selects the sheet that [`read`](crate::read) would read, or else the one whose header row names the most
/// columns. Other files are one sheet.
struct Beginnings<'a> {
    mapping: Option<&'a Mapping>,
    most: usize,
    /// Rows of the current sheet.
    current: Vec<Vec<String>>,
    budget: Budget,
    /// Rows of the best sheet, and its rank.
    rows: Vec<Vec<String>>,
    score: Option<usize>,
}

impl<'a> Beginnings<'a> {
    fn new(mapping: Option<&'a Mapping>, most: usize) -> Self {
        Self {
            mapping,
            most,
            current: Vec::new(),
            budget: Budget::new(),
            rows: Vec::new(),
            score: None,
        }
    }
}

impl Sheets for Beginnings<'_> {
    fn begin(&mut self, name: &str) -> bool {
        let sheets = self.mapping.map(Mapping::sheets).unwrap_or_default();
        sheets.is_empty() || sheets.iter().any(|wanted| wanted == name)
    }

    fn row(&mut self, row: RawRow<'_>) -> ControlFlow<()> {
        let mut cells = texts(row);
        if cells.iter().any(|cell| !cell.is_empty()) {
            for cell in &mut cells {
                cut(cell, MAX_SHOWN_CELL);
                cell.shrink_to_fit();
            }
            self.current.push(cells);
            self.budget.spend(row.cells);
        }
        if self.current.len() < self.most + HEADER_WITHIN && !self.budget.is_spent() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn end(&mut self) -> ControlFlow<()> {
        self.budget = Budget::new();
        let mut rows = std::mem::take(&mut self.current);
        if rows.is_empty() {
            return ControlFlow::Continue(());
        }
        let header = likely_header(&rows);
        rows.drain(..header);
        rows.truncate(self.most);
        if rows.first().is_some_and(|header| has_reason(header)) {
            for cell in rows.iter_mut().flatten() {
                failed_rows::restore(cell);
            }
        }
        for name in rows.first_mut().into_iter().flatten() {
            cut(name, MAX_COLUMN_NAME);
        }
        let header = rows.first().cloned().unwrap_or_default();
        let known = header::known_cells(&header);
        if self.score.is_none_or(|best| known > best) {
            self.score = Some(known);
            self.rows = rows;
        }
        if Header::find(header, None).is_ok() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Returns the row with the most known columns: the first of several, or the first full row if there are
/// none.
fn likely_header(rows: &[Vec<String>]) -> usize {
    let widest = rows.iter().map(|row| filled(row)).max().unwrap_or_default();
    let score = |row: &[String]| (header::known_cells(row), filled(row) == widest);
    let mut best = 0;
    for (index, row) in rows.iter().enumerate().take(HEADER_WITHIN) {
        if score(row) > score(&rows[best]) {
            best = index;
        }
    }
    best
}

fn filled(row: &[String]) -> usize {
    row.iter().filter(|cell| !cell.is_empty()).count()
}
