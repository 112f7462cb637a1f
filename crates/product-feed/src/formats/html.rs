//! Reads tables of HTML pages as sheets. Shops and ERP systems write such pages as `.xls`, which Excel opens.

use std::{
    cell::Cell,
    collections::HashMap,
    io::{self, Read},
    ops::ControlFlow,
    rc::Rc,
};

use html5gum::{DefaultEmitter, IoReader, Token, Tokenizer};

use crate::{
    budget::MAX_ROW,
    encoding,
    reader::FeedError,
    source::{Source, peek},
    workbook::{MAX_ROWS, MAX_SHEETS, Row, Sheets},
};

/// Maximum offset of the first table.
const TABLE_WITHIN: u64 = 1 << 20;

/// Maximum bytes of a token.
const MAX_TOKEN: usize = 512 << 10;

/// Columns from which a table is a list, not the layout of a page.
const LIST_WIDTH: u32 = 3;

/// Bytes sampled for the encoding.
const HEAD: u64 = 64 << 10;

/// Rejects a page without a table.
///
/// # Errors
///
/// If there is none, or the file cannot be read.
pub(crate) fn check(source: &Source) -> Result<(), FeedError> {
    let mut head = Vec::new();
    text(source)?
        .take(TABLE_WITHIN)
        .read_to_end(&mut head)
        .map_err(FeedError::from_read)?;
    head.make_ascii_lowercase();
    match memchr::memmem::find(&head, b"<table") {
        Some(_) => Ok(()),
        None => Err(FeedError::WebPage),
    }
}

/// Reads the outermost tables.
///
/// # Errors
///
/// If the file is unreadable or too large.
pub(crate) fn walk(source: &Source, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
    let since_token = Rc::new(Cell::new(0));
    let reader = IoReader::new(Bounded {
        inner: text(source)?,
        since_token: Rc::clone(&since_token),
    });
    let mut emitter = DefaultEmitter::default();
    // Scripts are not markup.
    emitter.naively_switch_states(true);
    let mut page = Page::new(source.limit);
    for token in Tokenizer::new_with_emitter(reader, emitter) {
        since_token.set(0);
        let token = token.map_err(from_read)?;
        if page.take(token, sheets)?.is_break() {
            return Ok(());
        }
    }
    page.end_table(sheets).map(|_| ())
}

fn from_read(error: io::Error) -> FeedError {
    if error.kind() == io::ErrorKind::FileTooLarge {
        FeedError::LongRow { line: 1 }
    } else {
        FeedError::from_read(error)
    }
}

/// Decodes the page by its declared or detected encoding.
fn text(source: &Source) -> Result<Box<dyn Read + Send>, FeedError> {
    let (head, stream) = peek(source.stream()?, HEAD)?;
    if encoding::utf_16_text(&head).is_some() {
        return Ok(encoding::without_utf_16(&head, stream));
    }
    let said = said_encoding(&head);
    let encoding = match said {
        Some(encoding) => encoding,
        None => encoding::detect(source.stream()?)?.standard(),
    };
    Ok(encoding::transcoded(stream, encoding))
}

/// Returns the encoding of `<meta charset>`.
fn said_encoding(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let lower = head.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"charset=")? + b"charset=".len();
    let label = lower.get(at..)?.trim_ascii_start();
    let label = label
        .strip_prefix(b"\"")
        .or(label.strip_prefix(b"'"))
        .unwrap_or(label);
    let is_of_label =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'-' | b'_' | b':');
    let length = label.iter().take_while(is_of_label).count();
    encoding_rs::Encoding::for_label(&label[..length])
}

/// State of the page being read.
struct Page {
    row: Row,
    tables: usize,
    is_within_table: bool,
    /// Whether more rows are wanted.
    flow: ControlFlow<()>,
    /// Rows of the current table.
    rows: u32,
    next_column: u32,
    /// The most columns of a finished row.
    width: u32,
    cell: Option<TableCell>,
    /// Open tables within the cell.
    inner_tables: u32,
    /// Last row of cells that span rows, by column.
    spans: HashMap<u32, u32>,
    /// Within an element whose text is not shown.
    is_hidden: bool,
}

#[derive(Default)]
struct TableCell {
    columns: u32,
    rows: u32,
    text: String,
}

impl Page {
    fn new(limit: u64) -> Self {
        Self {
            row: Row::new(limit),
            tables: 0,
            is_within_table: false,
            flow: ControlFlow::Break(()),
            rows: 0,
            next_column: 0,
            width: 0,
            cell: None,
            inner_tables: 0,
            spans: HashMap::new(),
            is_hidden: false,
        }
    }

