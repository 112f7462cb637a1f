//! A file of cells with marks between them, as rows: RFC 4180 and what passes for it.

use std::{
    io::{self, Read},
    ops::ControlFlow,
};

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use crate::{
    dialect::{self, Dialect},
    encoding::{self, CellEncoding},
    reader::{FeedError, RawRow},
    row_count,
    source::{Rewound, Source, peek},
};

/// Bytes from which the dialect is told.
const HEAD: u64 = 64 << 10;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// Bytes a row may have, so that no file makes us hold it whole.
pub(crate) const MAX_ROW: usize = 8 << 20;

/// Reads the rows, in constant memory, until `visit` breaks. Any line ending, a byte-order mark, and `,`
/// `;` tab or `|` between the cells are understood. Lines of nothing are no rows.
///
/// # Errors
///
/// When the file cannot be read, or a row is too long.
pub(crate) fn walk(
    source: &Source,
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let (mut rows, encoding) = Rows::of(source)?;
    let mut record = ByteRecord::new();
    while rows.next(&mut record)? {
        if visit(rows.raw(&record, encoding)).is_break() {
            break;
        }
    }
    Ok(())
}

/// Counts the rows behind the first one for which `visit` breaks with true, but for blank ones. `None` when
/// it breaks with false or never does, and when the rows have to be looked at closely to be counted.
///
/// # Errors
///
/// When the file cannot be read, or a row up to there is too long.
pub(crate) fn count_behind(
    source: &Source,
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<bool>,
) -> Result<Option<u64>, FeedError> {
    let (mut rows, encoding) = Rows::of(source)?;
    let mut record = ByteRecord::new();
    loop {
        if !rows.next(&mut record)? {
            return Ok(None);
        }
        match visit(rows.raw(&record, encoding)) {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(false) => return Ok(None),
            ControlFlow::Break(true) => break,
        }
    }
    let before = rows.dialect.start as u64 + rows.reader.position().byte();
    let (head, stream) = peek(source.stream()?, HEAD)?;
    let mut text = encoding::without_utf_16(&head, stream);
    io::copy(&mut (&mut text).take(before), &mut io::sink()).map_err(FeedError::from_read)?;
    row_count::count(text, rows.dialect.delimiter).map_err(FeedError::from_read)
}

type Text = RowLimit<Rewound<Box<dyn Read + Send>>>;

struct Rows {
    reader: Reader<Text>,
    dialect: Dialect,
}

impl Rows {
    fn of(source: &Source) -> Result<(Self, CellEncoding), FeedError> {
        let (head, stream) = peek(source.stream()?, HEAD)?;
        let is_utf_16 = encoding::utf_16_text(&head).is_some();
        let encoding = if is_utf_16 {
            CellEncoding::UTF_8
        } else {
            encoding::detect(source.stream()?)?
        };
        let (head, stream) = peek(encoding::without_utf_16(&head, stream), HEAD)?;
        Ok((Self::new(&head, stream)?, encoding))
    }

    fn raw<'r>(&self, record: &'r ByteRecord, encoding: CellEncoding) -> RawRow<'r> {
        RawRow {
            cells: record,
            line: self.line(record),
            encoding,
            is_cut_off: self.is_cut_off(record),
        }
    }

    fn new(head: &[u8], mut stream: Rewound<Box<dyn Read + Send>>) -> Result<Self, FeedError> {
        let dialect = dialect::sniff(head);
        let mut before = vec![0; dialect.start];
        stream
            .read_exact(&mut before)
            .map_err(FeedError::from_read)?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .buffer_capacity(BLOCK)
            .from_reader(RowLimit::new(stream, dialect.ends_with_carriage_return));
        Ok(Self { reader, dialect })
    }

    fn next(&mut self, record: &mut ByteRecord) -> Result<bool, FeedError> {
        self.reader.get_mut().left = MAX_ROW;
        let line = self.reader.position().line() + self.lines_before_header();
        self.reader
            .read_byte_record(record)
            .map_err(|error| match error.into_kind() {
                ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    FeedError::LongRow { line }
                }
                ErrorKind::Io(error) => FeedError::from_read(error),
                other => FeedError::Io(io::Error::other(format!("{other:?}"))),
            })
    }

    /// The line on which the record begins: the line after it, less the lines within it.
    fn line(&self, record: &ByteRecord) -> u64 {
        let after = self.reader.position().line();
        let within = memchr::memchr_iter(b'\n', record.as_slice()).count() as u64;
        let ends_with_line_feed =
            self.dialect.ends_with_line_feed || self.dialect.ends_with_carriage_return;
        let ending = u64::from(ends_with_line_feed && !self.ends_with_file());
        self.lines_before_header() + after.saturating_sub(within + ending).max(1)
    }

    fn lines_before_header(&self) -> u64 {
        u64::from(self.dialect.start > 3)
    }

    /// Whether the file ended before the record did.
    fn ends_with_file(&self) -> bool {
        self.reader.get_ref().at_end
    }

    /// Whether a quotation mark that is never closed has swallowed the rest of the file: a cell with
    /// lines, which must be quoted, lasts to the end and yet no quotation mark stands there.
    fn is_cut_off(&self, record: &ByteRecord) -> bool {
        let last = record
            .len()
            .checked_sub(1)
            .and_then(|last| record.get(last));
        self.ends_with_file()
            && self.reader.get_ref().last != b'"'
            && last.is_some_and(|cell| cell.contains(&b'\n'))
    }
}

/// A reader that gives out only so many bytes before it is told that a new row begins, and line feeds
/// where a file has carriage returns alone.
#[derive(Debug)]
struct RowLimit<R> {
    inner: R,
    of_carriage_returns: bool,
    left: usize,
    /// The last byte given out.
    last: u8,
    at_end: bool,
}

impl<R> RowLimit<R> {
    fn new(inner: R, of_carriage_returns: bool) -> Self {
        Self {
            inner,
            of_carriage_returns,
            left: MAX_ROW,
            last: 0,
            at_end: false,
        }
    }
}

impl<R: Read> Read for RowLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer)?;
        if self.of_carriage_returns {
            for byte in &mut buffer[..read] {
                if *byte == b'\r' {
                    *byte = b'\n';
                }
            }
        }
        self.left = self.left.saturating_sub(read);
        self.at_end = read == 0 && !buffer.is_empty();
        if let Some(last) = buffer[..read].last() {
            self.last = *last;
        }
        Ok(read)
    }
}
