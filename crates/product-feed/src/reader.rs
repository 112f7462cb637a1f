//! A product file as a stream of products and failures.

use std::{io, ops::ControlFlow};

use bytesize::ByteSize;
use csv::ByteRecord;
use thiserror::Error;

use crate::{
    cells::{is_blank, shortened},
    columns::{self, Meaning},
    delimited::{self, MAX_ROW},
    encoding::CellEncoding,
    failed_rows,
    header::{self, Header, HeaderError},
    input::Input,
    mapping::Mapping,
    merchant, price,
    row::{Classified, Classifier, FeedProduct, RowFailure},
    source::{Kind, OverLimit, Source},
    understanding::Understanding,
    workbook::{self, Sheets},
};

/// Rows among which the header row is looked for: price lists have a title and a date above it.
const HEADER_WITHIN: usize = 30;

/// Rows, and bytes of them, from which is told how the file writes its prices.
const SAMPLE_ROWS: usize = 1000;
const SAMPLE_BYTES: usize = 1 << 20;

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
    /// Every price could be read in two ways.
    #[error(
        "Is \"{example}\" more than a thousand? Every price of the file that has a point has exactly \
         three digits behind it. Please say what the decimal mark is."
    )]
    DecimalMark {
        /// A price that could be both.
        example: String,
    },
    /// The workbook has several sheets, and of none the header row is understood.
    #[error("Which sheet holds the products? There are {}.", .0.join(", "))]
    UnknownSheet(Vec<String>),
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
    pub(crate) fn from_read(error: io::Error) -> Self {
        match Self::of_container(&error) {
            Some(told) => told,
            None => Self::Io(error),
        }
    }

    /// As [`from_read`](Self::from_read), of an error that others have too.
    pub(crate) fn from_shared(error: &io::Error) -> Self {
        match Self::of_container(error) {
            Some(told) => told,
            None => Self::Io(io::Error::new(error.kind(), error.to_string())),
        }
    }

    fn of_container(error: &io::Error) -> Option<Self> {
        if let Some(OverLimit(limit)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Some(Self::TooLarge(*limit));
        }
        matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        )
        .then_some(Self::BrokenArchive)
    }

    /// Whether a person could say what the columns hold, where the file does not.
    #[must_use]
    pub fn is_about_columns(&self) -> bool {
        matches!(self, Self::Header(_))
    }

    /// Returns what a person has to say before the file can be read; `None` where that would not help.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        match self {
            Self::Header(_) => Some(Question::Columns),
            Self::DecimalMark { .. } => Some(Question::DecimalMark),
            Self::UnknownSheet(_) => Some(Question::Sheets),
            _ => None,
        }
    }

    /// Returns the code that stands for it on a wire and in a database.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "unreadable-file",
            Self::Empty => "empty-file",
            Self::Header(error) => error.code(),
            Self::DecimalMark { .. } => "ambiguous-decimal-mark",
            Self::UnknownSheet(_) => "unknown-sheet",
            Self::LongRow { .. } => "long-row",
            Self::TooLarge(_) => "too-large-unpacked",
            Self::BrokenArchive => "broken-archive",
            Self::SeveralFiles(_) => "several-files",
            Self::Encrypted => "encrypted",
            Self::Nested => "nested-archive",
            Self::BrokenWorkbook => "broken-workbook",
            Self::LargeWorkbook => "large-workbook",
            Self::BrokenXml { .. } => "broken-xml",
            Self::NoItems => "no-items",
            Self::WebPage => "web-page",
            Self::Json => "json",
            Self::NotText => "not-text",
        }
    }
}

/// What a person can be asked about a file that could be read otherwise.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Question {
    /// What the columns hold.
    Columns,
    /// What prices have before their decimals.
    DecimalMark,
    /// Which sheets of the workbook are to be read.
    Sheets,
}

impl Question {
    /// Returns the word for it on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::DecimalMark => "decimal-mark",
            Self::Sheets => "sheets",
        }
    }
}