    fn take(
        &mut self,
        token: Token,
        sheets: &mut dyn Sheets,
    ) -> Result<ControlFlow<()>, FeedError> {
        match token {
            Token::StartTag(tag) => match &**tag.name {
                // A description may have a table.
                b"table" if self.cell.is_some() && self.width >= LIST_WIDTH => {
                    self.inner_tables = self.inner_tables.saturating_add(1);
                }
                b"table" => {
                    // A nested table is a list of its own; the outer one is layout.
                    if self.end_table(sheets)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    return self.begin_table(sheets);
                }
                b"script" | b"style" => self.is_hidden = true,
                _ if !self.is_within_table => {}
                b"tr" | b"td" | b"th" if self.inner_tables > 0 => {
                    if let Some(cell) = &mut self.cell {
                        cell.text.push('\n');
                    }
                }
                b"tr" => self.begin_row(sheets)?,
                b"td" | b"th" => {
                    self.end_cell()?;
                    let number = |name: &[u8]| -> u32 {
                        let said = tag.attributes.get(name);
                        let said = said.and_then(|said| std::str::from_utf8(said).ok());
                        said.and_then(|said| said.trim().parse().ok()).unwrap_or(1)
                    };
                    self.cell = Some(TableCell {
                        columns: number(b"colspan").clamp(1, 1000),
                        rows: number(b"rowspan").clamp(1, MAX_ROWS),
                        text: String::new(),
                    });
                }
                b"br" | b"p" | b"div" | b"li" => {
                    if let Some(cell) = &mut self.cell {
                        cell.text.push('\n');
                    }
                }
                _ => {}
            },
            Token::EndTag(tag) => match &**tag.name {
                b"table" if self.inner_tables > 0 => self.inner_tables -= 1,
                b"td" | b"th" | b"tr" if self.inner_tables > 0 => {}
                b"table" => return self.end_table(sheets),
                b"script" | b"style" => self.is_hidden = false,
                b"td" | b"th" | b"tr" => self.end_cell()?,
                _ => {}
            },
            Token::String(text) if !self.is_hidden => {
                if let Some(cell) = &mut self.cell {
                    push(&mut cell.text, &String::from_utf8_lossy(&text));
                    if cell.text.len() > MAX_ROW {
                        return Err(FeedError::LongRow {
                            line: u64::from(self.rows),
                        });
                    }
                }
            }
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn begin_table(&mut self, sheets: &mut dyn Sheets) -> Result<ControlFlow<()>, FeedError> {
        self.tables += 1;
        if self.tables > MAX_SHEETS {
            return Err(FeedError::LargeWorkbook);
        }
        self.is_within_table = true;
        self.rows = 0;
        self.next_column = 0;
        self.width = 0;
        self.spans.clear();
        self.row.begin_sheet(HashMap::new());
        self.flow = if sheets.begin(&format!("Table {}", self.tables)) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        };
        Ok(ControlFlow::Continue(()))
    }

    fn begin_row(&mut self, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
        self.end_cell()?;
        if self.flow.is_continue() {
            if self.rows >= MAX_ROWS {
                self.flow = ControlFlow::Break(());
            } else {
                self.flow = self.row.go_to(self.rows, sheets)?;
            }
        }
        self.rows = self.rows.saturating_add(1);
        self.width = self.width.max(self.next_column);
        self.next_column = 0;
        Ok(())
    }

    fn end_cell(&mut self) -> Result<(), FeedError> {
        let Some(cell) = self.cell.take() else {
            return Ok(());
        };
        // A cell may lack a row element.
        let row = self.rows.saturating_sub(1);
        let is_taken = |column: &u32| self.spans.get(column).is_some_and(|last| *last >= row);
        while is_taken(&self.next_column) {
            self.next_column += 1;
        }
        if self.flow.is_continue() {
            let text = cell.text.trim();
            self.row.put_spanning(self.next_column, text, cell.rows)?;
        }
        let behind = self.next_column.saturating_add(cell.columns);
        if cell.rows > 1 {
            let last = row.saturating_add(cell.rows - 1);
            for column in self.next_column..behind.min(2000) {
                self.spans.insert(column, last);
            }
        }
        self.next_column = behind;
        Ok(())
    }

    fn end_table(&mut self, sheets: &mut dyn Sheets) -> Result<ControlFlow<()>, FeedError> {
        if !self.is_within_table {
            return Ok(ControlFlow::Continue(()));
        }
        self.end_cell()?;
        self.is_within_table = false;
        if self.flow.is_continue() {
            let _: ControlFlow<()> = self.row.go_to(u32::MAX, sheets)?;
        }
        Ok(sheets.end())
    }
}

/// Appends text, collapsing whitespace.
fn push(text: &mut String, more: &str) {
    for character in more.chars() {
        if !character.is_ascii_whitespace() {
            text.push(character);
        } else if !text.ends_with([' ', '\n']) {
            text.push(' ');
        }
    }
}

/// Limits the bytes of one token.
struct Bounded<R> {
    inner: R,
    since_token: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_token.get() > MAX_TOKEN {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer)?;
        self.since_token.set(self.since_token.get() + read);
        Ok(read)
    }
}
