//! Splits a row of delimited text into cells: RFC 4180 and deviations from it.

use csv::ByteRecord;

use crate::budget::MAX_COLUMNS;

/// The quoting of cells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Quotes {
    /// Quotes have no meaning.
    None,
    /// RFC 4180: doubled within a cell.
    Doubled,
    /// Escaped by a backslash within a cell, as by PHP's `fputcsv`.
    Backslash,
    /// Not escaped within a cell, unless the cell can end there.
    Bare,
    /// As `Doubled`, but a cell that does not end at its first single quote is not quoted.
    Strict,
}

/// A split row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    /// Bytes up to the next row.
    pub(crate) used: usize,
    /// Number of cells, including ignored ones.
    pub(crate) cells: usize,
    /// Whether its first cell is quoted.
    pub(crate) is_quoted: bool,
}

/// The result of splitting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Split {
    Row(Found),
    /// The row continues beyond the bytes.
    Unfinished,
}

/// Splits the row at the start of `bytes` into trimmed cells. `is_all` means that the file ends after them.
pub(crate) fn split(
    bytes: &[u8],
    is_all: bool,
    delimiter: u8,
    quotes: Quotes,
    record: &mut ByteRecord,
) -> Split {
    record.clear();
    let mut splitter = Splitter {
        bytes,
        is_all,
        delimiter,
        quotes,
        unescaped: Vec::new(),
    };
    let mut found = Found {
        used: 0,
        cells: 0,
        is_quoted: false,
    };
    let mut at = 0;
    loop {
        let Some(cell) = splitter.cell(at) else {
            return Split::Unfinished;
        };
        if found.cells == 0 {
            found.is_quoted = cell.text == Text::Unescaped;
        }
        found.cells += 1;
        if found.cells <= MAX_COLUMNS {
            let text = match cell.text {
                Text::Plain => &bytes[at..cell.end],
                Text::Unescaped => &splitter.unescaped,
            };
            record.push_field(trimmed(text));
        }
        match bytes.get(cell.end) {
            Some(byte) if *byte == delimiter => at = cell.end + 1,
            Some(b'\r') => {
                let next = bytes.get(cell.end + 1);
                if next.is_none() && !is_all {
                    return Split::Unfinished;
                }
                found.used = cell.end + 1 + usize::from(next == Some(&b'\n'));
                return Split::Row(found);
            }
            Some(_) => {
                found.used = cell.end + 1;
                return Split::Row(found);
            }
            None => {
                found.used = cell.end;
                return Split::Row(found);
            }
        }
    }
}

/// Splits an unquoted line and returns its number of cells.
pub(crate) fn split_plain(line: &[u8], delimiter: u8, record: &mut ByteRecord) -> usize {
    record.clear();
    let mut cells = 0;
    let mut start = 0;
    for end in memchr::memchr_iter(delimiter, line).chain([line.len()]) {
        cells += 1;
        if cells <= MAX_COLUMNS {
            record.push_field(trimmed(&line[start..end]));
        }
        start = end + 1;
    }
    cells
}

/// Returns whether a byte is padding: a space, NUL, or the DOS end-of-file mark.
pub(crate) fn is_padding(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1A)
}

fn trimmed(mut cell: &[u8]) -> &[u8] {
    while let [rest @ .., last] = cell
        && is_padding(*last)
    {
        cell = rest;
    }
    while let [first, rest @ ..] = cell
        && is_padding(*first)
    {
        cell = rest;
    }
    cell
}

struct Splitter<'a> {
    bytes: &'a [u8],
    is_all: bool,
    delimiter: u8,
    quotes: Quotes,
    /// Content of the current cell.
    unescaped: Vec<u8>,
}

struct Cell {
    text: Text,
    /// Position of the delimiter after it.
    end: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Text {
    /// As in the input.
    Plain,
    /// As unescaped.
    Unescaped,
}

enum Close {
    /// Position of the delimiter.
    At(usize),
    Unfinished,
    /// The cell is not quoted.
    NotQuoted,
}

impl Splitter<'_> {
    /// Reads the cell at `start`; `None` if it does not end.
    fn cell(&mut self, start: usize) -> Option<Cell> {
        let open = self.behind_spaces(start);
        if self.quotes != Quotes::None && self.bytes.get(open) == Some(&b'"') {
            match self.close(open + 1) {
                Close::At(end) => {
                    return Some(Cell {
                        text: Text::Unescaped,
                        end,
                    });
                }
                Close::Unfinished => return None,
                Close::NotQuoted => {}
            }
        }
        let rest = self.bytes.get(start..).unwrap_or_default();
        let end = memchr::memchr3(self.delimiter, b'\n', b'\r', rest);
        let end = match end {
            Some(end) => start + end,
            None if self.is_all => self.bytes.len(),
            None => return None,
        };
        Some(Cell {
            text: Text::Plain,
            end,
        })
    }

