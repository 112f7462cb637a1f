//! Reads delimited text as rows.
//!
//! A stray quotation mark must not swallow the rows after it. If a quoted row spans lines that are complete
//! rows, or never ends, each line is read by itself.

use std::{io::Read, ops::ControlFlow};

use csv::ByteRecord;

use crate::{
    budget::{MAX_COLUMNS, MAX_ROW},
    dialect::{self, Dialect},
    encoding::{self, CellEncoding},
    lines::Lines,
    quotes::{self, Found, Quotes, Split},
    reader::{FeedError, RawRow},
    source::{Source, peek},
};

/// Bytes sampled to detect the dialect.
const HEAD: u64 = 64 << 10;

/// Maximum bytes scanned in vain for the end of a row, plus the size of the rows so far. Beyond it rows do
/// not span lines, which bounds the time.
const MAX_VAIN: usize = 16 << 20;

/// Reads the rows of all parts in constant memory, until `visit` breaks. Skips empty lines.
///
/// # Errors
///
/// If a file cannot be read, a row is too long, or the parts are different lists.
pub(crate) fn walk(
    parts: &[Source],
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let mut record = ByteRecord::new();
    let mut before = Before::default();
    for part in parts {
        let mut rows = Rows::of(part)?;
        before.check(&rows.dialect, parts.len())?;
        let mut is_header = before.lines > 0;
        while let Some(row) = rows.next(&mut record)? {
            let raw = rows.raw(&record, row, before.lines);
            // The other parts repeat the first one's header row.
            if is_header {
                is_header = !before.is_header(raw);
                continue;
            }
            if visit(raw).is_break() {
                return Ok(());
            }
        }
        before.lines += rows.lines_so_far();
    }
    Ok(())
}

/// State shared by all parts.
#[derive(Default)]
struct Before {
    lines: u64,
    header: Option<Vec<String>>,
}

impl Before {
    /// Rejects parts that are not one list.
    fn check(&mut self, dialect: &Dialect, parts: usize) -> Result<(), FeedError> {
        let is_same = match &self.header {
            None => parts == 1 || !dialect.header.is_empty(),
            Some(header) => *header == dialect.header,
        };
        self.header.get_or_insert_with(|| dialect.header.clone());
        if is_same {
            Ok(())
        } else {
            Err(FeedError::SeveralFiles(parts))
        }
    }

    fn is_header(&self, row: RawRow<'_>) -> bool {
        let header = self.header.iter().flatten();
        let cells = row.cells.iter().map(|cell| row.encoding.text(cell));
        header.zip(cells).all(|(name, cell)| *name == cell)
    }
}

/// Rejects files of an archive that are not parts of one list.
///
/// # Errors
///
/// If they are not, or cannot be read.
pub(crate) fn check(parts: &[Source]) -> Result<(), FeedError> {
    let mut before = Before::default();
    if parts.len() > 1 {
        for part in parts {
            before.check(&Rows::of(part)?.dialect, parts.len())?;
        }
    }
    Ok(())
}

/// Counts the non-blank rows after the first one for which `visit` breaks with true. `None` if it breaks with
/// false or never, or if there are several parts.
///
/// # Errors
///
/// As [`walk`].
pub(crate) fn count_behind(
    parts: &[Source],
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<bool>,
) -> Result<Option<u64>, FeedError> {
    let [source] = parts else { return Ok(None) };
    let mut rows = Rows::of(source)?;
    let mut record = ByteRecord::new();
    loop {
        let Some(row) = rows.next(&mut record)? else {
            return Ok(None);
        };
        match visit(rows.raw(&record, row, 0)) {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(false) => return Ok(None),
            ControlFlow::Break(true) => break,
        }
    }
    let mut count = 0;
    while let Some(is_blank) = rows.pass(&mut record)? {
        count += u64::from(!is_blank);
    }
    Ok(Some(count))
}

#[derive(Clone, Copy)]
struct Row {
    /// Its first line.
    line: u64,
    is_cut_off: bool,
}

struct Rows {
    lines: Lines<Box<dyn Read + Send>>,
    dialect: Dialect,
    encoding: CellEncoding,
    /// Number of the next line, from 0.
    line: u64,
    /// Bytes that may still be scanned in vain.
    vain: usize,
}

