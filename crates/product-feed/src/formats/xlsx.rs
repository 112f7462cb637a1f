//! Streams Office Open XML workbooks (ECMA-376). Only shared strings are held in memory, up to a limit.

use std::{
    collections::HashMap,
    io::{BufReader, Read},
    ops::ControlFlow,
};

use quick_xml::events::{BytesStart, Event};

use crate::{
    archive::Archive,
    budget::{MAX_HELD, MAX_ROW},
    cell_format::Format,
    reader::FeedError,
    source::Source,
    workbook::{MAX_ROWS, MAX_SHEETS, MAX_STYLES, Row, Sheets, formatted},
    xml::{self, Xml},
};

const BLOCK: usize = 128 << 10;

/// Maximum merged cells.
const MAX_MERGED: usize = 100_000;

/// Base directory of parts.
const DIRECTORY: &str = "xl/";

/// Reads the visible sheets.
///
/// # Errors
///
/// If the file is unreadable, damaged or too large.
pub(crate) fn walk(source: &Source, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
    let mut book = Book::open(source)?;
    let mut row = Row::new(source.limit);
    for sheet in book.visible_sheets()? {
        if sheets.begin(&sheet.name) {
            book.walk_sheet(&sheet.path, &mut row, sheets)?;
        }
        if sheets.end().is_break() {
            break;
        }
    }
    Ok(())
}

struct Book {
    archive: Archive,
    /// The relations of the workbook part.
    relations: Vec<Relation>,
    shared: Shared,
    styles: Styles,
}

/// Number formats by style.
#[derive(Default)]
struct Styles {
    /// Indexed by style.
    formats: Vec<Format>,
    /// Whether the 1904 date system is used.
    from_1904: bool,
}

struct Sheet {
    name: String,
    path: String,
}

struct Relation {
    id: String,
    kind: String,
    path: String,
}

type Part = Xml<BufReader<Box<dyn Read + Send>>>;

impl Book {
    fn open(source: &Source) -> Result<Self, FeedError> {
        let mut book = Self {
            archive: source.archive()?,
            relations: Vec::new(),
            shared: Shared::default(),
            styles: Styles::default(),
        };
        book.read_relations()?;
        book.read_styles()?;
        book.read_shared()?;
        Ok(book)
    }

    /// Opens a part, ignoring case; `None` if it does not exist.
    fn part(&self, path: &str) -> Result<Option<Part>, FeedError> {
        let Some(file) = self.archive.find(path) else {
            return Ok(None);
        };
        let stream = self.archive.stream(file)?;
        Ok(Some(Xml::new(BufReader::with_capacity(BLOCK, stream))))
    }

    fn read_relations(&mut self) -> Result<(), FeedError> {
        let mut relations = Vec::new();
        let Some(mut part) = self.part("xl/_rels/workbook.xml.rels")? else {
            return Ok(());
        };
        loop {
            match part.next()?.0 {
                Event::Start(start) if start.local_name().as_ref() == "Relationship" => {
                    let target = xml::attribute(&start, "Target").unwrap_or_default();
                    relations.push(Relation {
                        id: xml::attribute(&start, "Id").unwrap_or_default(),
                        kind: xml::attribute(&start, "Type").unwrap_or_default(),
                        path: path_of(&target),
                    });
                }
                Event::Eof => break,
                _ => {}
            }
            if relations.len() > 10_000 {
                return Err(FeedError::LargeWorkbook);
            }
        }
        self.relations = relations;
        Ok(())
    }

