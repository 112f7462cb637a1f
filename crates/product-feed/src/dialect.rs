//! Detects how a file separates its cells.

use csv::ByteRecord;

use crate::{
    budget::MAX_COLUMNS,
    columns::{self, Meaning},
    encoding::CellEncoding,
    header,
    quotes::{self, Quotes, Split},
    reader::HEADER_WITHIN,
};

/// Rows sampled for the number of cells.
const WIDTH_WITHIN: usize = 200;

/// Supported delimiters, most common first.
const DELIMITERS: [u8; 6] = *b",;\t|^~";

/// Delimiter, quoting and line ending of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Dialect {
    /// Length of the byte-order mark and `sep=` line before the header row.
    pub(crate) start: usize,
    /// The delimiter.
    pub(crate) delimiter: u8,
    /// Whether cells are quoted.
    pub(crate) is_quoted: bool,
    /// Whether lines end with a lone carriage return (classic Mac OS).
    pub(crate) ends_with_carriage_return: bool,
    /// Usual number of cells, if known.
    pub(crate) width: Option<usize>,
    /// Columns of prices, if the header row names them.
    pub(crate) prices: Vec<usize>,
    /// Cells of the header row, if it names any column.
    pub(crate) header: Vec<String>,
}

/// Detects the dialect from the beginning of the file, which includes the header row.
///
/// A `sep=` line decides. Otherwise the delimiter with which one of the first rows names the most known
/// columns, or else the most frequent one outside quotes in the first row.
pub(crate) fn sniff(head: &[u8], encoding: CellEncoding) -> Dialect {
    let bom = if head.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let after_bom = head.get(bom..).unwrap_or_default();
    let (said, skipped) = separator_line(after_bom).unzip();
    let start = bom + skipped.unwrap_or(0);
    let rest = head.get(start..).unwrap_or_default();
    let carriage_return = memchr::memchr(b'\r', rest);
    let delimiter =
        said.unwrap_or_else(|| most_telling(rest, encoding).unwrap_or_else(|| most_frequent(rest)));
    let (known, header) = best_header(rest, delimiter, encoding);
    let header = if known > 0 { header } else { Vec::new() };
    let is_price = |cell: &String| {
        let meaning = columns::look_up(cell).map(|known| known.word.meaning());
        matches!(meaning, Some(Meaning::Price | Meaning::SalePrice))
    };
    let prices = (0..).zip(&header).filter(|(_, cell)| is_price(cell));
    let prices: Vec<usize> = prices.map(|(index, _)| index).collect();
    let width = if header.is_empty() {
        usual_width(rest, delimiter)
    } else {
        Some(header.len())
    };
    Dialect {
        start,
        delimiter,
        is_quoted: delimiter != b'\t' || is_quoted(rest, width, &prices),
        ends_with_carriage_return: carriage_return
            .is_some_and(|at| rest.get(at + 1) != Some(&b'\n') && !rest.contains(&b'\n')),
        width,
        prices,
        header,
    }
}

/// Counts the known columns in the header row of a file of unknown dialect.
pub(crate) fn known_columns(head: &[u8], encoding: CellEncoding) -> usize {
    let counts = DELIMITERS.map(|delimiter| best_header(head, delimiter, encoding).0);
    counts.into_iter().max().unwrap_or_default()
}

/// Parses a `sep=;` line into delimiter and length.
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

/// Returns the delimiter with which a row is most clearly a header row.
fn most_telling(text: &[u8], encoding: CellEncoding) -> Option<u8> {
    let mut scores =
        DELIMITERS.map(|delimiter| (best_header(text, delimiter, encoding).0, delimiter));
    scores.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    match scores {
        [(best, delimiter), (second, _), ..] if best > second => Some(delimiter),
        _ => None,
    }
}

/// Visits the first rows until `visit` returns false. A line that is quoted as a whole is unquoted.
fn each_row(
    mut text: &[u8],
    delimiter: u8,
    most: usize,
    visit: &mut dyn FnMut(&ByteRecord, usize),
) {
    let mut record = ByteRecord::new();
    let mut rows = 0;
    while rows < most && !text.is_empty() {
        let mut split = quotes::split(text, true, delimiter, Quotes::Doubled, &mut record);
        if split == Split::Unfinished {
            // A quote that never closes.
            split = quotes::split(text, true, delimiter, Quotes::Strict, &mut record);
        }
        let Split::Row(mut found) = split else {
            return;
        };
        text = text.get(found.used..).unwrap_or_default();
        if found.cells == 1
            && found.is_quoted
            && let Some(line) = record.get(0).map(<[u8]>::to_vec)
            && let Split::Row(inner) =
                quotes::split(&line, true, delimiter, Quotes::Doubled, &mut record)
        {
            found = inner;
        }
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        rows += 1;
        visit(&record, found.cells);
    }
}

