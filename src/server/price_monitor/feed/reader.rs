//! A product file as a stream of products and failures.

use std::{io, ops::ControlFlow};

use bytesize::ByteSize;
use csv::ByteRecord;
use thiserror::Error;

use super::{
    columns::{self, Meaning},
    delimited::{self, MAX_ROW},
    encoding::CellEncoding,
    header::{self, Header, HeaderError},
    input::Input,
    mapping::Mapping,
    merchant,
    row::{Classifier, FeedProduct, RowFailure},
    source::{Kind, OverLimit, Source},
    workbook,
};

/// Rows among which the header row is looked for: price lists have a title and a date above it.
const HEADER_WITHIN: usize = 30;

/// Sheets of a workbook among which a product list is looked for.
const SHEETS: usize = 20;

/// Why a file cannot be read on. The text is for people; only [`Io`](Self::Io) has a cause worth
/// logging.
#[derive(Debug, Error)]
pub enum FeedError {
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
    /// What is in the container is more than may be taken.
    #[error("What the file unpacks to is larger than {}.", ByteSize(*.0))]
    TooLarge(u64),
    /// A container is damaged, or of a kind that is not read.
    #[error(
        "The file is a compressed archive that is damaged or of an unusual kind. Please upload the product file itself."
    )]
    BrokenArchive,
    /// There are several files in the archive.
    #[error("The archive holds {0} files. Please upload the product file alone.")]
    SeveralFiles(usize),
    /// The archive needs a password.
    #[error("The file is protected by a password. Please upload it without one.")]
    Encrypted,
    /// There is an archive in the archive.
    #[error("The archive holds another archive. Please upload the product file itself.")]
    Nested,
    /// The workbook is damaged or protected.
    #[error("The workbook cannot be read: it is damaged, or protected by a password.")]
    BrokenWorkbook,
    /// The workbook is too large to be held in memory.
    #[error("The workbook is too large. Please save it as CSV and upload that.")]
    LargeWorkbook,
    /// The document is not well-formed.
    #[error("The XML of the file is broken near line {line}.")]
    BrokenXml {
        /// The line to which it could be read.
        line: u64,
    },
    /// There are no products in the document.
    #[error(
        "The XML file holds no products. Looked for are <item> (RSS), <entry> (Atom) or <product>."
    )]
    NoItems,
    /// It is a page of HTML.
    #[error(
        "The file is a web page, not a product list. Perhaps a sign-in page was saved in its place."
    )]
    WebPage,
    /// It is JSON.
    #[error(
        "The file is JSON, not a product list. A CSV, Excel or Google Merchant file is needed."
    )]
    Json,
    /// It is no text at all.
    #[error("The file is not a product list. A CSV, Excel or Google Merchant file is needed.")]
    NotText,
}

impl FeedError {
    /// Tells why reading out of a file failed: the limit, a damaged container, or the file itself.
    pub(super) fn from_read(error: io::Error) -> Self {
        if let Some(OverLimit(limit)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Self::TooLarge(*limit);
        }
        match error.kind() {
            io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof => Self::BrokenArchive,
            _ => Self::Io(error),
        }
    }

    /// Whether a person could say what the columns hold, where the file does not.
    #[must_use]
    pub fn is_about_columns(&self) -> bool {
        matches!(self, Self::Header(_))
    }
}

/// A row of a file, before it is known what it means.
#[derive(Clone, Copy)]
pub(super) struct RawRow<'a> {
    pub(super) cells: &'a ByteRecord,
    /// The line on which it begins, or the row of a sheet, from 1.
    pub(super) line: u64,
    pub(super) encoding: CellEncoding,
    /// Whether a quotation mark that is never closed made the rest of the file a part of it.
    pub(super) is_cut_off: bool,
}

/// A row that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeedRow {
    /// Which row after the header it is, from 1; rows that do not count are counted here.
    pub number: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The product, or why there is none.
    pub outcome: Result<FeedProduct, RowFailure>,
}

/// What is told of a file while it is read.
pub trait Visitor {
    /// Takes the header row, which comes first.
    fn header(&mut self, _header: &Header) {}

    /// Takes the next row that counts, and says whether to go on.
    fn row(&mut self, row: FeedRow) -> ControlFlow<()>;