/// A row of a file, before it is known what it means.
#[derive(Clone, Copy)]
pub(crate) struct RawRow<'a> {
    pub(crate) cells: &'a ByteRecord,
    /// The line on which it begins, or the row of a sheet, from 1.
    pub(crate) line: u64,
    pub(crate) encoding: CellEncoding,
    /// Whether a quotation mark that is never closed made the rest of the file a part of it.
    pub(crate) is_cut_off: bool,
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

    /// Takes what a file, or a sheet of it, was understood as; this comes before its rows.
    fn understood(&mut self, _understanding: &Understanding) {}

    /// Takes the next row that counts, and says whether to go on.
    fn row(&mut self, row: FeedRow) -> ControlFlow<()>;

    /// Takes note of a row that is no product, and says whether to go on.
    fn passed_over(&mut self, _row: PassedOver) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A row that is no product. Rows without a filled cell are not told at all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PassedOver {
    /// Which row after the header it is, from 1, as in [`FeedRow::number`].
    pub number: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The row's first filled cell, shortened.
    pub label: String,
    /// Why it is no product.
    pub reason: PassedOverReason,
}

/// Why a row is no product.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum PassedOverReason {
    /// It brings one more image of the product above.
    Image,
    /// It is a rule or an option of the product above, not a variant of it.
    Option,
    /// It repeats the header row.
    RepeatedHeader,
    /// It is a heading between products, such as a category's.
    Heading,
    /// It translates a product above, as a store view's row does.
    Translation,
    /// It is a further header row, as Amazon's and eBay's files have them.
    Instruction,
    /// It sums up other rows.
    Total,
}

impl PassedOverReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::Option,
        Self::RepeatedHeader,
        Self::Heading,
        Self::Translation,
        Self::Instruction,
        Self::Total,
    ];

    /// Returns the code that stands for the reason on a wire and in a database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Option => "option",
            Self::RepeatedHeader => "repeated-header",
            Self::Heading => "heading",
            Self::Translation => "translation",
            Self::Instruction => "instruction",
            Self::Total => "total",
        }
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
    let mut reading = Reading::new(mapping);
    match source.kind {
        Kind::Delimited => delimited::walk(&source, &mut |row| reading.take(row, visitor))?,
        Kind::Xml => merchant::walk(&source, &mut |row| reading.take(row, visitor))?,
        _ => {
            let mut sheets = FirstList {
                mapping,
                visitor,
                reading,
                result: Err(FeedError::Empty),
            };
            workbook::walk(&source, &mut sheets)?;
            return sheets.result;
        }
    }
    reading.finish(visitor)
}

/// What is in a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Rows that count.
    pub products: u64,
    /// What its columns are called.
    pub header: Vec<String>,
}

/// Counts the rows that [`read`] gives, and is quicker about it where every row that is not blank counts.
///
/// # Errors
///
/// As [`read`].
pub fn count(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
) -> Result<Counted, FeedError> {
    let source = Source::open(input.clone(), limits.max_unpacked)?;
    let mut counter = Counter::default();
    if source.kind == Kind::Delimited {
        let mut reading = Reading::new(mapping);
        let rows =
            delimited::count_behind(&source, &mut |row| match reading.take(row, &mut counter) {
                ControlFlow::Break(()) => ControlFlow::Break(false),
                ControlFlow::Continue(()) => match &reading.state {
                    State::Sampling(sample) => ControlFlow::Break(sample.header.every_row_counts()),
                    _ => ControlFlow::Continue(()),
                },
            })?;
        if let Some(products) = rows {
            counter.0.products = products;
            return Ok(counter.0);
        }
        counter = Counter::default();
    }
    read(input, limits, mapping, &mut counter)?;
    Ok(counter.0)
}

#[derive(Default)]
struct Counter(Counted);

impl Visitor for Counter {
    fn header(&mut self, header: &Header) {
        self.0.header.clone_from(&header.cells);
    }

    fn row(&mut self, _: FeedRow) -> ControlFlow<()> {
        self.0.products += 1;
        ControlFlow::Continue(())
    }
}

/// Looks for the first sheet with a header row that is understood, and reads that.
struct FirstList<'a> {
    mapping: Option<&'a Mapping>,
    visitor: &'a mut dyn Visitor,
    reading: Reading<'a>,
    /// What is wrong with the first sheet that holds anything.
    result: Result<(), FeedError>,
}

