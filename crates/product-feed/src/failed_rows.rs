//! Writes failed rows as a file that can be corrected and imported.
//!
//! It has the columns of the original file, one for the reason ([`REASON`]), and one whose name stores how
//! the file was read ([`SETTINGS`]), because few rows do not tell decimal mark or shape. Cells that start
//! like a formula or with an apostrophe are escaped with an apostrophe; the reader unescapes them in files
//! with that column only.

use std::io;

use csv::{Writer, WriterBuilder};

use crate::{columns::Meaning, header::Header, mapping::Mapping};

/// Name of the column with the reason.
const REASON: &str = "Import error";

/// Prefix of the column name with settings:
/// `Import settings: decimal-mark=comma; shape=plain; header=0f3a51c2; columns=sku,name,,price`.
const SETTINGS: &str = "Import settings:";

/// Length of the header fingerprint.
const MARK_LEN: usize = 8;

/// Writes a list of failed rows.
#[derive(Debug)]
pub struct FailedRowsFile {
    writer: Writer<Vec<u8>>,
    /// Columns added by an earlier list, which are left out.
    ours: Vec<usize>,
    columns: usize,
    has_settings: bool,
}

impl FailedRowsFile {
    /// Starts the list with its header row.
    ///
    /// # Errors
    ///
    /// Never in practice: it writes to memory.
    pub fn new(header: &[String]) -> io::Result<Self> {
        Self::begin(header, None)
    }

    /// Starts the list with settings, so that it is read as these answers say.
    ///
    /// # Errors
    ///
    /// Never in practice.
    pub fn of(header: &[String], answers: &Mapping) -> io::Result<Self> {
        Self::begin(header, Some(answers))
    }

    fn begin(header: &[String], answers: Option<&Mapping>) -> io::Result<Self> {
        let (ours, own): (Vec<_>, Vec<_>) = (0..).zip(header).partition(|(_, cell)| is_ours(cell));
        // Spreadsheet programs detect UTF-8 by its mark only.
        let writer = WriterBuilder::new()
            .flexible(true)
            .from_writer("\u{feff}".as_bytes().to_vec());
        let mut file = Self {
            writer,
            ours: ours.into_iter().map(|(index, _)| index).collect(),
            columns: own.len(),
            has_settings: answers.is_some(),
        };
        let settings = answers.map(|answers| {
            let places: Vec<usize> = own.iter().map(|(index, _)| *index).collect();
            settings(header, &places, answers)
        });
        let names = own.into_iter().map(|(_, name)| harmless(name));
        file.writer
            .write_record(names.chain([REASON.to_owned()]).chain(settings))?;
        Ok(file)
    }

    /// Adds a row with its reason.
    ///
    /// # Errors
    ///
    /// Never in practice.
    pub fn add(&mut self, cells: &[String], reason: &str) -> io::Result<()> {
        let of_columns = (0..).zip(cells);
        let of_columns = of_columns.filter(|(index, _)| !self.ours.contains(index));
        let mut cells = of_columns.map(|(_, cell)| harmless(cell));
        let mut row: Vec<_> = cells.by_ref().take(self.columns).collect();
        row.resize(self.columns, String::new());
        row.push(reason.to_owned());
        if self.has_settings {
            row.push(String::new());
        }
        // Surplus cells stay surplus, so that the row fails until it is corrected.
        row.extend(cells);
        self.writer.write_record(row)?;
        Ok(())
    }

    /// Takes the bytes written since the last call.
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

/// Returns whether this is the column with the reason.
pub(crate) fn is_reason(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case(REASON)
}

/// Returns whether a column was added by a list of failed rows.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    is_reason(name) || is_settings(name)
}

fn is_settings(name: &str) -> bool {
    let name = name.trim().as_bytes();
    name.get(..SETTINGS.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(SETTINGS.as_bytes()))
}

