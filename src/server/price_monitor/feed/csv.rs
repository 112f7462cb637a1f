//! A CSV file as a stream of products and failures.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use csv_async::{AsyncReader, AsyncReaderBuilder, ByteRecord, ErrorKind};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, ReadBuf, SeekFrom};

use super::{
    cells::header_text,
    columns::{Columns, HeaderError},
    dialect::{self, Dialect},
    row::{Classifier, FeedProduct, RowFailure},
};

/// Bytes from which the dialect is told; the header row lies within.
const HEAD: u64 = 64 << 10;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// Bytes a row may have, so that no file makes us hold it whole.
const MAX_ROW: usize = 8 << 20;

/// Why a file cannot be read on. The text is for people; only [`Io`](Self::Io) has a cause worth
/// logging.
#[derive(Debug, Error)]
pub(crate) enum FeedError {
    /// The file could not be read.
    #[error("The uploaded file could not be read.")]
    Io(#[source] io::Error),
    /// There is not even a header row.
    #[error("The file is empty.")]
    Empty,
    /// The header row does not do.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A row has no end.
    #[error(
        "The row that begins on line {line} is larger than {} MiB. Is a quotation mark not closed?",
        MAX_ROW >> 20
    )]
    LongRow {
        /// The line on which the row begins, from 1.
        line: u64,
    },
}

/// A row that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FeedRow {
    /// Which row after the header it is, from 1; rows that do not count are counted here.
    pub(crate) number: u64,
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// Bytes of the file up to and with this row.
    pub(crate) end: u64,
    /// The product, or why there is none.
    pub(crate) outcome: Result<FeedProduct, RowFailure>,
}

/// Reads a product file (RFC 4180 and what passes for it) row by row, in constant memory.
///
/// Any line ending, a byte-order mark, and `,` `;` tab or `|` between the cells are understood.
#[derive(Debug)]
pub(crate) struct Feed<R> {
    reader: AsyncReader<RowLimit<R>>,
    dialect: Dialect,
    record: ByteRecord,
    classifier: Classifier,
    rows: u64,
}

impl<R: AsyncRead + AsyncSeek + Send + Unpin> Feed<R> {
    /// Reads the header row.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is empty, or its header row does not do.
    pub(crate) async fn open(mut input: R) -> Result<Self, FeedError> {
        let mut head = Vec::new();
        (&mut input)
            .take(HEAD)
            .read_to_end(&mut head)
            .await
            .map_err(FeedError::Io)?;
        let dialect = dialect::sniff(&head);
        input
            .seek(SeekFrom::Start(dialect.start as u64))
            .await
            .map_err(FeedError::Io)?;
        let mut reader = AsyncReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .buffer_capacity(BLOCK)
            .create_reader(RowLimit::new(input));
        let mut header = ByteRecord::new();
        loop {
            if !read(&mut reader, &mut header).await? {
                return Err(FeedError::Empty);
            }
            if header.iter().any(|cell| !header_text(cell).is_empty()) {
                break;
            }
        }
        let cells: Vec<_> = header.iter().map(header_text).collect();
        let columns = Columns::find(cells.iter().map(AsRef::as_ref))?;
        Ok(Self {
            reader,
            dialect,
            record: ByteRecord::new(),
            classifier: Classifier::new(columns),
            rows: 0,
        })
    }

    /// Reads on to the next row that counts; `None` at the end. Cancel safe only by dropping the
    /// feed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a row is too long.
    pub(crate) async fn next(&mut self) -> Result<Option<FeedRow>, FeedError> {
        while read(&mut self.reader, &mut self.record).await? {
            self.rows += 1;
            let outcome = if self.is_cut_off() {
                Some(Err(self.classifier.open_quote(&self.record)))
            } else {
                self.classifier.classify(&self.record)
            };
            if let Some(outcome) = outcome {
                return Ok(Some(FeedRow {
                    number: self.rows,
                    line: self.line(),
                    end: self.dialect.start as u64 + self.reader.position().byte(),
                    outcome,
                }));
            }
        }
        Ok(None)
    }

    /// The line on which the record begins: the line after it, less the lines within it.
    fn line(&self) -> u64 {
        let after = self.reader.position().line();
        let within = self
            .record
            .as_slice()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count() as u64;
        let ending = u64::from(self.dialect.ends_with_line_feed && !self.ends_with_file());
        let before_header = if self.dialect.start > 3 { 1 } else { 0 };
        before_header + after.saturating_sub(within + ending).max(1)
    }

    /// Whether the file ended before the record did.
    fn ends_with_file(&self) -> bool {
        self.reader.get_ref().at_end
    }

    /// Whether a quotation mark that is never closed has swallowed the rest of the file: a cell with
    /// lines, which must be quoted, lasts to the end and yet no quotation mark stands there.
    fn is_cut_off(&self) -> bool {
        let last = self
            .record
            .len()
            .checked_sub(1)
            .and_then(|last| self.record.get(last));
        self.ends_with_file()
            && self.reader.get_ref().last != b'"'
            && last.is_some_and(|cell| cell.contains(&b'\n'))
    }
}

async fn read<R: AsyncRead + Send + Unpin>(
    reader: &mut AsyncReader<RowLimit<R>>,
    record: &mut ByteRecord,
) -> Result<bool, FeedError> {
    reader.get_mut().left = MAX_ROW;
    let line = reader.position().line();
    reader
        .read_byte_record(record)
        .await
        .map_err(|error| match error.into_kind() {
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                FeedError::LongRow { line }
            }
            ErrorKind::Io(error) => FeedError::Io(error),
            other => FeedError::Io(io::Error::other(format!("{other:?}"))),
        })
}

