//! Reads a product file as a stream of products and failures.

use std::{borrow::Cow, io, ops::ControlFlow};

use bytesize::ByteSize;
use csv::ByteRecord;
use thiserror::Error;

use crate::{
    budget::{self, Budget, MAX_COLUMN_NAME, MAX_ROW},
    cells::{is_blank, shortened},
    columns::{self, Meaning},
    currency,
    encoding::CellEncoding,
    failed_rows,
    foreign::Foreign,
    formats::{self, Workbook},
    grouped::grouped,
    header::{self, Header, HeaderError},
    input::Input,
    mapping::Mapping,
    parameter::Parameter,
    price::{self, DecimalMark},
    row::{Classified, Classifier, FeedProduct, PassedOverReason, RowFailure},
    sheets::Lists,
    source::{OverLimit, Source},
    understanding::Understanding,
};

/// Rows searched for the header row: price lists have titles above it.
pub(crate) const HEADER_WITHIN: usize = 200;

/// Rows sampled for the price format.
const SAMPLE_ROWS: usize = 1000;

/// An error that stops reading. Shown to users; only [`Io`](Self::Io) has a cause worth logging.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The file could not be read.
    #[error("The uploaded file could not be read.")]
    Io(#[source] io::Error),
    /// There is no header row.
    #[error("The file is empty.")]
    Empty,
    /// The header row is not sufficient.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// All prices are ambiguous.
    #[error(
        "Prices like \"{example}\" are ambiguous: the mark could separate decimals or thousands. \
         Choose the decimal separator."
    )]
    DecimalMark {
        /// An ambiguous price.
        example: String,
    },
    /// The workbook has several sheets without a known header row.
    #[error("The workbook has several sheets ({}). Choose the ones with products.", .0.join(", "))]
    UnknownSheet(Vec<String>),
    /// A row does not end.
    #[error(
        "The row starting on line {} is larger than {} MiB. Check for an unclosed quotation mark.",
        grouped(*line),
        MAX_ROW >> 20
    )]
    LongRow {
        /// Its first line, from 1.
        line: u64,
    },
    /// The content exceeds the limit.
    #[error("The unpacked file is larger than {}.", ByteSize(*.0))]
    TooLarge(u64),
    /// A container is damaged or unsupported.
    #[error("The archive is damaged or in an unsupported format. Upload the product file itself.")]
    BrokenArchive,
    /// The files of the archive are not parts of one list.
    #[error(
        "The archive contains {} files that don't form a single list. Upload one product file.",
        grouped(*.0 as u64)
    )]
    SeveralFiles(usize),
    /// The archive is encrypted.
    #[error("The file is password-protected. Remove the password and upload it again.")]
    Encrypted,
    /// The archive contains an archive.
    #[error("The archive contains another archive. Upload the product file itself.")]
    Nested,
    /// The workbook is damaged or protected.
    #[error("The workbook cannot be read. It may be damaged or password-protected.")]
    BrokenWorkbook,
    /// The workbook is too large for memory.
    #[error("The workbook is too large. Save it as CSV and upload that.")]
    LargeWorkbook,
    /// The XML is not well-formed.
    #[error("The XML is not valid near line {}.", grouped(*line))]
    BrokenXml {
        /// The last line that could be read.
        line: u64,
    },
    /// The document has no products.
    #[error(
        "No products found in the XML file. Expected elements like <item> (RSS), <entry> (Atom), \
         <product>, <offer> or <SHOPITEM>."
    )]
    NoItems,
    /// It is an HTML page.
    #[error(
        "The file is a web page, not a product list. You may have saved a sign-in page by mistake."
    )]
    WebPage,
    /// It is JSON.
    #[error("The file is JSON, not a product list. Upload a CSV, Excel or Google Merchant file.")]
    Json,
    /// It is another program's file.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// It is not text.
    #[error("The file is not a product list. Upload a CSV, Excel or Google Merchant file.")]
    NotText,
}

impl FeedError {
    /// Maps a read error: limit, damaged container, or I/O.
    pub(crate) fn from_read(error: io::Error) -> Self {
        match Self::of_container(&error) {
            Some(told) => told,
            None => Self::Io(error),
        }
    }

    /// As [`from_read`](Self::from_read), for a shared error.
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

