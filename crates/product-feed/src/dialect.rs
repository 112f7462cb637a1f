//! How a file separates its cells, told from its beginning.

use crate::header;

/// Rows among which the header row is looked for.
const HEADER_WITHIN: usize = 30;

/// Marks that may separate cells, the most usual first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// How a file is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Dialect {
    /// Bytes before the header row: a byte-order mark, and the `sep=` line that Excel reads.
    pub(crate) start: usize,
    /// What separates cells.
    pub(crate) delimiter: u8,
    /// Whether lines end with a line feed alone.
    pub(crate) ends_with_line_feed: bool,
    /// Whether they end with a carriage return alone, as on the first Macs.
    pub(crate) ends_with_carriage_return: bool,
}

/// Tells the dialect from the file's first bytes, which hold the header row.
///
/// Unless a `sep=` line says so, the delimiter is the one with which some row of the first ones names the
/// most columns that are known; where none does, the one that occurs most often in the first row outside
/// of quotation marks.
pub(crate) fn sniff(head: &[u8]) -> Dialect {
    let bom = if head.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let after_bom = head.get(bom..).unwrap_or_default();
    let (said, skipped) = separator_line(after_bom).unzip();
    let start = bom + skipped.unwrap_or(0);
    let rest = head.get(start..).unwrap_or_default();
    let line_feed = rest.iter().position(|byte| *byte == b'\n');
    let carriage_return = rest.iter().position(|byte| *byte == b'\r');
    Dialect {
        start,
        delimiter: said
            .unwrap_or_else(|| most_telling(rest).unwrap_or_else(|| most_frequent(rest))),
        ends_with_line_feed: match (line_feed, carriage_return) {
            (Some(line_feed), Some(carriage_return)) => line_feed < carriage_return,
            (line_feed, _) => line_feed.is_some(),
        },
        ends_with_carriage_return: carriage_return
            .is_some_and(|at| rest.get(at + 1) != Some(&b'\n') && !rest.contains(&b'\n')),
    }
}

/// Reads a `sep=;` line: the delimiter it names and the line's length.
fn separator_line(text: &[u8]) -> Option<(u8, usize)> {
    let keyword = text.get(..4)?;
    let delimiter = *text.get(4)?;
    let ending = match text.get(5..)? {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    let valid = keyword.eq_ignore_ascii_case(b"sep=") && DELIMITERS.contains(&delimiter);
    valid.then_some((delimiter, 5 + ending))
}

/// The delimiter with which a row is most of a header row, if one stands out.
fn most_telling(text: &[u8]) -> Option<u8> {
    let mut scores = DELIMITERS.map(|delimiter| (known_columns(text, delimiter), delimiter));
    scores.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    match scores {
        [(best, delimiter), (second, _), ..] if best > second => Some(delimiter),
        _ => None,
    }
}

fn known_columns(text: &[u8], delimiter: u8) -> usize {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text);
    let rows = reader
        .byte_records()
        .map_while(Result::ok)
        .take(HEADER_WITHIN);
    rows.map(|row| {
        let cells: Vec<_> = row
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
            .collect();
        header::known_cells(&cells)
    })
    .max()
    .unwrap_or_default()
}

fn most_frequent(text: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    let header = text.iter().skip_while(|byte| matches!(byte, b'\r' | b'\n'));
    for byte in header {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'\r' | b'\n' => break,
            byte => {
                if let Some(index) = DELIMITERS.iter().position(|delimiter| delimiter == byte) {
                    counts[index] += 1;
                }
            }
        }
    }
    let mut best = 0;
    for index in 1..DELIMITERS.len() {
        if counts[index] > counts[best] {
            best = index;
        }
    }
    DELIMITERS[best]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_delimiter_is_the_most_frequent_of_the_header_row() {
        for (text, delimiter) in [
            ("sku,name,price\n1;2;3;4;5\n", b','),
            ("sku;name;price, net\n", b';'),
            ("\n\r\nsku\tname\tprice\r\n", b'\t'),
            ("sku|name|price", b'|'),
            ("\"a,b,c,d\";\"e\"\"f,\";g\n", b';'),
            ("\"a\n,,,\";b\n", b';'),
            (
                "Price list, valid from May, all prices net\n\nSKU;Name;Price\n",
                b';',
            ),
            ("sku", b','),
            ("", b','),
        ] {
            assert_eq!(sniff(text.as_bytes()).delimiter, delimiter, "{text:?}");
        }
    }

    #[test]
    fn what_comes_before_the_header_row_is_skipped() {
        for (text, start) in [
            ("sku\n", 0),
            ("\u{feff}sku\n", 3),
            ("sep=;\nsku,a,b\n", 6),
            ("\u{feff}SEP=;\r\nsku,a,b\r\n", 10),
            ("sep=x\nsku\n", 0),
            ("separator\n", 0),
        ] {
            assert_eq!(sniff(text.as_bytes()).start, start, "{text:?}");
        }
        assert_eq!(sniff(b"sep=;\nsku,a,b\n").delimiter, b';');
    }

    #[test]
    fn the_line_ending_is_that_of_the_first_line() {
        for (text, line_feed) in [
            ("a\nb\r\n", true),
            ("a\r\nb\n", false),
            ("a\rb", false),
            ("a", false),
        ] {
            assert_eq!(
                sniff(text.as_bytes()).ends_with_line_feed,
                line_feed,
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_dialect(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let dialect = sniff(&bytes);
            prop_assert!(dialect.start <= bytes.len());
        }
    }
}
