//! A product feed in XML as rows: Google Merchant Center's RSS 2.0 and Atom, and what is like them.
//!
//! Every `<item>` (RSS), `<entry>` (Atom) or `<product>` is a row; its child elements are its cells,
//! by their names without the prefix. Which columns there are is told by a first reading, so that
//! any order and any further element come through. Of an element that comes twice the first counts;
//! elements within elements, as in `<g:shipping>`, are left out.

use std::{
    collections::HashMap,
    io::{BufReader, Read},
    ops::ControlFlow,
};

use csv::ByteRecord;
use encoding_rs::Encoding;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    delimited::MAX_ROW,
    encoding::{self, CellEncoding},
    reader::{FeedError, RawRow},
    source::{Source, peek},
};

/// Bytes from which the encoding is told.
const HEAD: u64 = 4 << 10;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// The most columns.
const MAX_COLUMNS: usize = 300;

/// What a product is called.
const ITEMS: [&str; 3] = ["item", "entry", "product"];

/// Reads the rows until `visit` breaks; the first one names the columns.
///
/// # Errors
///
/// When the file cannot be read, is no well-formed XML, or has a product that is too long.
pub(super) fn walk(
    source: &Source,
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let columns = columns(source)?;
    if columns.is_empty() {
        return Err(FeedError::NoItems);
    }
    let mut names: Vec<(&str, usize)> = columns
        .iter()
        .map(|(name, index)| (&**name, *index))
        .collect();
    names.sort_unstable_by_key(|(_, index)| *index);
    let header: ByteRecord = names.into_iter().map(|(name, _)| name).collect();
    if visit(row(&header, 1)).is_break() {
        return Ok(());
    }
    let mut values = vec![None; columns.len()];
    let mut record = ByteRecord::new();
    each_item(source, &mut |part| {
        match part {
            Part::Begin => values.fill(None),
            Part::Cell(name, text) => {
                if let Some(value) = columns.get(name).and_then(|index| values.get_mut(*index)) {
                    value.get_or_insert_with(|| text.trim().to_owned());
                }
            }
            Part::End(line) => {
                record.clear();
                for value in &values {
                    record.push_field(value.as_deref().unwrap_or_default().as_bytes());
                }
                return visit(row(&record, line));
            }
        }
        ControlFlow::Continue(())
    })
}

fn row(cells: &ByteRecord, line: u64) -> RawRow<'_> {
    RawRow {
        cells,
        line,
        encoding: CellEncoding::UTF_8,
        is_cut_off: false,
    }
}

fn columns(source: &Source) -> Result<HashMap<Box<str>, usize>, FeedError> {
    let mut columns = HashMap::<Box<str>, usize>::new();
    each_item(source, &mut |part| {
        if let Part::Cell(name, _) = part
            && columns.len() < MAX_COLUMNS
            && !columns.contains_key(name)
        {
            columns.insert(name.into(), columns.len());
        }
        ControlFlow::Continue(())
    })?;
    Ok(columns)
}

/// What is met inside a product.
enum Part<'a> {
    Begin,
    Cell(&'a str, &'a str),
    /// With the line on which the product began.
    End(u64),
}