impl Sheets for FirstList<'_> {
    fn row(&mut self, row: RawRow<'_>) -> ControlFlow<()> {
        self.reading.take(row, self.visitor)
    }

    fn end(&mut self) -> ControlFlow<()> {
        let reading = std::mem::replace(&mut self.reading, Reading::new(self.mapping));
        match reading.finish(self.visitor) {
            Ok(()) => {
                self.result = Ok(());
                ControlFlow::Break(())
            }
            Err(error) => {
                if matches!(self.result, Err(FeedError::Empty)) {
                    self.result = Err(error);
                }
                ControlFlow::Continue(())
            }
        }
    }
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
    let mut best = Beginnings::new(most);
    match source.kind {
        Kind::Delimited => delimited::walk(&source, &mut |row| best.row(row))?,
        Kind::Xml => merchant::walk(&source, &mut |row| best.row(row))?,
        _ => workbook::walk(&source, &mut best)?,
    }
    let _: ControlFlow<()> = best.end();
    if best.rows.is_empty() {
        Err(FeedError::Empty)
    } else {
        Ok(best.rows)
    }
}

/// How the sheets of a workbook begin, of which the one is kept that [`read`] would read, or else the
/// one whose header row names the most columns. Any other file is one sheet.
struct Beginnings {
    most: usize,
    /// Those of the sheet that is being read.
    current: Vec<Vec<String>>,
    /// Those of the best one, and how good it is.
    rows: Vec<Vec<String>>,
    score: Option<usize>,
}

impl Beginnings {
    fn new(most: usize) -> Self {
        Self {
            most,
            current: Vec::new(),
            rows: Vec::new(),
            score: None,
        }
    }
}