/// A reader that gives out only so many bytes before it is told that a new row begins.
#[derive(Debug)]
struct RowLimit<R> {
    inner: R,
    left: usize,
    /// The last byte given out.
    last: u8,
    at_end: bool,
}

impl<R> RowLimit<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            left: MAX_ROW,
            last: 0,
            at_end: false,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for RowLimit<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let got = &buffer.filled()[before..];
        self.left = self.left.saturating_sub(got.len());
        self.at_end = got.is_empty() && buffer.remaining() > 0;
        if let Some(last) = got.last() {
            self.last = *last;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {

    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    async fn rows(bytes: &[u8]) -> Result<Vec<FeedRow>, FeedError> {
        let mut feed = Feed::open(Cursor::new(bytes.to_vec())).await?;
        let mut rows = Vec::new();
        while let Some(row) = feed.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    fn names(rows: &[FeedRow]) -> Vec<&str> {
        rows.iter()
            .map(|row| row.outcome.as_ref().map_or("", |product| &product.name))
            .collect()
    }

    #[tokio::test]
    async fn every_line_ending_mark_and_delimiter_is_understood() {
        for text in [
            "sku,name,price\n1,One,1\n2,Two,2\n",
            "sku,name,price\r\n1,One,1\r\n2,Two,2",
            "sku,name,price\r1,One,1\r2,Two,2\r",
            "\u{feff}sku;name;price\n1;One;1,00\n\n\n2;\"Two\";2\n",
            "\n\nsku\tname\tprice\n1\tOne\t1\n2\tTwo\t2",
            "sep=|\r\nsku|name|price\r\n1|One|1\r\n2|Two|2\r\n",
            "\"sku\",\"name\",\"price\"\n\"1\",\"One\",\"1\"\n,,\n\"2\",\"Two\",\"2\"\n,,\n",
            ",,\nsku,name,price\n1,One,1\n2,Two,2,,,\n",
        ] {
            let rows = rows(text.as_bytes()).await.unwrap();
            assert_eq!(names(&rows), ["One", "Two"], "{text:?}");
            assert!(rows[1].end <= text.len() as u64);
        }
    }

    #[tokio::test]
    async fn a_row_knows_its_line() {
        for text in [
            "sku,name,price\n1,\"a\nb\",1\n\n2,b,1\n3,c,1",
            "sku,name,price\r\n1,\"a\r\nb\",1\r\n\r\n2,b,1\r\n3,c,1",
            "sku,name,price\n1,\"a\nb\",1\n,,\n2,b,1\n3,c,1\n",
        ] {
            let lines: Vec<_> = rows(text.as_bytes())
                .await
                .unwrap()
                .iter()
                .map(|row| row.line)
                .collect();
            assert_eq!(lines, [2, 5, 6], "{text:?}");
        }
        let after_separator = rows(b"sep=;\nsku;price\n1;1\n").await.unwrap();
        assert_eq!(after_separator[0].line, 3);
    }

    #[tokio::test]
    async fn a_quotation_mark_that_is_never_closed_is_told() {
        for (text, failed) in [
            ("sku,price,name\n1,1,\"x\n2,2,y\n3,3,z\n", true),
            ("sku,price,name\n1,\"1,x\n2,2,y\n", true),
            ("sku,price,name\n1,1,\"x\ny\"", false),
            ("sku,price,name\n1,1,\"x\ny\"\n", false),
            ("sku,price,name\n1,1,5\" nail\n", false),
        ] {
            let rows = rows(text.as_bytes()).await.unwrap();
            assert_eq!(rows.len(), 1, "{text:?}");
            assert_eq!(rows[0].outcome.is_err(), failed, "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_row_without_end_is_not_held_whole() {
        let mut text = b"sku,price,name\n1,1,One\n2,2,\"".to_vec();
        text.resize(text.len() + MAX_ROW + 2 * BLOCK, b'x');
        let error = rows(&text).await.unwrap_err();
        assert!(matches!(error, FeedError::LongRow { line: 3 }), "{error}");
    }

    #[tokio::test]
    async fn a_file_without_a_header_is_refused() {
        for text in ["", "\n\n", "\u{feff}", ",,,\n"] {
            let error = rows(text.as_bytes()).await.unwrap_err();
            assert!(matches!(error, FeedError::Empty), "{text:?}: {error}");
        }
        let error = rows(b"A-1,Shirt,9.99\n").await.unwrap_err();
        assert!(error.to_string().contains("\"SKU\""), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            header in prop_oneof![Just("sku,name,price\n"), Just("Handle;Option1 Value;Price\r\n"), Just("")],
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(b",;\"\n\r\0a1.".to_vec())], 0..300),
        ) {
            let file = [header.as_bytes(), &bytes].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            if let Ok(rows) = runtime.block_on(rows(&file)) {
                let mut end = 0;
                for row in rows {
                    prop_assert!(row.end > end && row.end <= file.len() as u64);
                    end = row.end;
                }
            }
        }

        #[test]
        fn what_was_written_is_read(
            cells in proptest::collection::vec(("[a-z0-9]{1,8}", "[ -~\n]{0,20}[!-~]"), 1..40),
        ) {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let mut file = "sku,name,price\n".to_owned();
            for (sku, name) in &cells {
                file.push_str(&format!("{sku},{},1\n", quoted(name)));
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let rows = runtime.block_on(rows(file.as_bytes())).unwrap();
            prop_assert_eq!(rows.len(), cells.len());
            for (row, (sku, name)) in rows.iter().zip(&cells) {
                let product = row.outcome.as_ref().unwrap();
                prop_assert_eq!(product.sku.as_deref(), Some(sku.as_str()));
                prop_assert_eq!(product.name.as_str(), name.trim());
            }
        }
    }
}