    /// Returns whether a user could map the columns.
    #[must_use]
    pub fn is_about_columns(&self) -> bool {
        matches!(self, Self::Header(_))
    }

    /// Returns the question to ask the user; `None` if an answer would not help.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        match self {
            Self::Header(_) => Some(Question::Columns),
            Self::DecimalMark { .. } => Some(Question::DecimalMark),
            Self::UnknownSheet(_) => Some(Question::Sheets),
            _ => None,
        }
    }

    /// Returns its code on the wire and in the database.
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
            Self::Foreign(foreign) => foreign.code(),
            Self::NotText => "not-text",
        }
    }

    /// Returns the parameters of its message by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, Parameter)> {
        match self {
            Self::DecimalMark { example } => vec![("example", example.as_str().into())],
            Self::UnknownSheet(names) => vec![("sheets", names.join(", ").as_str().into())],
            Self::LongRow { line } => {
                vec![("line", (*line).into()), ("limit", (MAX_ROW >> 20).into())]
            }
            Self::TooLarge(limit) => vec![("limit", (*limit).into())],
            Self::SeveralFiles(files) => vec![("files", (*files).into())],
            Self::BrokenXml { line } => vec![("line", (*line).into())],
            Self::Io(_)
            | Self::Empty
            | Self::Header(_)
            | Self::BrokenArchive
            | Self::Encrypted
            | Self::Nested
            | Self::BrokenWorkbook
            | Self::LargeWorkbook
            | Self::NoItems
            | Self::WebPage
            | Self::Json
            | Self::Foreign(_)
            | Self::NotText => Vec::new(),
        }
    }
}

/// A question about an ambiguous file.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Question {
    /// The meaning of its columns.
    Columns,
    /// The decimal mark of its prices.
    DecimalMark,
    /// Which sheets to read.
    Sheets,
}

impl Question {
    /// Returns its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::DecimalMark => "decimal-mark",
            Self::Sheets => "sheets",
        }
    }
}

/// A row of cells.
#[derive(Clone, Copy)]
pub(crate) struct RawRow<'a> {
    pub(crate) cells: &'a ByteRecord,
    /// Its first line, or row of a sheet, from 1.
    pub(crate) line: u64,
    pub(crate) encoding: CellEncoding,
    /// Whether an unclosed quote swallowed the rest of the file.
    pub(crate) is_cut_off: bool,
    /// Whether cells are separated by semicolons, which suggests decimal commas.
    pub(crate) has_semicolons: bool,
    /// Cells that are numbers in a workbook, always with a decimal point.
    pub(crate) numbers: &'a [usize],
}

impl RawRow<'_> {
    /// Returns whether a cell is a workbook number whose point is not the decimal mark of text prices.
    pub(crate) fn is_other_number(&self, index: usize, mark: DecimalMark) -> bool {
        mark == DecimalMark::Comma && self.numbers.contains(&index)
    }
}

impl<'a> RawRow<'a> {
    /// Creates a row of UTF-8 text.
    pub(crate) fn of_text(cells: &'a ByteRecord, line: u64) -> Self {
        Self {
            cells,
            line,
            encoding: CellEncoding::UTF_8,
            is_cut_off: false,
            has_semicolons: false,
            numbers: &[],
        }
    }
}

/// A row that counts as a product.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeedRow {
    /// Its number after the header row, from 1, counting skipped rows.
    pub number: u64,
    /// Its first line, from 1.
    pub line: u64,
    /// The product, or the reason of failure.
    pub outcome: Result<FeedProduct, RowFailure>,
}

/// Receives the content of a file.
pub trait Visitor {
    /// Receives the header row first, with its columns as the first rows tell them.
    fn header(&mut self, _header: &Header) {}

    /// Receives how the file or sheet is read, before its rows.
    fn understood(&mut self, _understanding: &Understanding) {}

    /// Receives the name of a sheet that is not read because its header row is unknown.
    fn sheet_left_out(&mut self, _name: &str) {}

    /// Receives the next product or failure, and returns whether to continue.
    fn row(&mut self, row: FeedRow) -> ControlFlow<()>;

