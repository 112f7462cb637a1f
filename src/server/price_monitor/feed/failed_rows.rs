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
    columns: usize,
}

impl FailedRowsFile {
    /// Begins the list with its header row.
    ///
    /// # Errors
    ///
    /// Never in practice: it is kept in memory.
    pub fn new(header: &[String]) -> io::Result<Self> {
        let header: Vec<_> = header.iter().filter(|cell| !is_reason(cell)).collect();
        // Spreadsheet programs know UTF-8 by its mark alone.
        let writer = WriterBuilder::new()
            .flexible(true)
            .from_writer("\u{feff}".as_bytes().to_vec());
        let mut file = Self {
            writer,
            columns: header.len(),
        };
        let names = header.into_iter().map(|name| harmless(name));
        file.writer.write_record(names.chain([REASON.to_owned()]))?;
        Ok(file)
    }

    /// Adds a row and why it failed.
    ///
    /// # Errors
    ///
    /// Never in practice.
    pub fn add(&mut self, cells: &[String], reason: &str) -> io::Result<()> {
        let cells = (0..self.columns).map(|index| cells.get(index).map_or("", String::as_str));
        let cells = cells.map(harmless);
        self.writer.write_record(cells.chain([reason.to_owned()]))?;
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

fn is_reason(name: &str) -> bool {
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

/// Gives back what [`harmless`] made of a cell.
pub(super) fn restored(cell: &[u8]) -> &[u8] {
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
}