impl Sheets for Beginnings {
    fn row(&mut self, row: RawRow<'_>) -> ControlFlow<()> {
        let cells = texts(row);
        if cells.iter().any(|cell| !cell.is_empty()) {
            self.current.push(cells);
        }
        if self.current.len() < self.most + HEADER_WITHIN {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn end(&mut self) -> ControlFlow<()> {
        let mut rows = std::mem::take(&mut self.current);
        if rows.is_empty() {
            return ControlFlow::Continue(());
        }
        let header = likely_header(&rows);
        rows.drain(..header);
        rows.truncate(self.most);
        if rows.first().is_some_and(|header| has_reason(header)) {
            for cell in rows.iter_mut().flatten() {
                failed_rows::restore(cell);
            }
        }
        let header = rows.first().cloned().unwrap_or_default();
        let known = header::known_cells(&header);
        if self.score.is_none_or(|best| known > best) {
            self.score = Some(known);
            self.rows = rows;
        }
        if Header::find(header, None).is_ok() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
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

/// The cells of what may be a header row. In a list of failed rows they were made harmless.
fn header_texts(row: RawRow<'_>) -> Vec<String> {
    let mut cells = texts(row);
    if has_reason(&cells) {
        cells.iter_mut().for_each(failed_rows::restore);
    }
    cells
}

fn has_reason(header: &[String]) -> bool {
    header.iter().any(|cell| failed_rows::is_reason(cell))
}

/// A file that is being read.
struct Reading<'a> {
    mapping: Option<&'a Mapping>,
    state: State,
}

enum State {
    /// The header row was not met yet: the rows before, and what is wrong with the best of them.
    Seeking {
        rows: usize,
        problem: Option<(usize, HeaderError)>,
    },
    /// It was met; the first rows are held back until is told how the file writes its prices.
    Sampling(Box<Sample>),
    /// All of that is told.
    Within {
        classifier: Box<Classifier>,
        rows: u64,
    },
    /// The visitor wants no more.
    Done,
}

/// The first rows of a file.
struct Sample {
    header: Header,
    rows: Vec<HeldRow>,
    bytes: usize,
    vote: price::Vote,
}

/// A row that is held back.
struct HeldRow {
    cells: ByteRecord,
    line: u64,
    encoding: CellEncoding,
    is_cut_off: bool,
}

impl Sample {
    fn new(header: Header) -> Self {
        Self {
            header,
            rows: Vec::new(),
            bytes: 0,
            vote: price::Vote::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= SAMPLE_ROWS || self.bytes >= SAMPLE_BYTES
    }

    fn hold(&mut self, row: RawRow<'_>) {
        for price in self.header.prices(row.cells) {
            self.vote.count(&row.encoding.text(price));
        }
        self.bytes += row.cells.as_slice().len() + row.cells.len() * size_of::<usize>();
        self.rows.push(HeldRow {
            cells: row.cells.clone(),
            line: row.line,
            encoding: row.encoding,
            is_cut_off: row.is_cut_off,
        });
    }
}

impl<'a> Reading<'a> {
    fn new(mapping: Option<&'a Mapping>) -> Self {
        Self {
            mapping,
            state: State::Seeking {
                rows: 0,
                problem: None,
            },
        }
    }

    fn take(&mut self, row: RawRow<'_>, visitor: &mut dyn Visitor) -> ControlFlow<()> {
        match &mut self.state {
            State::Within { classifier, rows } => tell(classifier, rows, row, visitor),
            State::Sampling(sample) => {
                sample.hold(row);
                if sample.is_full() {
                    self.release(visitor)
                } else {
                    ControlFlow::Continue(())
                }
            }
            State::Done => ControlFlow::Break(()),
            State::Seeking { .. } => self.seek(row, visitor),
        }
    }

    fn seek(&mut self, row: RawRow<'_>, visitor: &mut dyn Visitor) -> ControlFlow<()> {
        let State::Seeking { rows, problem } = &mut self.state else {
            return ControlFlow::Continue(());
        };
        let cells = header_texts(row);
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
                visitor.header(&header);
                self.state = State::Sampling(Box::new(Sample::new(header)));
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

    /// Gives out the rows that were held back.
    fn release(&mut self, visitor: &mut dyn Visitor) -> ControlFlow<()> {
        let sample = match std::mem::replace(&mut self.state, State::Done) {
            State::Sampling(sample) => *sample,
            other => {
                self.state = other;
                return ControlFlow::Continue(());
            }
        };
        let decimal_mark = self
            .mapping
            .and_then(Mapping::decimal_mark)
            .unwrap_or_else(|| sample.vote.result());
        let encoding = sample
            .rows
            .first()
            .map_or(CellEncoding::UTF_8, |row| row.encoding);
        visitor.understood(&Understanding::new(
            &sample.header,
            decimal_mark,
            encoding.name(),
        ));
        let mut classifier = Box::new(Classifier::new(sample.header, decimal_mark));
        let mut rows = 0;
        for held in sample.rows {
            let row = RawRow {
                cells: &held.cells,
                line: held.line,
                encoding: held.encoding,
                is_cut_off: held.is_cut_off,
            };
            tell(&mut classifier, &mut rows, row, visitor)?;
        }
        self.state = State::Within { classifier, rows };
        ControlFlow::Continue(())
    }

    fn finish(mut self, visitor: &mut dyn Visitor) -> Result<(), FeedError> {
        let _: ControlFlow<()> = self.release(visitor);
        match self.state {
            State::Within { .. } | State::Sampling(_) | State::Done => Ok(()),
            State::Seeking {
                problem: Some((_, error)),
                ..
            } => Err(error.into()),
            State::Seeking { rows: 0, .. } => Err(FeedError::Empty),
            State::Seeking { .. } => Err(HeaderError::Unknown.into()),
        }
    }
}

/// Tells the visitor of the next row behind the header.
fn tell(
    classifier: &mut Classifier,
    rows: &mut u64,
    row: RawRow<'_>,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    *rows += 1;
    let (number, line) = (*rows, row.line);
    match classifier.classify(row) {
        Some(Classified::Counts(outcome)) => visitor.row(FeedRow {
            number,
            line,
            outcome,
        }),
        Some(Classified::PassedOver(reason)) => {
            let label = row.cells.iter().find(|cell| !is_blank(cell));
            let label = shortened(&row.encoding.text(label.unwrap_or_default()));
            visitor.passed_over(PassedOver {
                number,
                line,
                label,
                reason,
            })
        }
        None => ControlFlow::Continue(()),
    }
}

/// Returns what a column of this name is taken for.
#[must_use]
pub fn guess(name: &str) -> Option<Meaning> {
    columns::look_up(name).map(|known| known.meaning)
}

/// Returns what the columns of a list most likely hold, from the rows that [`first_rows`] gives: a column for
/// each cell of the first one. It may hold less than [`read`] needs.
#[must_use]
pub fn suggest(rows: &[Vec<String>]) -> Vec<Option<Meaning>> {
    let header = rows.first().map(Vec::as_slice).unwrap_or_default();
    header.iter().map(|name| guess(name)).collect()
}

/// Checks that a mapping names what a product needs.
///
/// # Errors
///
/// What it lacks.
pub fn check_mapping(header: &[String], mapping: &Mapping) -> Result<(), HeaderError> {
    Header::find(header.to_vec(), Some(mapping)).map(drop)
}