impl Rows {
    fn of(source: &Source) -> Result<Self, FeedError> {
        let (head, stream) = peek(source.stream()?, HEAD)?;
        let is_utf_16 = encoding::utf_16_text(&head).is_some();
        let detected = if is_utf_16 {
            CellEncoding::UTF_8
        } else {
            encoding::detect(source.stream()?)?
        };
        let (stream, encoding): (Box<dyn Read + Send>, _) = match detected.of_several_bytes() {
            _ if is_utf_16 => (encoding::without_utf_16(&head, stream), detected),
            // In multi-byte encodings a delimiter can be part of a character.
            Some(encoding) => (encoding::transcoded(stream, encoding), CellEncoding::UTF_8),
            None => (Box::new(stream), detected),
        };
        let (head, mut stream) = peek(stream, HEAD)?;
        let dialect = dialect::sniff(&head, encoding);
        let mut before = vec![0; dialect.start];
        stream
            .read_exact(&mut before)
            .map_err(FeedError::from_read)?;
        Ok(Self {
            lines: Lines::new(Box::new(stream), dialect.ends_with_carriage_return),
            // A byte-order mark has three bytes; more is a `sep=` line.
            line: u64::from(dialect.start > 3),
            dialect,
            encoding,
            vain: MAX_VAIN,
        })
    }