/// Returns the most known columns of any row, and that row's cells without trailing empty ones.
fn best_header(text: &[u8], delimiter: u8, encoding: CellEncoding) -> (usize, Vec<String>) {
    let mut best = (0, Vec::new());
    each_row(text, delimiter, HEADER_WITHIN, &mut |record, _| {
        let mut cells: Vec<_> = record
            .iter()
            .map(|cell| encoding.text(cell).into_owned())
            .collect();
        let known = header::known_cells(&cells);
        if known > best.0 {
            let filled = cells.iter().rposition(|cell| !cell.is_empty());
            cells.truncate(filled.map_or(0, |last| last + 1));
            best = (known, cells);
        }
    });
    best
}

/// Returns the most frequent number of cells.
fn usual_width(text: &[u8], delimiter: u8) -> Option<usize> {
    let mut rows = vec![0_usize; MAX_COLUMNS + 1];
    each_row(text, delimiter, WIDTH_WITHIN, &mut |_, cells| {
        if let Some(count) = rows.get_mut(cells) {
            *count += 1;
        }
    });
    let (width, count) = (0..).zip(rows).max_by_key(|(_, count)| *count)?;
    (count > 0 && width > 1).then_some(width)
}

/// Returns whether cells of a tab-separated file are quoted. Most are not, so a leading quote is part of a
/// name.
fn is_quoted(text: &[u8], width: Option<usize>, prices: &[usize]) -> bool {
    let (mut quoted, mut not, mut misfits) = (0_usize, 0_usize, 0_usize);
    let is_misfit = |record: &ByteRecord, cells: usize| {
        let price = |index: &usize| record.get(*index).unwrap_or_default();
        let has_price = |index: &usize| price(index).iter().any(u8::is_ascii_digit);
        width.is_some_and(|width| cells != width)
            || (!prices.is_empty() && !prices.iter().any(has_price))
    };
    let mut record = ByteRecord::new();
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        for cell in line.split(|byte| *byte == b'\t').map(<[u8]>::trim_ascii) {
            if memchr::memchr(b'"', cell).is_none() {
                continue;
            }
            let inner = cell
                .strip_prefix(b"\"")
                .and_then(|cell| cell.strip_suffix(b"\""));
            let marks = inner.map(|inner| memchr::memchr_iter(b'"', inner).count());
            let doubled = inner.map(|inner| memchr::memmem::find_iter(inner, b"\"\"").count());
            match (marks, doubled) {
                // A fully quoted cell proves nothing if quotes have no meaning.
                (Some(0), _) => {}
                (Some(marks), Some(doubled)) if marks == 2 * doubled => quoted += 1,
                _ => not += 1,
            }
        }
        let cells = quotes::split_plain(line, b'\t', &mut record);
        misfits += usize::from(!line.is_empty() && is_misfit(&record, cells));
    }
    if not == 0 || quoted >= not {
        return true;
    }
    // Cells with tabs or line breaks must be quoted: taken apart, their rows are too long or have no price.
    let mut quoted_misfits = 0;
    each_row(text, b'\t', usize::MAX, &mut |record, cells| {
        quoted_misfits += usize::from(is_misfit(record, cells));
    });
    quoted_misfits < misfits
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
            assert_eq!(
                sniff(text.as_bytes(), CellEncoding::UTF_8).delimiter,
                delimiter,
                "{text:?}"
            );
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
            assert_eq!(
                sniff(text.as_bytes(), CellEncoding::UTF_8).start,
                start,
                "{text:?}"
            );
        }
        assert_eq!(
            sniff(b"sep=;\nsku,a,b\n", CellEncoding::UTF_8).delimiter,
            b';'
        );
    }

    #[test]
    fn tab_files_are_quoted_if_marks_within_cells_are_doubled() {
        for (text, quoted) in [
            ("id\ttitle\n1\t\"Best\" lamp\n", false),
            ("id\ttitle\n1\t6\" tube\n", false),
            ("id\ttitle\n1\t\"Large frame\n", false),
            ("id\ttitle\n1\t\"6\"\" tube\"\n", true),
            ("id\ttitle\n1\t\"a\tb\"\n", true),
            ("id\ttitle\n1\t\"two\nlines\"\n", true),
            ("id\ttitle\n1\tLamp\n", true),
            ("id,title\n1,6\" tube\n", true),
        ] {
            let dialect = sniff(text.as_bytes(), CellEncoding::UTF_8);
            assert_eq!(dialect.is_quoted, quoted, "{text:?}");
        }
    }

    #[test]
    fn the_header_row_says_how_wide_rows_are_and_where_prices_stand() {
        let dialect = sniff(
            b"Our list\n\nSKU;Name;Price;;\nA;B;1;;\n",
            CellEncoding::UTF_8,
        );
        assert_eq!((dialect.width, dialect.prices), (Some(3), vec![2]));
        let dialect = sniff(b"\"SKU,Name,Price\"\n", CellEncoding::UTF_8);
        assert_eq!((dialect.width, dialect.delimiter), (Some(3), b','));
        let dialect = sniff(b"x;y\n1;2\n3;4;5\n", CellEncoding::UTF_8);
        assert_eq!((dialect.width, dialect.prices), (Some(2), vec![]));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_dialect(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let dialect = sniff(&bytes, CellEncoding::UTF_8);
            prop_assert!(dialect.start <= bytes.len());
        }
    }
}
