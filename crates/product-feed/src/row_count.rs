//! How many rows a file of cells with marks between them has, without looking at more of them than that
//! takes: some gigabytes a second instead of some hundred megabytes.

use std::io::{self, Read};

use crate::delimited::MAX_ROW;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// Counts the rows that are not blank; `None` when one is so long that it has to be looked at closely.
///
/// # Errors
///
/// When the text cannot be read.
pub(crate) fn count(mut text: impl Read, delimiter: u8) -> io::Result<Option<u64>> {
    let mut counter = Counter::new(delimiter);
    let mut block = vec![0; BLOCK];
    loop {
        let read = text.read(&mut block)?;
        if read == 0 {
            return Ok(Some(counter.finish()));
        }
        counter.take(&block[..read]);
        if counter.length > MAX_ROW {
            return Ok(None);
        }
    }
}

/// What is known of the row that reading is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Row {
    /// None has begun.
    None,
    /// It holds nothing but spaces so far.
    Blank,
    /// It counts.
    Full,
}

/// Where in a cell reading is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cell {
    /// At its first byte.
    Start,
    /// Within it, or behind its closing quotation mark.
    Plain,
    /// Between quotation marks.
    Quoted,
    /// Behind a quotation mark which ends it, unless another one follows.
    Closing,
}

struct Counter {
    delimiter: u8,
    row: Row,
    cell: Cell,
    rows: u64,
    /// Bytes of the row so far, about.
    length: usize,
}

impl Counter {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            row: Row::None,
            cell: Cell::Start,
            rows: 0,
            length: 0,
        }
    }

    fn take(&mut self, block: &[u8]) {
        let mut at = 0;
        let mut began = 0;
        while let Some(byte) = block.get(at).copied() {
            if self.row == Row::None {
                began = at;
                self.length = 0;
                if is_line_end(byte) {
                    at += 1;
                    continue;
                }
                self.row = Row::Blank;
                self.cell = Cell::Start;
            }
            if self.row == Row::Full && self.cell != Cell::Closing {
                at = self.skip(block, at);
            } else {
                self.step(byte);
                at += 1;
            }
        }
        if self.row != Row::None {
            self.length += block.len() - began;
        }
    }

    /// Takes one byte.
    fn step(&mut self, byte: u8) {
        match self.cell {
            Cell::Quoted if byte == b'"' => self.cell = Cell::Closing,
            Cell::Quoted => self.content(byte),
            Cell::Start if byte == b'"' => self.cell = Cell::Quoted,
            Cell::Closing if byte == b'"' => {
                self.cell = Cell::Quoted;
                self.row = Row::Full;
            }
            _ if byte == self.delimiter => self.cell = Cell::Start,
            _ if is_line_end(byte) => self.end(),
            _ => {
                self.cell = Cell::Plain;
                self.content(byte);
            }
        }
    }

    fn content(&mut self, byte: u8) {
        if !byte.is_ascii_whitespace() {
            self.row = Row::Full;
        }
    }

    /// Goes to where something can change in a row that counts, and returns what is behind it.
    fn skip(&mut self, block: &[u8], at: usize) -> usize {
        let rest = &block[at..];
        if self.cell == Cell::Quoted {
            return match memchr::memchr(b'"', rest) {
                Some(mark) => {
                    self.cell = Cell::Closing;
                    at + mark + 1
                }
                None => block.len(),
            };
        }
        let Some(mark) = memchr::memchr3(b'\n', b'\r', b'"', rest) else {
            if let Some(last) = rest.last() {
                self.cell = self.cell_behind(*last);
            }
            return block.len();
        };
        if is_line_end(rest[mark]) {
            self.end();
            return at + mark + 1;
        }
        let is_at_start = match mark.checked_sub(1) {
            Some(before) => rest[before] == self.delimiter,
            None => self.cell == Cell::Start,
        };
        // Within a cell a quotation mark is one like any other character.
        self.cell = if is_at_start {
            Cell::Quoted
        } else {
            Cell::Plain
        };
        at + mark + 1
    }

    fn cell_behind(&self, byte: u8) -> Cell {
        if byte == self.delimiter {
            Cell::Start
        } else {
            Cell::Plain
        }
    }

    fn end(&mut self) {
        self.rows += u64::from(self.row == Row::Full);
        self.row = Row::None;
    }

    fn finish(mut self) -> u64 {
        self.end();
        self.rows
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_the_csv_reader(text: &[u8], delimiter: u8) -> u64 {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text);
        let rows = reader.byte_records().map(Result::unwrap);
        rows.filter(|row| row.iter().any(|cell| !cell.trim_ascii().is_empty()))
            .count() as u64
    }

    /// As [`count`], with blocks of any length.
    fn in_blocks(text: &[u8], delimiter: u8, block: usize) -> u64 {
        let mut counter = Counter::new(delimiter);
        for part in text.chunks(block) {
            counter.take(part);
        }
        counter.finish()
    }

    #[test]
    fn rows_are_counted_as_they_are_read() {
        for (text, rows) in [
            ("", 0),
            ("a", 1),
            ("a\n\n\r\nb\r", 2),
            (" , \n\"\",\" \n\"\nx", 1),
            ("\"a\nb\",c\nd", 2),
            ("5\" x,6\" y\nb", 2),
            ("\"a\"\"\n\"\"b\"\nc", 2),
            ("\"a\"x\"\nb", 2),
            (",\"a\nb", 1),
        ] {
            assert_eq!(
                count(text.as_bytes(), b',').unwrap(),
                Some(rows),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_row_without_end_is_left_to_others() {
        let row = vec![b'x'; MAX_ROW + BLOCK];
        assert_eq!(count(row.as_slice(), b',').unwrap(), None);
        let rows = "0123456789abcde\n".repeat(MAX_ROW / 16 * 3);
        assert_eq!(
            count(rows.as_bytes(), b',').unwrap(),
            Some(MAX_ROW as u64 / 16 * 3)
        );
    }

    proptest! {
        #[test]
        fn any_text_has_as_many_rows_as_the_csv_reader_gives(
            text in "[ab \"\n\r,;\t]{0,60}",
            delimiter in prop::sample::select(b",;\t|".to_vec()),
            block in 1_usize..9,
        ) {
            let expected = by_the_csv_reader(text.as_bytes(), delimiter);
            prop_assert_eq!(in_blocks(text.as_bytes(), delimiter, block), expected);
            prop_assert_eq!(count(text.as_bytes(), delimiter).unwrap(), Some(expected));
        }
    }
}
