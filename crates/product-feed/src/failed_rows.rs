//! The list of rows that failed, as a file that imports as it is once it is corrected.
//!
//! It has the columns of the file the rows are from and one more, [`REASON`]. A cell that a spreadsheet
//! program would take for a formula gets an apostrophe before it, and so does one that begins with an
//! apostrophe, so that taking one away gives every cell back; the reader does so in files that have
//! that column, and in no others.

use std::io;

use csv::{Writer, WriterBuilder};

/// The name of the column that says why.
const REASON: &str = "Import error";

/// Writes such a list.
#[derive(Debug)]
pub struct FailedRowsFile {
    writer: Writer<Vec<u8>>,
    /// The columns that the file already has for the reason; they are left out.
    reasons: Vec<usize>,
    columns: usize,
}

impl FailedRowsFile {
    /// Begins the list with its header row.
    ///
    /// # Errors
    ///
    /// Never in practice: it is kept in memory.
    pub fn new(header: &[String]) -> io::Result<Self> {
        let (reasons, names): (Vec<_>, Vec<_>) =
            (0..).zip(header).partition(|(_, cell)| is_reason(cell));
        // Spreadsheet programs know UTF-8 by its mark alone.
        let writer = WriterBuilder::new()
            .flexible(true)
            .from_writer("\u{feff}".as_bytes().to_vec());
        let mut file = Self {
            writer,
            reasons: reasons.into_iter().map(|(index, _)| index).collect(),
            columns: names.len(),
        };
        let names = names.into_iter().map(|(_, name)| harmless(name));
        file.writer.write_record(names.chain([REASON.to_owned()]))?;
        Ok(file)
    }

    /// Adds a row and why it failed.
    ///
    /// # Errors
    ///
    /// Never in practice.
    pub fn add(&mut self, cells: &[String], reason: &str) -> io::Result<()> {
        let of_columns = (0..).zip(cells);
        let of_columns = of_columns.filter(|(index, _)| !self.reasons.contains(index));
        let mut cells = of_columns.map(|(_, cell)| harmless(cell));
        let mut row: Vec<_> = cells.by_ref().take(self.columns).collect();
        row.resize(self.columns, String::new());
        row.push(reason.to_owned());
        // Cells beyond the columns stay beyond them, so that the row fails again until it is corrected.
        row.extend(cells);
        self.writer.write_record(row)?;
        Ok(())
    }

    /// Takes what is written since the last time.
    ///
    /// # Errors
    ///
    /// Never in practice.
    pub fn take(&mut self) -> io::Result<Vec<u8>> {
        self.writer.flush()?;
        let empty = WriterBuilder::new().flexible(true).from_writer(Vec::new());
        std::mem::replace(&mut self.writer, empty)
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))
    }
}

/// Whether this names the column that says why.
pub(crate) fn is_reason(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case(REASON)
}

fn begins_a_formula(first: char) -> bool {
    matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r' | '\'')
}

/// Keeps a spreadsheet program from taking a cell for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(begins_a_formula) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Gives back what [`harmless`] made of a text.
pub(crate) fn restore(cell: &mut String) {
    if cell.starts_with('\'') {
        cell.remove(0);
    }
}

/// Gives back what [`harmless`] made of a cell.
pub(crate) fn restored(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"'").unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_list_is_a_formula_and_everything_comes_back() {
        let cells = ["=1+1", "-5", "'s", "@x", "plain", "\tx"].map(str::to_owned);
        let header = ["a", "b", "c", "d", "e", "f", "Import error"].map(str::to_owned);
        let mut file = FailedRowsFile::new(&header).unwrap();
        file.add(&cells, "The price is missing.").unwrap();
        let bytes = file.take().unwrap();
        assert!(file.take().unwrap().is_empty());
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text.starts_with("\u{feff}a,b,c,d,e,f,Import error\n"));
        let mut reader = csv::Reader::from_reader(&bytes[3..]);
        let row = reader.byte_records().next().unwrap().unwrap();
        for (written, cell) in row.iter().zip(&cells) {
            assert!(!matches!(written[0], b'=' | b'+' | b'-' | b'@' | b'\t'));
            assert_eq!(restored(written), cell.as_bytes());
        }
        assert_eq!(&row[6], b"The price is missing.");
    }

    fn written(header: &[&str], cells: &[&str]) -> Vec<Vec<String>> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let header: Vec<String> = owned(header);
        let cells: Vec<String> = owned(cells);
        let mut file = FailedRowsFile::new(&header).unwrap();
        file.add(&cells, "why").unwrap();
        let bytes = file.take().unwrap();
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader
            .has_headers(false)
            .flexible(true)
            .from_reader(&bytes[3..]);
        let rows = reader.records().map(|row| row.unwrap());
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn an_older_reason_is_left_out_wherever_it_stands() {
        let rows = written(&["Import error", "sku", "price"], &["old", "A", "x"]);
        assert_eq!(rows, [["sku", "price", "Import error"], ["A", "x", "why"]]);
    }

    #[test]
    fn cells_beyond_the_columns_are_kept_beyond_them() {
        let rows = written(&["sku", "price"], &["A", "1", "2", "3"]);
        assert_eq!(rows[1], ["A", "1", "why", "2", "3"]);
    }
}
