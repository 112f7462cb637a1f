//! A product file as a stream of products and failures.

use std::{borrow::Cow, io, ops::ControlFlow};

use bytesize::ByteSize;
use csv::ByteRecord;
use thiserror::Error;

use crate::{
    budget::{self, Budget, MAX_COLUMN_NAME, MAX_ROW},
    cells::{is_blank, shortened},
    columns::{self, Meaning},
    currency, delimited,
    encoding::CellEncoding,
    failed_rows,
    foreign::Foreign,
    header::{self, Header, HeaderError},
    html,
    input::Input,
    mapping::Mapping,
    merchant,
    price::{self, DecimalMark},
    row::{Classified, Classifier, FeedProduct, RowFailure},
    sheets::Lists,
    source::{Kind, OverLimit, Source},
    understanding::Understanding,
    workbook,
};

/// Rows among which the header row is looked for: price lists have a title and a date above it.
pub(crate) const HEADER_WITHIN: usize = 200;

/// Rows from which is told how the file writes its prices, as far as they may be held.
const SAMPLE_ROWS: usize = 1000;

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
    /// There are several files in the archive, and they are no parts of one list.
    #[error(
        "The archive holds {0} files that are not parts of one list. Please upload the product file alone."
    )]
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
        "The XML file holds no products. Looked for are elements like <item> (RSS), <entry> (Atom), \
         <product>, <offer> or <SHOPITEM>."
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
    /// It is a file of another program, of a kind that is not read.
    #[error(transparent)]
    Foreign(#[from] Foreign),
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
            Self::Foreign(foreign) => foreign.code(),
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
    /// Whether semicolons stand between its cells, as where commas are needed for decimals.
    pub(crate) has_semicolons: bool,
    /// The cells that are numbers of a workbook: a point in them is before the decimals in any language.
    pub(crate) numbers: &'a [usize],
}

impl RawRow<'_> {
    /// Whether a cell is a number whose point is not the mark before decimals in the file's texts.
    pub(crate) fn is_other_number(&self, index: usize, mark: DecimalMark) -> bool {
        mark == DecimalMark::Comma && self.numbers.contains(&index)
    }
}

impl<'a> RawRow<'a> {
    /// Makes a row of cells that are text in UTF-8, whatever they were written as.
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

    /// Takes note of a sheet that holds something and is not read, as its header row is not understood.
    fn sheet_left_out(&mut self, _name: &str) {}

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

/// Reads a product file to its end, or until the visitor breaks. It is read row by row, in a bounded
/// memory. Sheets of a workbook come one after the other, each with its header row. The same file always
/// gives the same rows.
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
    let parts = Source::open(input, limits.max_unpacked)?;
    let mut reading = Reading::new(mapping);
    match parts.as_slice() {
        [source] if source.kind == Kind::Xml => {
            merchant::walk(source, &mut |row| reading.take(row, visitor))?;
        }
        [source] if source.kind != Kind::Delimited => {
            let mut lists = Lists::new(mapping, visitor);
            workbook::walk(source, &mut lists)?;
            return match lists.finish() {
                // There are tables on any page.
                Err(
                    FeedError::Header(HeaderError::Unknown)
                    | FeedError::Empty
                    | FeedError::UnknownSheet(_),
                ) if source.kind == Kind::Html && mapping.is_none() => Err(FeedError::WebPage),
                result => result,
            };
        }
        parts => delimited::walk(parts, &mut |row| reading.take(row, visitor))?,
    }
    reading.finish(visitor)
}

/// Reads rows that were taken out of a file, its header row first, as [`read`] reads them there. A row's line
/// is its place among them, from 1.
///
/// # Errors
///
/// As [`read`], as far as it is about the header row and what rows mean.
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

/// What is in a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Rows that count.
    pub products: u64,
    /// What its columns are called.
    pub header: Vec<String>,
}

/// Counts the rows that [`read`] gives, and is quicker about it where each of the first thousand that is not
/// blank counts: it takes all behind them to do so too, and so may count some too many.
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
    if parts.iter().all(|part| part.kind == Kind::Delimited) {
        let mut reading = Reading::new(mapping);
        let rows =
            delimited::count_behind(&parts, &mut |row| match reading.take(row, &mut counter) {
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

/// What is counted, and whether a row was passed over.
#[derive(Default)]
struct Counter(Counted, bool);

impl Visitor for Counter {
    fn header(&mut self, header: &Header) {
        // Sheets of a workbook have one each.
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

/// Refuses what could be no product file, from its first bytes.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(input: Input, limits: &Limits) -> Result<(), FeedError> {
    let parts = Source::open(input, limits.max_unpacked)?;
    match parts.as_slice() {
        [source] if source.kind == Kind::Html => html::check(source),
        [_] => Ok(()),
        parts => delimited::check(parts),
    }
}

pub(crate) fn texts(row: RawRow<'_>) -> Vec<String> {
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
    // What a list of failed rows says of itself is as long as it has columns.
    for cell in cells.iter_mut().filter(|cell| !failed_rows::is_ours(cell)) {
        budget::cut(cell, MAX_COLUMN_NAME);
    }
    cells
}

pub(crate) fn has_reason(header: &[String]) -> bool {
    header.iter().any(|cell| failed_rows::is_reason(cell))
}

/// A file that is being read.
pub(crate) struct Reading<'a> {
    mapping: Option<Cow<'a, Mapping>>,
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
    /// The file's prices can be read in two ways; one of them.
    Doubtful(String),
    /// The visitor wants no more.
    Done,
}

/// The first rows of a file.
struct Sample {
    header: Header,
    rows: Vec<HeldRow>,
    budget: Budget,
}

/// A row that is held back.
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
            },
        }
    }

    /// Whether the header row was not met yet.
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
        let mapping = self.mapping.as_deref();
        if mapping.is_some_and(|mapping| !mapping.is_of(&cells)) {
            return if *rows < HEADER_WITHIN {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            };
        }
        // A list of failed rows says itself what its file was understood as.
        let written = failed_rows::answers(&cells).map(|written| match mapping {
            Some(mapping) => mapping.clone().or(written),
            None => written,
        });
        match Header::find(cells, written.as_ref().or(mapping)) {
            Ok(header) => {
                if let Some(written) = written {
                    self.mapping = Some(Cow::Owned(written));
                }
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
        let Sample {
            mut header,
            rows: held,
            ..
        } = sample;
        header.settle(held.iter().map(HeldRow::raw));
        let said = self.mapping.as_deref().and_then(Mapping::decimal_mark);
        let decimal_mark = match said.map_or_else(|| told_mark(&header, &held), Ok) {
            Ok(mark) => mark,
            Err(example) => {
                self.state = State::Doubtful(example);
                return ControlFlow::Break(());
            }
        };
        let encoding = held.first().map_or(CellEncoding::UTF_8, |row| row.encoding);
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

/// Tells from the first rows how prices are written.
///
/// # Errors
///
/// A price that could be read in two ways, where nothing says which one it is.
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
    columns::look_up(name).map(|known| known.word.meaning())
}

/// Checks that a mapping names what a product needs.
///
/// # Errors
///
/// What it lacks.
pub fn check_mapping(header: &[String], mapping: &Mapping) -> Result<(), HeaderError> {
    Header::find(header.to_vec(), Some(mapping)).map(drop)
}