    /// Reads the quoted cell whose text starts at `start`.
    fn close(&mut self, start: usize) -> Close {
        self.unescaped.clear();
        let mut from = start;
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let mark = match self.quotes {
                Quotes::Backslash => memchr::memchr2(b'"', b'\\', rest),
                _ => memchr::memchr(b'"', rest),
            };
            let Some(mark) = mark else {
                return self.open_end();
            };
            let mark = at + mark;
            let next = self.bytes.get(mark + 1).copied();
            if self.bytes[mark] == b'\\' {
                if next == Some(b'"') {
                    self.unescaped.extend_from_slice(&self.bytes[from..mark]);
                    from = mark + 1;
                }
                // A second backslash is the literal one.
                at = mark + 1 + usize::from(matches!(next, Some(b'"' | b'\\')));
                continue;
            }
            if next == Some(b'"') && self.quotes != Quotes::Bare {
                self.unescaped.extend_from_slice(&self.bytes[from..=mark]);
                from = mark + 2;
                at = from;
                continue;
            }
            if next.is_none() && !self.is_all {
                return Close::Unfinished;
            }
            let end = self.behind_spaces(mark + 1);
            let ends = match self.bytes.get(end) {
                Some(byte) => *byte == self.delimiter || matches!(byte, b'\n' | b'\r'),
                None if self.is_all => true,
                None => return Close::Unfinished,
            };
            if ends {
                self.unescaped.extend_from_slice(&self.bytes[from..mark]);
                return Close::At(end);
            }
            if self.quotes == Quotes::Strict {
                return Close::NotQuoted;
            }
            if mark > from && self.bytes[mark - 1] == b'\\' {
                // A quote within the cell.
                self.unescaped
                    .extend_from_slice(&self.bytes[from..mark - 1]);
                from = mark;
            }
            at = mark + 1;
        }
    }

    fn open_end(&self) -> Close {
        if self.quotes == Quotes::Strict {
            Close::NotQuoted
        } else {
            Close::Unfinished
        }
    }

    /// Skips spaces and padding at `at`.
    fn behind_spaces(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let is_space =
            |byte: &&u8| **byte != self.delimiter && matches!(**byte, b' ' | b'\t' | 0 | 0x1A);
        at + rest.iter().take_while(is_space).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(line: &str, quotes: Quotes) -> Option<Vec<String>> {
        let mut record = ByteRecord::new();
        match split(line.as_bytes(), true, b',', quotes, &mut record) {
            Split::Row(found) => {
                assert_eq!(found.cells, record.len());
                let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
                Some(record.iter().map(text).collect())
            }
            Split::Unfinished => None,
        }
    }

    #[test]
    fn a_row_is_split_in_each_way() {
        for (line, quotes, expected) in [
            ("a, b ,c", Quotes::None, &["a", "b", "c"][..]),
            ("\"a,b\"", Quotes::None, &["\"a", "b\""]),
            ("\"a,\"\"b\"\"\",c", Quotes::Doubled, &["a,\"b\"", "c"]),
            ("a, \"b, c\" , d", Quotes::Doubled, &["a", "b, c", "d"]),
            ("5\" x,6\"", Quotes::Doubled, &["5\" x", "6\""]),
            ("\"5\" x\",b", Quotes::Doubled, &["5\" x", "b"]),
            ("\"12\\\"\",9", Quotes::Backslash, &["12\"", "9"]),
            ("\"a\\\\\",9", Quotes::Backslash, &["a\\\\", "9"]),
            ("\"12\"\",9", Quotes::Bare, &["12\"", "9"]),
            ("\"Best\" lamp,9", Quotes::Strict, &["\"Best\" lamp", "9"]),
            ("\"open,9", Quotes::Strict, &["\"open", "9"]),
            ("a\0\0,\x1Ab\x1A", Quotes::Doubled, &["a", "b"]),
            ("\"a\"\0,b", Quotes::Doubled, &["a", "b"]),
            ("a,", Quotes::Doubled, &["a", ""]),
        ] {
            assert_eq!(cells(line, quotes).unwrap(), expected, "{line}");
        }
        assert_eq!(cells("\"open,9", Quotes::Doubled), None);
    }

    #[test]
    fn a_row_ends_at_any_line_end_outside_of_quotes() {
        let mut record = ByteRecord::new();
        for (text, used) in [("a\nb", 2), ("a\r\nb", 3), ("a\rb", 2), ("\"a\nb\"\nc", 6)] {
            let split = split(text.as_bytes(), true, b',', Quotes::Doubled, &mut record);
            assert!(
                matches!(split, Split::Row(found) if found.used == used),
                "{text:?}"
            );
        }
        for text in ["a", "\"a\"", "\"a\"\"", "a\r", "\"a\" "] {
            let split = split(text.as_bytes(), false, b',', Quotes::Doubled, &mut record);
            assert_eq!(split, Split::Unfinished, "{text:?}");
        }
    }

    #[test]
    fn no_more_cells_are_held_than_are_read() {
        let line = ",".repeat(5000);
        let mut record = ByteRecord::new();
        let split = split(line.as_bytes(), true, b',', Quotes::Doubled, &mut record);
        assert!(matches!(split, Split::Row(found) if found.cells == 5001));
        assert_eq!(record.len(), MAX_COLUMNS);
        assert_eq!(split_plain(line.as_bytes(), b',', &mut record), 5001);
        assert_eq!(record.len(), MAX_COLUMNS);
    }
}