/// Encodes settings as a column name. `own` are the indices of the file's own columns.
fn settings(header: &[String], own: &[usize], answers: &Mapping) -> String {
    let mut parts = Vec::new();
    if let Some(mark) = answers.decimal_mark() {
        parts.push(format!("decimal-mark={}", mark.as_str()));
    }
    if let Some(code) = answers.currency() {
        parts.push(format!("currency={code}"));
    }
    if let Some(shape) = answers.shape() {
        parts.push(format!("shape={}", shape.as_str()));
    }
    if answers.has_columns() {
        let words: Vec<_> = own
            .iter()
            .map(|index| answers.meaning_of(*index).map_or("", Meaning::as_str))
            .collect();
        parts.push(format!("header={}", mark_of(header)));
        parts.push(format!("columns={}", words.join(",")));
    }
    format!("{SETTINGS} {}", parts.join("; "))
}

fn mark_of(header: &[String]) -> String {
    let mut mark = Header::fingerprint(header);
    mark.truncate(MARK_LEN);
    mark
}

/// Decodes settings from a header row, ignoring parts that were edited or no longer fit.
pub(crate) fn answers(header: &[String]) -> Option<Mapping> {
    let cell = header.iter().find(|cell| is_settings(cell))?;
    let mut answers = Mapping::default();
    let mut columns = None;
    let mut fits = false;
    for part in cell.trim().get(SETTINGS.len()..)?.split(';') {
        let Some((key, value)) = part.trim().split_once('=') else {
            continue;
        };
        match key {
            "decimal-mark" => {
                if let Ok(mark) = value.parse() {
                    answers = answers.with_decimal_mark(mark);
                }
            }
            "currency" => {
                if let Ok(with_currency) = answers.clone().with_currency(value) {
                    answers = with_currency;
                }
            }
            "shape" => {
                if let Ok(shape) = value.parse() {
                    answers = answers.with_shape(shape);
                }
            }
            "header" => fits = mark_of(header) == value,
            "columns" => columns = Some(value),
            _ => {}
        }
    }
    if let Some(columns) = columns.filter(|_| fits) {
        let own = (0..).zip(header).filter(|(_, cell)| !is_ours(cell));
        let said = own.zip(columns.split(','));
        let said = said.filter_map(|((index, _), word)| Some((index, word.parse().ok()?)));
        answers = answers.with_columns(said);
    }
    Some(answers)
}

fn begins_a_formula(first: char) -> bool {
    matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r' | '\'')
}

/// Escapes a cell that a spreadsheet program would run as a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(begins_a_formula) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Reverts [`harmless`].
pub(crate) fn restore(cell: &mut String) {
    if cell.starts_with('\'') {
        cell.remove(0);
    }
}

/// Reverts [`harmless`].
pub(crate) fn restored(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"'").unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{header::Shape, price::DecimalMark};

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

    #[test]
    fn what_a_file_was_understood_as_is_read_again() {
        let header = ["Import error", "Nr", "Was", "Preis"].map(str::to_owned);
        let answers = Mapping::new([(1, Meaning::Sku), (3, Meaning::Price)])
            .with_decimal_mark(DecimalMark::Comma)
            .with_currency("EUR")
            .unwrap()
            .with_shape(Shape::Plain)
            .of(&header);
        let mut file = FailedRowsFile::of(&header, &answers).unwrap();
        file.add(&["old", "1", "x", "?"].map(str::to_owned), "why")
            .unwrap();
        let bytes = file.take().unwrap();
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader
            .has_headers(false)
            .flexible(true)
            .from_reader(&bytes[3..]);
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect();
        assert_eq!(rows[1], ["1", "x", "?", "why", ""]);
        let read = super::answers(&rows[0]).unwrap();
        assert_eq!(read.decimal_mark(), Some(DecimalMark::Comma));
        assert_eq!(
            (read.currency(), read.shape()),
            (Some("EUR"), Some(Shape::Plain))
        );
        assert_eq!(read.meaning_of(0), Some(Meaning::Sku));
        assert_eq!(read.meaning_of(2), Some(Meaning::Price));

        // Moved columns are matched by name.
        let mut moved = rows[0].clone();
        moved.swap(0, 1);
        assert!(!super::answers(&moved).unwrap().has_columns());
        assert_eq!(super::answers(&header), None);
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