    /// Receives a skipped row, and returns whether to continue.
    fn passed_over(&mut self, _row: PassedOver) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A row that is not a product. Blank rows are not reported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PassedOver {
    /// Its number after the header row, as [`FeedRow::number`].
    pub number: u64,
    /// Its first line, from 1.
    pub line: u64,
    /// Its first filled cell, shortened.
    pub label: String,
    /// Why it is not a product.
    pub reason: PassedOverReason,
}

/// Limits of reading.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum bytes unpacked from a container.
    pub max_unpacked: u64,
}

/// Reads a product file to its end, or until the visitor breaks, in bounded memory. Sheets of a workbook follow
/// one another, each with its header row. The result is deterministic.
///
/// # Errors
///
/// If the file is unreadable, not a product file, or its header row is not sufficient.
pub fn read(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
    visitor: &mut dyn Visitor,
) -> Result<(), FeedError> {
    let parts = Source::open(input, limits.max_unpacked)?;
    let Some((source, kind)) = Source::workbook(&parts) else {
        let mut reading = Reading::new(mapping);
        formats::walk_list(&parts, &mut |row| reading.take(row, visitor))?;
        return reading.finish(visitor);
    };
    let mut sheets = Lists::new(mapping, visitor);
    formats::walk_sheets(source, kind, &mut sheets)?;
    match sheets.finish() {
        // Any page has tables.
        Err(
            FeedError::Header(HeaderError::Unknown) | FeedError::Empty | FeedError::UnknownSheet(_),
        ) if kind == Workbook::Html && mapping.is_none() => Err(FeedError::WebPage),
        result => result,
    }
}

/// Reads rows taken from a file, header row first, as [`read`] reads them there. A row's line is its index, from 1.
///
/// # Errors
///
/// As [`read`], for header row and rows.
pub fn read_rows(
    rows: &[Vec<String>],
    mapping: Option<&Mapping>,
    visitor: &mut dyn Visitor,
) -> Result<(), FeedError> {
    let mut reading = Reading::new(mapping);
    for (line, row) in (1..).zip(rows) {
        let cells = row.iter().collect();
        if reading
            .take(RawRow::of_text(&cells, line), visitor)
            .is_break()
        {
            break;
        }
    }
    reading.finish(visitor)
}

/// The size of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Rows that count as products.
    pub products: u64,
    /// The column names.
    pub header: Vec<String>,
}

/// Counts the products that [`read`] returns. Faster if each of the first thousand non-blank rows counts: then all
/// others are assumed to, which may overestimate.
///
/// # Errors
///
/// As [`read`].
pub fn count(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
) -> Result<Counted, FeedError> {
    let parts = Source::open(input.clone(), limits.max_unpacked)?;
    let mut counter = Counter::default();
    if parts.iter().all(Source::is_delimited) {
        let mut reading = Reading::new(mapping);
        let rows =
            formats::count_behind(&parts, &mut |row| match reading.take(row, &mut counter) {
                ControlFlow::Break(()) => ControlFlow::Break(false),
                ControlFlow::Continue(()) => match &reading.state {
                    State::Within { classifier, .. } => {
                        ControlFlow::Break(classifier.every_row_counts() && !counter.1)
                    }
                    _ => ControlFlow::Continue(()),
                },
            })?;
        if let Some(behind) = rows {
            counter.0.products += behind;
            return Ok(counter.0);
        }
        counter = Counter::default();
    }
    read(input, limits, mapping, &mut counter)?;
    Ok(counter.0)
}

/// The count, and whether a row was skipped.
#[derive(Default)]
struct Counter(Counted, bool);

impl Visitor for Counter {
    fn header(&mut self, header: &Header) {
        // Each sheet of a workbook has its own.
        if self.0.header.is_empty() {
            self.0.header.clone_from(&header.cells);
        }
    }

    fn row(&mut self, _: FeedRow) -> ControlFlow<()> {
        self.0.products += 1;
        ControlFlow::Continue(())
    }

    fn passed_over(&mut self, _: PassedOver) -> ControlFlow<()> {
        self.1 = true;
        ControlFlow::Continue(())
    }
}

/// Rejects files that cannot be product files, by their first bytes.
///
/// # Errors
///
/// The reason.
pub fn check(input: Input, limits: &Limits) -> Result<(), FeedError> {
    let parts = Source::open(input, limits.max_unpacked)?;
    formats::check(&parts)
}