    /// Takes note of a row that does not count, and says whether to go on.
    fn passed_over(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// How a file is to be read.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most bytes that are read out of a container.
    pub max_unpacked: u64,
}

/// Reads a product file to its end, or until the visitor breaks. It is read row by row, in constant
/// memory, but for workbooks that are not `.xlsx`. The same file always gives the same rows.
///
/// # Errors
///
/// When the file cannot be read, is nothing that could be a product file, or its header row does not
/// do.
pub fn read(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
    visitor: &mut dyn Visitor,
) -> Result<(), FeedError> {
    let source = Source::open(input, limits.max_unpacked)?;
    if matches!(source.kind, Kind::Delimited | Kind::Xml) {
        let mut reading = Reading::new(mapping, visitor);
        match source.kind {
            Kind::Xml => merchant::walk(&source, &mut |row| reading.take(row))?,
            _ => delimited::walk(&source, &mut |row| reading.take(row))?,
        }
        return reading.finish();
    }
    let mut problem = None;
    for sheet in 0..SHEETS {
        let mut reading = Reading::new(mapping, visitor);
        workbook::walk(&source, sheet, &mut |row| reading.take(row))?;
        match reading.finish() {
            Err(error) if sheet == 0 || matches!(problem, Some(FeedError::Empty)) => {
                problem = Some(error);
            }
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
    }
    Err(problem.unwrap_or(FeedError::Empty))
}

/// Refuses what could be no product file, from its first bytes.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(input: Input, limits: &Limits) -> Result<(), FeedError> {
    Source::open(input, limits.max_unpacked).map(drop)
}

/// Returns the rows at the beginning of a file as text, the one that is most likely its header first, at
/// most so many.
///
/// # Errors
///
/// When the file cannot be read or is nothing that could be a product file.
pub fn first_rows(
    input: Input,
    limits: &Limits,
    most: usize,
) -> Result<Vec<Vec<String>>, FeedError> {
    let source = Source::open(input, limits.max_unpacked)?;
    let mut rows = Vec::new();
    let mut take = |row: RawRow<'_>| {
        let cells = texts(row);
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(cells);
        }
        if rows.len() < most + HEADER_WITHIN {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    match source.kind {
        Kind::Delimited => delimited::walk(&source, &mut take)?,
        Kind::Xml => merchant::walk(&source, &mut take)?,
        _ => workbook::walk(&source, 0, &mut take)?,
    }
    let header = likely_header(&rows);
    rows.drain(..header);
    rows.truncate(most);
    if rows.is_empty() {
        Err(FeedError::Empty)
    } else {
        Ok(rows)
    }
}

/// The row that names the most columns; the first of several, and the first full one if none names any.
fn likely_header(rows: &[Vec<String>]) -> usize {
    let widest = rows.iter().map(|row| filled(row)).max().unwrap_or_default();
    let score = |row: &[String]| (header::known_cells(row), filled(row) == widest);
    let mut best = 0;
    for (index, row) in rows.iter().enumerate().take(HEADER_WITHIN) {
        if score(row) > score(&rows[best]) {
            best = index;
        }
    }
    best
}

fn filled(row: &[String]) -> usize {
    row.iter().filter(|cell| !cell.is_empty()).count()
}

fn texts(row: RawRow<'_>) -> Vec<String> {
    let cells = row.cells.iter();
    cells
        .map(|cell| row.encoding.text(cell).replace('\0', ""))
        .collect()
}

/// A file that is being read.
struct Reading<'a> {
    mapping: Option<&'a Mapping>,
    visitor: &'a mut dyn Visitor,
    state: State,
}

enum State {
    /// The header row was not met yet: the rows before, and what is wrong with the best of them.
    Seeking {
        rows: usize,
        problem: Option<(usize, HeaderError)>,
    },
    /// It was met.
    Within {
        classifier: Box<Classifier>,
        rows: u64,
    },
}

impl<'a> Reading<'a> {
    fn new(mapping: Option<&'a Mapping>, visitor: &'a mut dyn Visitor) -> Self {
        Self {
            mapping,
            visitor,
            state: State::Seeking {
                rows: 0,
                problem: None,
            },
        }
    }

    fn take(&mut self, row: RawRow<'_>) -> ControlFlow<()> {
        match &mut self.state {
            State::Within { classifier, rows } => {
                *rows += 1;
                let (number, line) = (*rows, row.line);
                match classifier.classify(row) {
                    Some(outcome) => self.visitor.row(FeedRow {
                        number,
                        line,
                        outcome,
                    }),
                    None => self.visitor.passed_over(),
                }
            }
            State::Seeking { rows, problem } => {
                let cells = texts(row);
                if cells.iter().all(|cell| cell.is_empty()) {
                    return ControlFlow::Continue(());
                }
                *rows += 1;
                let known = header::known_cells(&cells);
                if self.mapping.is_some_and(|mapping| !mapping.is_of(&cells)) {
                    return if *rows < HEADER_WITHIN {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    };
                }
                match Header::find(cells, self.mapping) {
                    Ok(header) => {
                        self.visitor.header(&header);
                        self.state = State::Within {
                            classifier: Box::new(Classifier::new(header)),
                            rows: 0,
                        };
                    }
                    Err(error) => {
                        if problem.is_none_or(|(best, _)| known > best) {
                            *problem = Some((known, error));
                        }
                        if *rows == HEADER_WITHIN {
                            return ControlFlow::Break(());
                        }
                    }
                }
                ControlFlow::Continue(())
            }
        }
    }

    fn finish(self) -> Result<(), FeedError> {
        match self.state {
            State::Within { .. } => Ok(()),
            State::Seeking {
                problem: Some((_, error)),
                ..
            } => Err(error.into()),
            State::Seeking { rows: 0, .. } => Err(FeedError::Empty),
            State::Seeking { .. } => Err(HeaderError::Unknown.into()),
        }
    }
}

/// Returns what a column of this name is taken for.
#[must_use]
pub fn guess(name: &str) -> Option<Meaning> {
    columns::look_up(name).map(|known| known.meaning)
}

/// Checks that a mapping names what a product needs.
///
/// # Errors
///
/// What it lacks.
pub fn check_mapping(header: &[String], mapping: &Mapping) -> Result<(), HeaderError> {
    Header::find(header.to_vec(), Some(mapping)).map(drop)
}