    fn raw<'r>(&self, record: &'r ByteRecord, row: Row, lines_before: u64) -> RawRow<'r> {
        RawRow {
            cells: record,
            line: lines_before + row.line,
            encoding: self.encoding,
            is_cut_off: row.is_cut_off,
            has_semicolons: self.dialect.delimiter == b';',
            numbers: &[],
        }
    }

    fn lines_so_far(&self) -> u64 {
        self.line
    }

    /// Advances to the next non-empty line and returns its length, without line ending and byte-order mark
    /// (concatenated files have one in the middle).
    fn line(&mut self) -> Result<Option<usize>, FeedError> {
        loop {
            let Some(length) = self.lines.line(self.line + 1)? else {
                return Ok(None);
            };
            let bytes = self.lines.bytes();
            if bytes.starts_with(b"\xEF\xBB\xBF") {
                self.lines.skip(3);
                continue;
            }
            if length > 0 {
                return Ok(Some(length));
            }
            let ending = ending_of(bytes);
            self.take(ending, 1);
        }
    }

    fn take(&mut self, bytes: usize, lines: u64) {
        self.lines.skip(bytes);
        self.line += lines;
        self.vain = self.vain.saturating_add(bytes);
    }

    /// Reads the next row, or returns `None` at the end.
    fn next(&mut self, record: &mut ByteRecord) -> Result<Option<Row>, FeedError> {
        let Some(length) = self.line()? else {
            return Ok(None);
        };
        let row = Row {
            line: self.line + 1,
            is_cut_off: false,
        };
        let bytes = self.lines.bytes();
        let line = &bytes[..length];
        if !self.dialect.is_quoted || memchr::memchr(b'"', line).is_none() {
            quotes::split_plain(line, self.dialect.delimiter, record);
            let ending = ending_of(&bytes[length..]);
            self.take(length + ending, 1);
            return Ok(Some(row));
        }
        let is_cut_off = self.quoted(length, record)?;
        Ok(Some(Row { is_cut_off, ..row }))
    }

    /// Skips the next row and returns whether it is blank, or `None` at the end.
    fn pass(&mut self, record: &mut ByteRecord) -> Result<Option<bool>, FeedError> {
        let Some(length) = self.line()? else {
            return Ok(None);
        };
        let bytes = self.lines.bytes();
        let line = &bytes[..length];
        let is_blank = if !self.dialect.is_quoted || memchr::memchr(b'"', line).is_none() {
            let is_blank = is_blank(line, self.dialect.delimiter);
            let ending = ending_of(&bytes[length..]);
            self.take(length + ending, 1);
            is_blank
        } else {
            self.quoted(length, record)?;
            record.iter().all(<[u8]>::is_empty)
        };
        Ok(Some(is_blank))
    }

    /// Reads a row whose first line has quotation marks. Returns whether one never closes.
    fn quoted(&mut self, length: usize, record: &mut ByteRecord) -> Result<bool, FeedError> {
        let (found, seen) = self.by_the_book(length, record)?;
        if let Some(found) = found {
            let lines = self.lines_of(found.used);
            if self.fits(found, record) && (lines == 1 || !self.has_swallowed(found.used)) {
                self.take(found.used, lines);
                return Ok(false);
            }
            if lines == 1 {
                return Ok(self.other_line(length, found, record));
            }
        }
        // The line may be a row by itself, or escape its quotes in another way.
        for quotes in [Quotes::Backslash, Quotes::Bare, Quotes::Strict] {
            if let Some(row) = self.split(length, quotes, record)
                && self.is_own_row(row, record)
            {
                self.waste(seen);
                self.take_line(length);
                return Ok(false);
            }
        }
        for quotes in [Quotes::Backslash, Quotes::Bare] {
            if found.is_none_or(|found| !self.fits(found, record))
                && let Some(row) = self.split(seen, quotes, record)
                && self.fits(row, record)
                && !self.has_swallowed(row.used)
            {
                let lines = self.lines_of(row.used);
                self.take(row.used, lines);
                return Ok(false);
            }
        }
        self.waste(seen);
        // Up to a line that is a row by itself, or to the end of the row.
        match self.own_line_within(seen, record) {
            Some((used, lines)) => {
                self.cut_off(used, record);
                self.take(used, lines);
                Ok(true)
            }
            None => match found {
                Some(found) => {
                    self.split(found.used, Quotes::Doubled, record);
                    let lines = self.lines_of(found.used);
                    self.take(found.used, lines);
                    Ok(false)
                }
                None if self.lines.is_all() && seen == self.lines.bytes().len() => {
                    let used = self.lines.bytes().len();
                    let lines = self.lines_of(used);
                    self.cut_off(used, record);
                    self.take(used, lines);
                    Ok(true)
                }
                None => {
                    self.cut_off(length, record);
                    self.take_line(length);
                    Ok(true)
                }
            },
        }
    }

    /// Splits the next row by RFC 4180 and returns the bytes scanned, or `None` if it does not end within
    /// them.
    fn by_the_book(
        &mut self,
        length: usize,
        record: &mut ByteRecord,
    ) -> Result<(Option<Found>, usize), FeedError> {
        let delimiter = self.dialect.delimiter;
        let ending = ending_of(&self.lines.bytes()[length..]);
        let most = self.vain.min(MAX_ROW).max(length + ending);
        loop {
            let bytes = self.lines.bytes();
            let is_all = self.lines.is_all() && bytes.len() <= most;
            let within = &bytes[..bytes.len().min(most)];
            if let Split::Row(found) =
                quotes::split(within, is_all, delimiter, Quotes::Doubled, record)
            {
                return Ok((Some(found), found.used));
            }
            let seen = within.len();
            // Scanned again with what follows, which should be as much.
            let wanted = most.min(2 * bytes.len());
            if bytes.len() >= most || self.lines.is_all() {
                return Ok((None, seen));
            }
            while self.lines.read_more()? && self.lines.bytes().len() < wanted {}
        }
    }

    /// Splits the next bytes as one row, as if nothing followed.
    fn split(&self, length: usize, quotes: Quotes, record: &mut ByteRecord) -> Option<Found> {
        let bytes = &self.lines.bytes()[..length];
        match quotes::split(bytes, true, self.dialect.delimiter, quotes, record) {
            Split::Row(found) => Some(found),
            Split::Unfinished => None,
        }
    }

    /// Splits a line that has another number of cells than the others by RFC 4180.
    fn other_line(&mut self, length: usize, found: Found, record: &mut ByteRecord) -> bool {
        for quotes in [Quotes::Backslash, Quotes::Bare, Quotes::Strict] {
            if let Some(row) = self.split(length, quotes, record)
                && self.fits(row, record)
            {
                self.take(found.used, 1);
                return false;
            }
        }
        self.split(length, Quotes::Doubled, record);
        if found.cells == 1
            && found.is_quoted
            && let Some(line) = record.get(0).map(<[u8]>::to_vec)
        {
            // Excel quotes whole lines of other programs' lists.
            let delimiter = self.dialect.delimiter;
            let inner = quotes::split(&line, true, delimiter, Quotes::Doubled, record);
            if !matches!(inner, Split::Row(row) if self.fits(row, record)) {
                self.split(length, Quotes::Doubled, record);
            }
        }
        self.take(found.used, 1);
        false
    }

    /// Returns whether a row has the usual number of cells, or surplus empty ones. True if the number is
    /// unknown.
    fn fits(&self, found: Found, record: &ByteRecord) -> bool {
        match self.dialect.width {
            None => true,
            Some(width) => {
                found.cells == width
                    || found.cells > width
                        && found.cells == record.len()
                        && record.iter().skip(width).all(<[u8]>::is_empty)
            }
        }
    }

    /// Returns whether a line is a row by itself: the right number of cells, and a price.
    fn is_own_row(&self, found: Found, record: &ByteRecord) -> bool {
        let is_price = |index: &usize| {
            let cell = record.get(*index).unwrap_or_default();
            cell.iter().any(u8::is_ascii_digit)
        };
        let prices = &self.dialect.prices;
        self.dialect.width.is_some()
            && self.fits(found, record)
            && (prices.is_empty() || prices.iter().any(is_price))
    }

    fn is_own_line(&self, line: &[u8], record: &mut ByteRecord) -> bool {
        let ways = [
            Quotes::Doubled,
            Quotes::Backslash,
            Quotes::Bare,
            Quotes::Strict,
        ];
        ways.into_iter().any(|quotes| {
            match quotes::split(line, true, self.dialect.delimiter, quotes, record) {
                Split::Row(found) => self.is_own_row(found, record),
                Split::Unfinished => false,
            }
        })
    }

    /// Returns whether the lines of a quoted row are rows by themselves, except the first and blank ones. Of
    /// two both must be, because the last line of a row often looks like one.
    fn has_swallowed(&self, used: usize) -> bool {
        let mut record = ByteRecord::new();
        let bytes = &self.lines.bytes()[..used];
        let Some((first, mut at)) = each_line(bytes).next() else {
            return false;
        };
        let mut others = 0;
        while let Some((line, length)) = each_line(&bytes[at..]).next() {
            if line.trim_ascii().is_empty() {
                at += length;
                continue;
            }
            let length = if self.is_own_line(line, &mut record) {
                Some(length)
            } else {
                self.own_lines(&bytes[at..], &mut record)
            };
            match length {
                Some(length) => at += length,
                None => return false,
            }
            others += 1;
        }
        others > 1 || others == 1 && self.is_own_line(first, &mut record)
    }

    /// Returns the length of the multi-line row at the start of `bytes`, if there is one.
    fn own_lines(&self, bytes: &[u8], record: &mut ByteRecord) -> Option<usize> {
        let delimiter = self.dialect.delimiter;
        match quotes::split(bytes, true, delimiter, Quotes::Doubled, record) {
            Split::Row(found) if self.is_own_row(found, record) => Some(found.used),
            _ => None,
        }
    }

    /// Finds the first line after the next one that is a row by itself: bytes and lines before it.
    fn own_line_within(&self, seen: usize, record: &mut ByteRecord) -> Option<(usize, u64)> {
        let bytes = &self.lines.bytes()[..seen];
        let mut before = 0;
        for (number, (line, used)) in (0_u64..).zip(each_line(bytes)) {
            // The last line may be incomplete.
            let is_whole =
                used > line.len() || seen == self.lines.bytes().len() && self.lines.is_all();
            if number > 0 && is_whole && self.is_own_line(line, record) {
                return Some((before, number));
            }
            before += used;
        }
        None
    }

    /// Splits a row whose quote never closes. Its last cell has the following lines.
    fn cut_off(&self, used: usize, record: &mut ByteRecord) {
        let bytes = &self.lines.bytes()[..used];
        let trimmed = bytes.len()
            - bytes
                .iter()
                .rev()
                .take_while(|byte| is_line_end(**byte))
                .count();
        let bytes = &bytes[..trimmed];
        // The last opening quote is the one that never closes.
        let delimiter = self.dialect.delimiter;
        let first = each_line(bytes).next().map_or(0, |(line, _)| line.len());
        let open = (0..first).rev().find(|at| {
            bytes[*at] == b'"' && (*at == 0 || bytes[at - 1] == delimiter || bytes[at - 1] == b' ')
        });
        let Some(open) = open else {
            quotes::split(bytes, true, delimiter, Quotes::Strict, record);
            return;
        };
        quotes::split(&bytes[..open], true, delimiter, Quotes::Strict, record);
        let mut row = ByteRecord::new();
        row.extend(record.iter().take(record.len().saturating_sub(1)));
        row.push_field(bytes[open + 1..].trim_ascii());
        *record = row;
    }

    fn lines_of(&self, used: usize) -> u64 {
        each_line(&self.lines.bytes()[..used]).count() as u64
    }

    /// Consumes one line of a row.
    fn take_line(&mut self, length: usize) {
        let ending = ending_of(&self.lines.bytes()[length..]);
        self.take(length + ending, 1);
    }

    fn waste(&mut self, bytes: usize) {
        self.vain = self.vain.saturating_sub(bytes);
    }
}

/// Returns whether an unquoted line has no filled cell.
fn is_blank(line: &[u8], delimiter: u8) -> bool {
    let filled = line
        .iter()
        .position(|byte| *byte != delimiter && !quotes::is_padding(*byte));
    filled.is_none_or(|at| {
        at >= MAX_COLUMNS && memchr::memchr_iter(delimiter, &line[..at]).count() >= MAX_COLUMNS
    })
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Returns the length of the line ending at the start of `bytes`.
fn ending_of(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// Iterates over the lines of a text, each with the bytes up to the next one.
fn each_line(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let length = memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
        let (line, rest) = bytes.split_at(length);
        let ending = ending_of(rest);
        bytes = &rest[ending..];
        Some((line, length + ending))
    })
}
