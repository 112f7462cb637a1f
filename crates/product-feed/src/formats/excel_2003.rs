//! Reads Excel 2003 XML workbooks (SpreadsheetML).

use std::{collections::HashMap, io::BufRead, ops::ControlFlow};

use quick_xml::events::{BytesStart, Event};

use crate::{
    budget::MAX_ROW,
    cell_format::Format,
    reader::FeedError,
    source::Source,
    workbook::{MAX_ROWS, MAX_SHEETS, MAX_STYLES, Row, Sheets},
    xml::{self, Xml},
};

/// Reads the sheets.
///
/// # Errors
///
/// If the file is unreadable, damaged or too large.
pub(crate) fn walk(source: &Source, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
    let mut book = Book {
        xml: Xml::new(super::merchant::utf_8(source)?),
        row: Row::new(source.limit),
        formats: HashMap::new(),
    };
    let mut style = None;
    let mut count = 0;
    loop {
        let (event, _) = book.xml.next()?;
        let start = match event {
            Event::Start(start) => start,
            Event::Eof => return Ok(()),
            _ => continue,
        };
        match start.local_name().as_ref() {
            "Style" => style = xml::attribute(&start, "ID"),
            "NumberFormat" => {
                if let Some(style) = style.take()
                    && let Some(code) = xml::attribute(&start, "Format")
                    && book.formats.len() < MAX_STYLES
                {
                    book.formats.insert(style, format_of(&code));
                }
            }
            "Worksheet" => {
                let name = xml::attribute(&start, "Name").unwrap_or_default();
                count += 1;
                if count > MAX_SHEETS {
                    return Err(FeedError::LargeWorkbook);
                }
                let is_wanted = sheets.begin(&name);
                book.sheet(is_wanted, sheets)?;
                if sheets.end().is_break() {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
}

struct Book<R> {
    xml: Xml<R>,
    row: Row,
    /// Keyed by style ID.
    formats: HashMap<String, Format>,
}

/// Returns a format by its code or name.
fn format_of(code: &str) -> Format {
    match code {
        "General Date" => Format::Date { has_time: true },
        "Long Date" | "Medium Date" | "Short Date" => Format::Date { has_time: false },
        "Long Time" | "Medium Time" | "Short Time" => Format::Time,
        "Euro Currency" => Format::Amount(Some("€".to_owned()), Some(2)),
        "Percent" => Format::Percent,
        "Currency" | "Fixed" | "Standard" | "Scientific" | "Yes/No" | "True/False" | "On/Off" => {
            Format::General
        }
        code => Format::of_code(code),
    }
}

/// The cell being read.
#[derive(Default)]
struct Cell {
    column: u32,
    /// Additional columns that it spans.
    across: u32,
    down: u32,
    kind: String,
    style: Option<String>,
}

impl<R: BufRead> Book<R> {
    fn sheet(&mut self, is_wanted: bool, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
        self.row.begin_sheet(HashMap::new());
        let mut flow = if is_wanted {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        };
        let (mut next_row, mut next_column) = (0_u32, 0_u32);
        let mut cell = Cell::default();
        let mut text = String::new();
        let mut is_data = false;
        loop {
            let (event, line) = self.xml.next()?;
            match &event {
                Event::Start(start) => match start.local_name().as_ref() {
                    "Row" if flow.is_continue() => {
                        let index = number(start, "Index").map(|index| index.saturating_sub(1));
                        let index = index.unwrap_or(next_row).max(next_row);
                        if index >= MAX_ROWS {
                            flow = ControlFlow::Break(());
                        } else {
                            flow = self.row.go_to(index, sheets)?;
                        }
                        next_row = index + 1;
                        next_column = 0;
                    }
                    "Cell" => {
                        let column = number(start, "Index").map(|index| index.saturating_sub(1));
                        cell = Cell {
                            column: column.unwrap_or(next_column),
                            across: number(start, "MergeAcross").unwrap_or_default(),
                            down: number(start, "MergeDown").unwrap_or_default(),
                            kind: String::new(),
                            style: xml::attribute(start, "StyleID"),
                        };
                        next_column = cell.column.saturating_add(cell.across).saturating_add(1);
                        text.clear();
                    }
                    "Data" => {
                        cell.kind = xml::attribute(start, "Type").unwrap_or_default();
                        is_data = true;
                    }
                    // A comment has data of its own.
                    "Comment" => self.xml.skip_element()?,
                    _ => {}
                },
                Event::End(end) => match end.local_name().as_ref() {
                    "Data" => is_data = false,
                    "Cell" if flow.is_continue() => {
                        let format = cell
                            .style
                            .as_ref()
                            .and_then(|style| self.formats.get(style));
                        let shown = cell.shown(&text, format);
                        let rows = cell.down.saturating_add(1);
                        self.row.put_spanning(cell.column, &shown, rows)?;
                        if cell.kind == "Number" {
                            self.row.note_number();
                        }
                    }
                    "Worksheet" => break,
                    _ => {}
                },
                Event::Eof => break,
                event if is_data => xml::push_text(&mut text, event),
                _ => {}
            }
            if text.len() > MAX_ROW {
                return Err(FeedError::LongRow { line });
            }
        }
        if flow.is_continue() {
            let _: ControlFlow<()> = self.row.go_to(u32::MAX, sheets)?;
        }
        Ok(())
    }
}

impl Cell {
    fn shown(&self, text: &str, format: Option<&Format>) -> String {
        match self.kind.as_str() {
            "Number" => match text.trim().parse() {
                Ok(value) => {
                    let mut shown = String::new();
                    format
                        .unwrap_or(&Format::General)
                        .show(value, false, &mut shown);
                    shown
                }
                Err(_) => text.to_owned(),
            },
            "Boolean" => if text.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            // `2026-05-12T00:00:00.000`
            "DateTime" => {
                let (date, time) = text.split_once('T').unwrap_or((text, ""));
                if time.trim_matches(['0', ':', '.', 'Z']).is_empty() {
                    date.to_owned()
                } else {
                    format!("{date} {time}")
                }
            }
            _ => text.to_owned(),
        }
    }
}

fn number(start: &BytesStart<'_>, name: &str) -> Option<u32> {
    xml::attribute(start, name)?.trim().parse().ok()
}
