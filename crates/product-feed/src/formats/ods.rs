//! Streams OpenDocument spreadsheets (ISO/IEC 26300): a ZIP archive with all sheets in one XML part.

use std::{
    collections::{HashMap, HashSet},
    io::BufReader,
    ops::ControlFlow,
};

use quick_xml::events::{BytesStart, Event};

use crate::{
    budget::MAX_ROW,
    cell_format::Format,
    reader::FeedError,
    source::Source,
    workbook::{MAX_ROWS, MAX_SHEETS, MAX_STYLES, Row, Sheets, formatted},
    xml::{self, Xml},
};

const BLOCK: usize = 128 << 10;

/// Reads the visible sheets.
///
/// # Errors
///
/// If the file is unreadable, damaged or too large.
pub(crate) fn walk(source: &Source, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
    let archive = source.archive()?;
    let content = archive.find("content.xml");
    let stream = archive.stream(content.ok_or(FeedError::BrokenWorkbook)?)?;
    let xml = Xml::new(BufReader::with_capacity(BLOCK, stream));
    Content {
        xml,
        row: Row::new(source.limit),
        hidden: HashSet::new(),
        sheets_seen: 0,
    }
    .walk(sheets)
}

struct Content<R> {
    xml: Xml<R>,
    row: Row,
    /// Styles of hidden sheets.
    hidden: HashSet<String>,
    sheets_seen: usize,
}

impl<R: std::io::BufRead> Content<R> {
    fn walk(mut self, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
        let mut style = None;
        loop {
            let (event, _) = self.xml.next()?;
            let Event::Start(start) = event else {
                if matches!(event, Event::Eof) {
                    return Ok(());
                }
                continue;
            };
            match start.local_name().as_ref() {
                "style" => style = xml::attribute(&start, "name"),
                "table-properties" if self.hidden.len() < MAX_STYLES => {
                    let is_hidden = xml::attribute(&start, "display");
                    if is_hidden.is_some_and(|display| display == "false")
                        && let Some(style) = style.take()
                    {
                        self.hidden.insert(style);
                    }
                }
                "table" => {
                    let style = xml::attribute(&start, "style-name").unwrap_or_default();
                    if self.hidden.contains(&style) {
                        self.skip()?;
                        continue;
                    }
                    let name = xml::attribute(&start, "name").unwrap_or_default();
                    let flow = if sheets.begin(&name) {
                        self.sheet(sheets)?
                    } else {
                        ControlFlow::Break(())
                    };
                    if sheets.end().is_break() {
                        return Ok(());
                    }
                    self.sheets_seen += 1;
                    if self.sheets_seen > MAX_SHEETS {
                        return Err(FeedError::LargeWorkbook);
                    }
                    if flow.is_break() {
                        self.skip()?;
                    }
                }
                _ => {}
            }
        }
    }

