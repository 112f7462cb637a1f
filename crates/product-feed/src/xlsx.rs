//! An Office Open XML workbook (ECMA-376): a ZIP archive of XML parts. Only the shared texts are held in
//! memory, and only as many of them as may be.

use std::{
    collections::HashMap,
    io::{BufReader, Read},
    ops::ControlFlow,
};

use quick_xml::events::Event;

use crate::{
    archive::Archive,
    budget::{MAX_HELD, MAX_ROW},
    reader::FeedError,
    source::Source,
    workbook::{MAX_ROWS, MAX_SHEETS, Row, Sheets, number},
    xml::{self, Xml},
};

/// Bytes read at once.
const BLOCK: usize = 128 << 10;

/// Where the parts are that a workbook names.
const DIRECTORY: &str = "xl/";

/// Reads the visible sheets.
///
/// # Errors
///
/// When the file cannot be read, is damaged or too large.
pub(crate) fn walk(source: &Source, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
    let book = Book::open(source)?;
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
    /// What the workbook's part calls its other parts.
    relations: Vec<Relation>,
    shared: Shared,
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
        };
        book.read_relations()?;
        book.read_shared()?;
        Ok(book)
    }

    /// Opens a part; `None` where there is none of this name, which may be written in any case.
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

    /// The sheets that can be seen, in their order.
    fn visible_sheets(&self) -> Result<Vec<Sheet>, FeedError> {
        let mut ids = Vec::new();
        let Some(mut part) = self.part("xl/workbook.xml")? else {
            return Err(FeedError::BrokenWorkbook);
        };
        loop {
            match part.next()?.0 {
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
        let sheet = |(id, name): (String, String)| {
            let named = self.relations.iter().find(|relation| relation.id == id)?;
            // A sheet can be a chart.
            named.kind.ends_with("/worksheet").then(|| Sheet {
                name,
                path: named.path.clone(),
            })
        };
        Ok(ids.into_iter().filter_map(sheet).collect())
    }

    fn read_shared(&mut self) -> Result<(), FeedError> {
        let named = self
            .relations
            .iter()
            .find(|relation| relation.kind.ends_with("/sharedStrings"));
        let path = named.map_or("xl/sharedStrings.xml".to_owned(), |part| part.path.clone());
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
        match self.part(path)? {
            Some(part) => walk_cells(part, &self.shared, row, sheets),
            None => Ok(()),
        }
    }
}

fn walk_cells(
    mut part: Part,
    shared: &Shared,
    row: &mut Row,
    sheets: &mut dyn Sheets,
) -> Result<(), FeedError> {
    row.begin_sheet(HashMap::new());
    let mut text = String::new();
    let mut place = Place::default();
    let mut cell = Cell::default();
    // A row or a cell that does not say where it is comes after the last one.
    let (mut next_row, mut next_column) = (0_u32, 0_u32);
    loop {
        let (event, line) = part.next()?;
        match &event {
            Event::Start(start) => match start.local_name().as_ref() {
                "row" => {
                    let index = xml::attribute(start, "r").and_then(|row| row.parse::<u32>().ok());
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
                    };
                    next_column = cell.column.saturating_add(1);
                    text.clear();
                }
                name => place.enter(name),
            },
            Event::End(end) => match end.local_name().as_ref() {
                "c" => cell.put(&mut text, shared, row)?,
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

/// Where the reading is within a cell or a shared text.
#[derive(Default)]
struct Place {
    /// Within `<v>` or `<t>`.
    text: bool,
    /// Within `<rPh>`: how a text is to be pronounced.
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
}

impl Cell {
    fn put(&self, text: &mut String, shared: &Shared, row: &mut Row) -> Result<(), FeedError> {
        match self.kind.as_str() {
            "s" => {
                let index = text.trim().parse().ok();
                let shared = index
                    .and_then(|index| shared.get(index))
                    .unwrap_or_default();
                return row.put(self.column, shared);
            }
            "b" => *text = if text.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "str" | "inlineStr" => unescape(text),
            "e" | "d" => {}
            _ => number(text),
        }
        row.put(self.column, text)
    }
}

/// The texts that cells share, one behind the other in blocks, so that no text is ever held twice.
#[derive(Default)]
struct Shared {
    blocks: Vec<String>,
    /// The block of each text, and where in it it ends.
    ends: Vec<[(u16, u32); TEXTS]>,
    count: usize,
    held: usize,
}

/// Bytes of a block of shared texts, and texts whose places are held together.
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
            self.held += size_of::<[(u16, u32); TEXTS]>();
            self.ends.push([(0, 0); TEXTS]);
        }
        if self.held > MAX_HELD {
            return Err(FeedError::LargeWorkbook);
        }
        let number = self.blocks.len() - 1;
        if let (Some(block), Some(ends)) = (self.blocks.last_mut(), self.ends.last_mut()) {
            block.push_str(&text);
            // Neither is larger than what may be held.
            let end = u32::try_from(block.len()).unwrap_or(u32::MAX);
            ends[self.count % TEXTS] = (u16::try_from(number).unwrap_or(u16::MAX), end);
        }
        self.count += 1;
        Ok(())
    }

    fn get(&self, index: usize) -> Option<&str> {
        let at = |index: usize| {
            (index < self.count)
                .then(|| self.ends.get(index / TEXTS).map(|ends| ends[index % TEXTS]))
                .flatten()
        };
        let (block, end) = at(index)?;
        let start = match index.checked_sub(1).and_then(at) {
            Some((before, end)) if before == block => end,
            _ => 0,
        };
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        self.blocks.get(usize::from(block))?.get(range)
    }
}

/// Reads the characters that XML cannot hold, which Excel writes as `_x000D_`.
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

/// The column, from 0, of a cell that is named like `AB12`.
fn column_of(cell: &str) -> Option<u32> {
    let letters = cell.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_u32;
    for letter in letters {
        let digit = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.checked_mul(26)?.checked_add(digit)?;
    }
    column.checked_sub(1)
}

/// The path of what a relation of the workbook's part names.
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