    fn read_styles(&mut self) -> Result<(), FeedError> {
        let Some(mut part) = self.part(&self.path_of_kind("/styles", "xl/styles.xml"))? else {
            return Ok(());
        };
        let mut codes = HashMap::<u32, Format>::new();
        let mut is_within_cells = false;
        loop {
            let (event, _) = part.next()?;
            match &event {
                Event::Start(start) => match start.local_name().as_ref() {
                    "numFmt" if codes.len() < MAX_STYLES => {
                        let number = number_of(start, "numFmtId");
                        let code = xml::attribute(start, "formatCode");
                        if let (Some(number), Some(code)) = (number, code) {
                            codes.insert(number, Format::of_code(&code));
                        }
                    }
                    "cellXfs" => is_within_cells = true,
                    "xf" if is_within_cells && self.styles.formats.len() < MAX_STYLES => {
                        let number = number_of(start, "numFmtId").unwrap_or_default();
                        let format = codes.get(&number).cloned();
                        let format = format.unwrap_or_else(|| Format::built_in(number));
                        self.styles.formats.push(format);
                    }
                    _ => {}
                },
                Event::End(end) if end.local_name().as_ref() == "cellXfs" => return Ok(()),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Returns the path of a part by its kind.
    fn path_of_kind(&self, kind: &str, usual: &str) -> String {
        let mut relations = self.relations.iter();
        let named = relations.find(|relation| relation.kind.ends_with(kind));
        named.map_or_else(|| usual.to_owned(), |part| part.path.clone())
    }

    /// Returns the visible sheets in order.
    fn visible_sheets(&mut self) -> Result<Vec<Sheet>, FeedError> {
        let mut from_1904 = false;
        let mut ids = Vec::new();
        let Some(mut part) = self.part("xl/workbook.xml")? else {
            return Err(FeedError::BrokenWorkbook);
        };
        loop {
            match part.next()?.0 {
                Event::Start(start) if start.local_name().as_ref() == "workbookPr" => {
                    let said = xml::attribute(&start, "date1904");
                    from_1904 = said.is_some_and(|said| said == "1" || said == "true");
                }
                Event::Start(start) if start.local_name().as_ref() == "sheet" => {
                    let state = xml::attribute(&start, "state");
                    // `sheetId` has no prefix, `r:id` has.
                    if let Some(id) = xml::attribute(&start, "id")
                        && state.is_none_or(|state| state == "visible")
                    {
                        ids.push((id, xml::attribute(&start, "name").unwrap_or_default()));
                    }
                    if ids.len() > MAX_SHEETS {
                        return Err(FeedError::LargeWorkbook);
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        self.styles.from_1904 = from_1904;
        let sheet = |(id, name): (String, String)| {
            let named = self.relations.iter().find(|relation| relation.id == id)?;
            // Chart sheets are skipped.
            named.kind.ends_with("/worksheet").then(|| Sheet {
                name,
                path: named.path.clone(),
            })
        };
        Ok(ids.into_iter().filter_map(sheet).collect())
    }

    fn read_shared(&mut self) -> Result<(), FeedError> {
        let path = self.path_of_kind("/sharedStrings", "xl/sharedStrings.xml");
        let mut shared = Shared::default();
        let Some(mut part) = self.part(&path)? else {
            return Ok(());
        };
        let mut text = String::new();
        let mut place = Place::default();
        loop {
            let (event, line) = part.next()?;
            match &event {
                Event::Start(start) => match start.local_name().as_ref() {
                    "si" => text.clear(),
                    name => place.enter(name),
                },
                Event::End(end) => match end.local_name().as_ref() {
                    "si" => shared.push(&text)?,
                    name => place.leave(name),
                },
                Event::Eof => break,
                event if place.is_text() => xml::push_text(&mut text, event),
                _ => {}
            }
            if text.len() > MAX_ROW {
                return Err(FeedError::LongRow { line });
            }
        }
        self.shared = shared;
        Ok(())
    }

    fn walk_sheet(
        &self,
        path: &str,
        row: &mut Row,
        sheets: &mut dyn Sheets,
    ) -> Result<(), FeedError> {
        let merged = self.merged(path)?;
        match self.part(path)? {
            Some(part) => self.walk_cells(part, merged, row, sheets),
            None => Ok(()),
        }
    }

    /// Returns the last row of merged cells, by row and column.
    fn merged(&self, path: &str) -> Result<HashMap<(u32, u32), u32>, FeedError> {
        let mut merged = HashMap::new();
        // They follow the rows, so the part is read twice only if there are any.
        let Some(file) = self.archive.find(path) else {
            return Ok(merged);
        };
        if !has_word(self.archive.stream(file)?, b"mergeCell ")? {
            return Ok(merged);
        }
        let Some(mut part) = self.part(path)? else {
            return Ok(merged);
        };
        loop {
            match part.next()?.0 {
                Event::Start(start) if start.local_name().as_ref() == "mergeCell" => {
                    let range = xml::attribute(&start, "ref").unwrap_or_default();
                    let (first, last) = range.split_once(':').unwrap_or_default();
                    if let (Some(top), Some(left), Some(bottom)) =
                        (row_of(first), column_of(first), row_of(last))
                        && bottom > top
                        && merged.len() < MAX_MERGED
                    {
                        merged.insert((top, left), bottom);
                    }
                }
                Event::Eof => return Ok(merged),
                _ => {}
            }
        }
    }

    fn walk_cells(
        &self,
        mut part: Part,
        merged: HashMap<(u32, u32), u32>,
        row: &mut Row,
        sheets: &mut dyn Sheets,
    ) -> Result<(), FeedError> {
        row.begin_sheet(merged);
        let mut text = String::new();
        let mut place = Place::default();
        let mut cell = Cell::default();
        // A row or cell without a reference follows the previous one.
        let (mut next_row, mut next_column) = (0_u32, 0_u32);
        loop {
            let (event, line) = part.next()?;
            match &event {
                Event::Start(start) => match start.local_name().as_ref() {
                    "row" => {
                        let index =
                            xml::attribute(start, "r").and_then(|row| row.parse::<u32>().ok());
                        let index = index.map_or(next_row, |row| row.saturating_sub(1));
                        if index >= MAX_ROWS || row.go_to(index, sheets)?.is_break() {
                            return Ok(());
                        }
                        next_row = index + 1;
                        next_column = 0;
                    }
                    "c" => {
                        let said = xml::attribute(start, "r").and_then(|at| column_of(&at));
                        cell = Cell {
                            column: said.unwrap_or(next_column),
                            kind: xml::attribute(start, "t").unwrap_or_default(),
                            style: number_of(start, "s"),
                        };
                        next_column = cell.column.saturating_add(1);
                        text.clear();
                    }
                    name => place.enter(name),
                },
                Event::End(end) => match end.local_name().as_ref() {
                    "c" => cell.put(&mut text, self, row)?,
                    "sheetData" => break,
                    name => place.leave(name),
                },
                Event::Eof => break,
                event if place.is_text() => xml::push_text(&mut text, event),
                _ => {}
            }
            if text.len() > MAX_ROW {
                return Err(FeedError::LongRow { line });
            }
        }
        let _: ControlFlow<()> = row.go_to(u32::MAX, sheets)?;
        Ok(())
    }
}

/// State within a cell or shared string.
#[derive(Default)]
struct Place {
    /// Within `<v>` or `<t>`.
    text: bool,
    /// Within `<rPh>`, a pronunciation.
    pronunciation: bool,
}

impl Place {
    fn enter(&mut self, name: &str) {
        self.set(name, true);
    }

    fn leave(&mut self, name: &str) {
        self.set(name, false);
    }

    fn set(&mut self, name: &str, within: bool) {
        match name {
            "v" | "t" => self.text = within,
            "rPh" => self.pronunciation = within,
            _ => {}
        }
    }

    fn is_text(&self) -> bool {
        self.text && !self.pronunciation
    }
}

#[derive(Default)]
struct Cell {
    column: u32,
    kind: String,
    style: Option<u32>,
}

impl Cell {
    fn put(&self, text: &mut String, book: &Book, row: &mut Row) -> Result<(), FeedError> {
        match self.kind.as_str() {
            "s" => {
                let index = text.trim().parse().ok();
                let shared = index.and_then(|index| book.shared.get(index));
                return row.put(self.column, shared.unwrap_or_default());
            }
            "b" => *text = if text.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "str" | "inlineStr" => unescape(text),
            "e" | "d" => {}
            _ => {
                let style = self.style.and_then(|style| usize::try_from(style).ok());
                let format = style.and_then(|style| book.styles.formats.get(style));
                formatted(
                    text,
                    format.unwrap_or(&Format::General),
                    book.styles.from_1904,
                );
                row.put(self.column, text)?;
                row.note_number();
                return Ok(());
            }
        }
        row.put(self.column, text)
    }
}

/// Shared strings, concatenated in blocks.
#[derive(Default)]
struct Shared {
    blocks: Vec<String>,
    /// Block and end of each string.
    ends: Vec<Vec<(u16, u32)>>,
    count: usize,
    held: usize,
}

/// Bytes per block, and positions per chunk.
const TEXT_BLOCK: usize = 1 << 20;
const TEXTS: usize = 4096;

impl Shared {
    fn push(&mut self, text: &str) -> Result<(), FeedError> {
        let mut text = text.to_owned();
        unescape(&mut text);
        let has_room = |block: &String| block.len() + text.len() <= block.capacity();
        if !self.blocks.last().is_some_and(has_room) {
            let size = text.len().max(TEXT_BLOCK);
            self.held += size;
            self.blocks.push(String::with_capacity(size));
        }
        if self.count.is_multiple_of(TEXTS) {
            self.held += TEXTS * size_of::<(u16, u32)>();
            self.ends.push(Vec::with_capacity(TEXTS));
        }
        if self.held > MAX_HELD {
            return Err(FeedError::LargeWorkbook);
        }
        let number = self.blocks.len() - 1;
        if let (Some(block), Some(ends)) = (self.blocks.last_mut(), self.ends.last_mut()) {
            block.push_str(&text);
            // Both are bounded by the memory limit.
            let end = u32::try_from(block.len()).unwrap_or(u32::MAX);
            ends.push((u16::try_from(number).unwrap_or(u16::MAX), end));
        }
        self.count += 1;
        Ok(())
    }

    fn get(&self, index: usize) -> Option<&str> {
        let at = |index: usize| self.ends.get(index / TEXTS)?.get(index % TEXTS).copied();
        let (block, end) = at(index)?;
        let start = match index.checked_sub(1).and_then(at) {
            Some((before, end)) if before == block => end,
            _ => 0,
        };
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        self.blocks.get(usize::from(block))?.get(range)
    }
}

/// Decodes characters that XML cannot represent: `_x000D_`.
fn unescape(text: &mut String) {
    if !text.contains("_x") {
        return;
    }
    let mut rest = text.as_str();
    let mut plain = String::with_capacity(rest.len());
    while let Some(start) = rest.find("_x") {
        let (before, after) = rest.split_at(start);
        plain.push_str(before);
        let code = after
            .get(2..6)
            .filter(|_| after.as_bytes().get(6) == Some(&b'_'))
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        match code {
            Some(character) => {
                plain.push(character);
                rest = &after[7..];
            }
            None => {
                plain.push_str("_x");
                rest = &after[2..];
            }
        }
    }
    plain.push_str(rest);
    *text = plain;
}

/// Returns the column index of a cell reference such as `AB12`.
fn column_of(cell: &str) -> Option<u32> {
    let letters = cell.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_u32;
    for letter in letters {
        let digit = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.checked_mul(26)?.checked_add(digit)?;
    }
    column.checked_sub(1)
}

/// Returns the row index of a cell reference such as `AB12`.
fn row_of(cell: &str) -> Option<u32> {
    let digits = cell.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    digits.parse::<u32>().ok()?.checked_sub(1)
}

fn number_of(start: &BytesStart<'_>, name: &str) -> Option<u32> {
    xml::attribute(start, name)?.trim().parse().ok()
}

/// Returns whether a stream contains a word.
fn has_word(mut stream: impl Read, word: &[u8]) -> Result<bool, FeedError> {
    let mut block = vec![0; BLOCK];
    let mut kept = 0;
    loop {
        let read = stream
            .read(&mut block[kept..])
            .map_err(FeedError::from_read)?;
        let filled = kept + read;
        if memchr::memmem::find(&block[..filled], word).is_some() {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        kept = filled.min(word.len() - 1);
        block.copy_within(filled - kept..filled, 0);
    }
}

/// Returns the path of a relation's target.
fn path_of(target: &str) -> String {
    match target.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{DIRECTORY}{}", target.trim_start_matches("./")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_s_name_says_its_column() {
        for (cell, column) in [
            ("A1", Some(0)),
            ("Z9", Some(25)),
            ("AA10", Some(26)),
            ("XFD1", Some(16_383)),
            ("12", None),
            ("ZZZZZZZZZZ1", None),
        ] {
            assert_eq!(column_of(cell), column, "{cell}");
        }
    }

    #[test]
    fn excel_s_escapes_are_read() {
        for (given, plain) in [
            ("plain", "plain"),
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("file_x1", "file_x1"),
            ("_xZZZZ_", "_xZZZZ_"),
        ] {
            let mut text = given.to_owned();
            unescape(&mut text);
            assert_eq!(text, plain);
        }
    }

    #[test]
    fn shared_texts_are_found_by_their_number() {
        let mut shared = Shared::default();
        for text in ["one", "", "three"] {
            shared.push(text).unwrap();
        }
        assert_eq!(shared.get(0), Some("one"));
        assert_eq!(shared.get(1), Some(""));
        assert_eq!(shared.get(2), Some("three"));
        assert_eq!(shared.get(3), None);
    }
}