    /// Skips the rest of the current element.
    fn skip(&mut self) -> Result<(), FeedError> {
        let mut tables = 1_usize;
        loop {
            match self.xml.next()?.0 {
                Event::Start(start) if start.local_name().as_ref() == "table" => tables += 1,
                Event::End(end) if end.local_name().as_ref() == "table" => {
                    tables -= 1;
                    if tables == 0 {
                        return Ok(());
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Reads the rows of the current sheet; breaks within it when no more are wanted.
    fn sheet(&mut self, sheets: &mut dyn Sheets) -> Result<ControlFlow<()>, FeedError> {
        self.row.begin_sheet(HashMap::new());
        let mut column = 0_u32;
        let mut repeated = 1;
        loop {
            match self.xml.next()?.0 {
                Event::Start(start) => match start.local_name().as_ref() {
                    "table-row" => {
                        repeated = repeats(&start, "number-rows-repeated");
                        column = 0;
                    }
                    "table-cell" | "covered-table-cell" => {
                        let cell = Cell::begin(&start);
                        let rows = repeats(&start, "number-rows-spanned");
                        let columns = repeats(&start, "number-columns-repeated");
                        let is_number = cell.has_amount;
                        let text = self.cell(cell)?;
                        // Columns beyond the limit are ignored.
                        for _ in 0..columns.min(1 << 14) {
                            self.row.put_spanning(column, &text, rows)?;
                            if is_number {
                                self.row.note_number();
                            }
                            column = column.saturating_add(1);
                            if text.is_empty() {
                                column = column.saturating_add(columns - 1);
                                break;
                            }
                        }
                    }
                    _ => {}
                },
                Event::End(end) => match end.local_name().as_ref() {
                    "table-row" => {
                        if self.row.repeat(repeated, sheets)?.is_break()
                            || self.row.index() >= MAX_ROWS
                        {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    "table" => return Ok(ControlFlow::Continue(())),
                    _ => {}
                },
                Event::Eof => return Ok(ControlFlow::Continue(())),
                _ => {}
            }
        }
    }

    /// Reads a cell to its end and returns its content.
    fn cell(&mut self, cell: Cell) -> Result<String, FeedError> {
        let mut text = String::new();
        let mut paragraphs = 0_usize;
        // Depth within the cell, and the depth of a comment.
        let (mut depth, mut remark) = (0_usize, None);
        loop {
            let (event, line) = self.xml.next()?;
            match &event {
                Event::Start(start) => {
                    depth += 1;
                    let name = start.local_name();
                    match name.as_ref() {
                        "annotation" | "table" if remark.is_none() => remark = Some(depth),
                        _ if remark.is_some() => {}
                        "p" => {
                            if paragraphs > 0 {
                                text.push('\n');
                            }
                            paragraphs += 1;
                        }
                        "s" => {
                            let spaces = repeats(start, "c").min(1000);
                            text.extend((0..spaces).map(|_| ' '));
                        }
                        "tab" => text.push('\t'),
                        "line-break" => text.push('\n'),
                        _ => {}
                    }
                }
                Event::End(_) => {
                    if depth == 0 {
                        return Ok(cell.text(text));
                    }
                    if remark == Some(depth) {
                        remark = None;
                    }
                    depth -= 1;
                }
                Event::Eof => return Ok(String::new()),
                event if paragraphs > 0 && remark.is_none() => xml::push_text(&mut text, event),
                _ => {}
            }
            if text.len() > MAX_ROW {
                return Err(FeedError::LongRow { line });
            }
        }
    }
}

/// A cell's attributes.
struct Cell {
    /// The content, if it is not the text.
    value: Option<String>,
    /// Whether it is a number whose text can show more.
    is_number: bool,
    /// Whether it is a number or an amount.
    has_amount: bool,
}

impl Cell {
    fn begin(start: &BytesStart<'_>) -> Self {
        let kind = xml::attribute(start, "value-type").unwrap_or_default();
        let number = |format: &Format| {
            xml::attribute(start, "value").map(|mut value| {
                formatted(&mut value, format, false);
                value
            })
        };
        let value = match kind.as_str() {
            "float" => number(&Format::General),
            "currency" => number(&match xml::attribute(start, "currency") {
                Some(code) if code.len() == 3 => Format::Amount(Some(code), None),
                _ => Format::General,
            }),
            "percentage" => number(&Format::Percent),
            "date" => xml::attribute(start, "date-value"),
            "time" => xml::attribute(start, "time-value"),
            "boolean" => xml::attribute(start, "boolean-value").map(|value| value.to_uppercase()),
            "string" => xml::attribute(start, "string-value"),
            _ => None,
        };
        Self {
            value,
            is_number: kind == "float",
            has_amount: kind == "float" || kind == "currency",
        }
    }

    fn text(self, text: String) -> String {
        match self.value {
            Some(value) if self.is_number && is_filled_up(&value, text.trim()) => text,
            Some(value) => value,
            None => text,
        }
    }
}

/// Returns whether the text shows a whole number with leading zeros or separators.
fn is_filled_up(value: &str, text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    text != value
        && value.bytes().all(|byte| byte.is_ascii_digit())
        && digits.trim_start_matches('0') == value.trim_start_matches('0')
        && !text.contains(['.', ',', '%', ' ', '\u{a0}', '\u{202f}', '\''])
}

fn repeats(start: &BytesStart<'_>, name: &str) -> u32 {
    xml::attribute(start, name)
        .and_then(|times| times.parse().ok())
        .unwrap_or(1)
        .max(1)
}