pub(crate) fn texts(row: RawRow<'_>) -> Vec<String> {
    let cells = row.cells.iter();
    cells
        .map(|cell| row.encoding.text(cell).replace('\0', ""))
        .collect()
}

/// Decodes the cells of a potential header row, unescaped in a list of failed rows.
fn header_texts(row: RawRow<'_>) -> Vec<String> {
    let mut cells = texts(row);
    if has_reason(&cells) {
        cells.iter_mut().for_each(failed_rows::restore);
    }
    // The settings column is as long as the number of columns requires.
    for cell in cells.iter_mut().filter(|cell| !failed_rows::is_ours(cell)) {
        budget::cut(cell, MAX_COLUMN_NAME);
    }
    cells
}

pub(crate) fn has_reason(header: &[String]) -> bool {
    header.iter().any(|cell| failed_rows::is_reason(cell))
}

/// State of reading a file.
pub(crate) struct Reading<'a> {
    mapping: Option<Cow<'a, Mapping>>,
    state: State,
}

enum State {
    /// Before the header row: the rows so far, and why the best of them is not sufficient.
    Seeking {
        rows: usize,
        problem: Option<(usize, HeaderError)>,
        /// The last one.
        above: Vec<String>,
    },
    /// Behind the header row: holding rows until the price format is detected.
    Sampling(Box<Sample>),
    /// Reading rows.
    Within {
        classifier: Box<Classifier>,
        rows: u64,
    },
    /// The prices are ambiguous; an example.
    Doubtful(String),
    /// The visitor stopped.
    Done,
}

/// The first rows of a file.
struct Sample {
    header: Header,
    rows: Vec<HeldRow>,
    budget: Budget,
}

/// A held row.
struct HeldRow {
    cells: ByteRecord,
    line: u64,
    encoding: CellEncoding,
    is_cut_off: bool,
    has_semicolons: bool,
    numbers: Box<[usize]>,
}

impl Sample {
    fn new(header: Header) -> Self {
        Self {
            header,
            rows: Vec::new(),
            budget: Budget::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= SAMPLE_ROWS || self.budget.is_spent()
    }

    fn hold(&mut self, row: RawRow<'_>) {
        self.budget.spend(row.cells);
        self.rows.push(HeldRow {
            cells: budget::compact(row.cells),
            line: row.line,
            encoding: row.encoding,
            is_cut_off: row.is_cut_off,
            has_semicolons: row.has_semicolons,
            numbers: row.numbers.into(),
        });
    }
}

impl<'a> Reading<'a> {
    pub(crate) fn new(mapping: Option<&'a Mapping>) -> Self {
        Self {
            mapping: mapping.map(Cow::Borrowed),
            state: State::Seeking {
                rows: 0,
                problem: None,
                above: Vec::new(),
            },
        }
    }

    /// Returns whether the header row is still sought.
    pub(crate) fn is_seeking(&self) -> bool {
        matches!(self.state, State::Seeking { .. })
    }

    pub(crate) fn take(&mut self, row: RawRow<'_>, visitor: &mut dyn Visitor) -> ControlFlow<()> {
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
            State::Done | State::Doubtful(_) => ControlFlow::Break(()),
            State::Seeking { .. } => self.seek(row),
        }
    }