fn each_item(
    source: &Source,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let mut reader = Reader::from_reader(Lines::new(utf_8(source)?));
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().check_end_names = true;
    let mut buffer = Vec::new();
    // Elements that are open inside a product.
    let mut depth = 0_usize;
    let mut item: Option<u64> = None;
    let mut cell: Option<String> = None;
    let mut text = String::new();
    loop {
        buffer.clear();
        let broken =
            |reader: &Reader<Lines<BufReader<Box<dyn Read + Send>>>>| FeedError::BrokenXml {
                line: reader.get_ref().line(),
            };
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(error)) => {
                return Err(FeedError::from_read(std::io::Error::new(
                    error.kind(),
                    error.to_string(),
                )));
            }
            Err(_) => return Err(broken(&reader)),
        };
        match event {
            Event::Start(start) if item.is_none() => {
                let name = start.local_name();
                if ITEMS.contains(&name.as_ref()) {
                    item = Some(reader.get_ref().line());
                    depth = 0;
                    if visit(Part::Begin).is_break() {
                        return Ok(());
                    }
                }
            }
            Event::Start(start) => {
                depth += 1;
                if depth == 1 {
                    text.clear();
                    if let Some(link) = atom_link(&start) {
                        text.push_str(&link);
                    }
                    cell = Some(start.local_name().as_ref().to_owned());
                } else {
                    cell = None;
                }
            }
            Event::End(_) if item.is_some() => {
                if depth == 0 {
                    let line = item.take().unwrap_or_default();
                    if visit(Part::End(line)).is_break() {
                        return Ok(());
                    }
                } else {
                    if depth == 1
                        && let Some(name) = cell.take()
                        && visit(Part::Cell(&name, &text)).is_break()
                    {
                        return Ok(());
                    }
                    depth -= 1;
                }
            }
            Event::Text(part) if cell.is_some() => {
                text.push_str(&part);
            }
            Event::CData(part) if cell.is_some() => {
                text.push_str(&part);
            }
            Event::GeneralRef(reference) if cell.is_some() => match reference.resolve_char_ref() {
                Ok(Some(character)) => text.push(character),
                _ => text.push_str(&entity(&reference)),
            },
            Event::Eof if item.is_some() => return Err(broken(&reader)),
            Event::Eof => return Ok(()),
            _ => {}
        }
        if text.len() > MAX_ROW {
            return Err(FeedError::LongRow {
                line: reader.get_ref().line(),
            });
        }
    }
}

/// The text of one of XML's own entities, and of those that HTML writers take for such.
fn entity(name: &str) -> String {
    match name {
        "amp" => "&".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "quot" => "\"".to_owned(),
        "apos" => "'".to_owned(),
        "nbsp" => " ".to_owned(),
        other => format!("&{other};"),
    }
}

/// Atom writes a link as an attribute.
fn atom_link(start: &BytesStart<'_>) -> Option<String> {
    if start.local_name().as_ref() != "link" {
        return None;
    }
    let href = start.try_get_attribute("href").ok()??;
    Some(href.value.replace("&amp;", "&"))
}

/// The document as UTF-8: by its byte-order mark, or by what its declaration says.
fn utf_8(source: &Source) -> Result<BufReader<Box<dyn Read + Send>>, FeedError> {
    let (head, stream) = peek(source.stream()?, HEAD)?;
    let stream: Box<dyn Read + Send> = if encoding::utf_16_text(&head).is_some() {
        encoding::without_utf_16(&head, stream)
    } else {
        // UTF-8 too: a byte that is none must not cost the file.
        encoding::transcoded(stream, declared(&head).unwrap_or(encoding_rs::UTF_8))
    };
    Ok(BufReader::with_capacity(BLOCK, stream))
}

/// The encoding that an XML declaration names.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let end = memchr::memmem::find(head, b"?>")?;
    let declaration = std::str::from_utf8(head.get(..end)?).ok()?;
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    let label = rest.get(1..)?.split(quote).next()?;
    Encoding::for_label(label.as_bytes())
}

/// Counts the lines that are read.
struct Lines<R> {
    inner: R,
    line: u64,
}

impl<R> Lines<R> {
    fn new(inner: R) -> Self {
        Self { inner, line: 1 }
    }

    /// The line that reading has come to.
    fn line(&self) -> u64 {
        self.line
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.line += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        Ok(read)
    }
}

impl<R: std::io::BufRead> std::io::BufRead for Lines<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed is what was just given: looking at it again costs nothing.
        if let Ok(filled) = self.inner.fill_buf() {
            let seen = &filled[..amount.min(filled.len())];
            self.line += memchr::memchr_iter(b'\n', seen).count() as u64;
        }
        self.inner.consume(amount);
    }
}