    fn seek(&mut self, row: RawRow<'_>) -> ControlFlow<()> {
        let State::Seeking {
            rows,
            problem,
            above,
        } = &mut self.state
        else {
            return ControlFlow::Continue(());
        };
        let cells = header_texts(row);
        if cells.iter().all(|cell| cell.is_empty()) {
            return ControlFlow::Continue(());
        }
        *rows += 1;
        let known = header::known_cells(&cells);
        let mapping = self.mapping.as_deref();
        if mapping.is_some_and(|mapping| !mapping.is_of(&cells)) {
            return if *rows < HEADER_WITHIN {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            };
        }
        // A list of failed rows stores how its file was read.
        let written = failed_rows::answers(&cells).map(|written| match mapping {
            Some(mapping) => mapping.clone().or(written),
            None => written,
        });
        let told = written.as_ref().or(mapping);
        let found = match told {
            Some(_) => Header::find(cells.clone(), told),
            None => Header::find_below(above, cells.clone()),
        };
        match found {
            Ok(header) => {
                if let Some(written) = written {
                    self.mapping = Some(Cow::Owned(written));
                }
                self.state = State::Sampling(Box::new(Sample::new(header)));
            }
            Err(error) => {
                if problem.is_none_or(|(best, _)| known > best) {
                    *problem = Some((known, error));
                }
                *above = cells;
                if *rows == HEADER_WITHIN {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Reports the held rows.
    fn release(&mut self, visitor: &mut dyn Visitor) -> ControlFlow<()> {
        let sample = match std::mem::replace(&mut self.state, State::Done) {
            State::Sampling(sample) => *sample,
            other => {
                self.state = other;
                return ControlFlow::Continue(());
            }
        };
        let Sample {
            mut header,
            rows: held,
            ..
        } = sample;
        if let Some(first) = held.first()
            && !self.mapping.as_deref().is_some_and(Mapping::has_columns)
        {
            header.join_second(first.raw());
        }
        let rows = held.iter().map(HeldRow::raw);
        header.find_further(rows.clone());
        let until = header.names_until;
        header.correct_by(rows.filter(|row| until.is_none_or(|line| row.line > line)));
        let said = self.mapping.as_deref().and_then(Mapping::decimal_mark);
        let decimal_mark = match said.map_or_else(|| told_mark(&header, &held), Ok) {
            Ok(mark) => mark,
            Err(example) => {
                self.state = State::Doubtful(example);
                return ControlFlow::Break(());
            }
        };
        let encoding = held.first().map_or(CellEncoding::UTF_8, |row| row.encoding);
        visitor.header(&header);
        visitor.understood(&Understanding::new(&header, decimal_mark, encoding.name()));
        let mut classifier = Box::new(Classifier::new(header, decimal_mark));
        let mut rows = 0;
        for held in &held {
            tell(&mut classifier, &mut rows, held.raw(), visitor)?;
        }
        self.state = State::Within { classifier, rows };
        ControlFlow::Continue(())
    }

    pub(crate) fn finish(mut self, visitor: &mut dyn Visitor) -> Result<(), FeedError> {
        let _: ControlFlow<()> = self.release(visitor);
        match self.state {
            State::Within { .. } | State::Sampling(_) | State::Done => Ok(()),
            State::Doubtful(example) => Err(FeedError::DecimalMark { example }),
            State::Seeking {
                problem: Some((_, error)),
                ..
            } => Err(error.into()),
            State::Seeking { rows: 0, .. } => Err(FeedError::Empty),
            State::Seeking { .. } => Err(HeaderError::Unknown.into()),
        }
    }
}

impl HeldRow {
    fn raw(&self) -> RawRow<'_> {
        RawRow {
            cells: &self.cells,
            line: self.line,
            encoding: self.encoding,
            is_cut_off: self.is_cut_off,
            has_semicolons: self.has_semicolons,
            numbers: &self.numbers,
        }
    }
}

/// Detects the decimal mark from the first rows.
///
/// # Errors
///
/// An ambiguous price, if nothing decides.
fn told_mark(header: &Header, rows: &[HeldRow]) -> Result<DecimalMark, String> {
    let mut vote = price::Vote::default();
    for row in rows {
        let told = header
            .currency(&row.cells)
            .map(|cell| row.encoding.text(cell));
        let told = told.filter(|text| !text.is_empty());
        let currency = told
            .and_then(|text| currency::code(&text))
            .or(header.columns.file_currency);
        let texts = header.prices(&row.cells);
        for (_, cell) in texts.filter(|(index, _)| !row.numbers.contains(index)) {
            vote.count(&row.encoding.text(cell), currency);
        }
    }
    vote.result(rows.iter().any(|row| row.has_semicolons))
}

/// Reports the next row.
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

/// Returns the meaning of a column name.
#[must_use]
pub fn guess(name: &str) -> Option<Meaning> {
    columns::look_up(name).map(|known| known.word.meaning())
}

/// Checks that a mapping has an identity and a price.
///
/// # Errors
///
/// What is missing.
pub fn check_mapping(header: &[String], mapping: &Mapping) -> Result<(), HeaderError> {
    Header::find(header.to_vec(), Some(mapping)).map(drop)
}
