//! A product feed in XML as rows: Google Merchant Center's RSS 2.0 and Atom, and what is like them.
//!
//! Every `<item>` (RSS), `<entry>` (Atom), `<product>` or what else one is called is a row; its attributes and
//! child elements are its cells, by their names without the prefix, and so are those within a price. Which columns there are is told by a first reading, so that
//! any order and any further element come through. Of an element that comes twice the first counts, but
//! Google's own, as `<g:id>`, goes before the `<id>` of Atom, which is an address of the entry alone;
//! elements within elements, as in `<g:shipping>`, are left out.

use std::{
    collections::HashMap,
    io::{BufReader, Read},
    ops::ControlFlow,
};

use csv::ByteRecord;
use encoding_rs::Encoding;
use quick_xml::events::{BytesStart, Event};

use crate::{
    budget::{MAX_COLUMN_NAME, MAX_COLUMNS, MAX_ROW},
    encoding,
    reader::{FeedError, RawRow},
    source::{Source, peek},
    xml::{self, Xml},
};

/// Bytes from which the encoding is told.
const HEAD: u64 = 4 << 10;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// What a product is called, in any case: by RSS, Atom, Heureka (`SHOPITEM`), YML (`offer`) and others.
const ITEMS: &[&str] = &[
    "item", "entry", "product", "shopitem", "offer", "article", "artikel", "produkt", "produit",
    "producto", "prodotto", "produto", "good", "tovar", "row", "record",
];

/// What elements are called of which those within say more about a product, and nothing else: not what it costs
/// to send it.
const GROUPS: &[&str] = &[
    "pric",
    "prix",
    "preis",
    "prezz",
    "detail",
    "info",
    "general",
    "identif",
    "basic",
    "stock",
    "inventory",
];

/// Reads the rows until `visit` breaks; the first one names the columns.
///
/// # Errors
///
/// When the file cannot be read, is no well-formed XML, or has a product that is too long.
pub(crate) fn walk(
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
    if visit(RawRow::of_text(&header, 1)).is_break() {
        return Ok(());
    }
    let mut values: Vec<Option<(Origin, String)>> = vec![None; columns.len()];
    let mut record = ByteRecord::new();
    each_item(source, &mut |part| {
        match part {
            Part::Begin => values.fill(None),
            Part::Cell { name, origin, text } => {
                if let Some(value) = columns.get(name).and_then(|index| values.get_mut(*index))
                    && value.as_ref().is_none_or(|(before, _)| origin > *before)
                {
                    *value = Some((origin, text.trim().to_owned()));
                }
            }
            Part::End(line) => {
                record.clear();
                for value in &values {
                    let text = value.as_ref().map_or("", |(_, text)| text);
                    record.push_field(text.as_bytes());
                }
                return visit(RawRow::of_text(&record, line));
            }
        }
        ControlFlow::Continue(())
    })
}

fn columns(source: &Source) -> Result<HashMap<Box<str>, usize>, FeedError> {
    let mut columns = HashMap::<Box<str>, usize>::new();
    each_item(source, &mut |part| {
        if let Part::Cell { name, .. } = part
            && columns.len() < MAX_COLUMNS
            && name.len() <= MAX_COLUMN_NAME
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
    Cell {
        name: &'a str,
        origin: Origin,
        text: &'a str,
    },
    /// With the line on which the product began.
    End(u64),
}

/// Whose word an element is; the last one's goes before the others'.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Origin {
    /// An element within another one.
    Within,
    /// A link to something else than the product's page.
    Aside,
    /// That of the kind of document.
    Document,
    /// Google's.
    Google,
}

fn each_item(
    source: &Source,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let mut xml = Xml::new(utf_8(source)?);
    // Elements that are open inside a product.
    let mut depth = 0_usize;
    let mut item: Option<u64> = None;
    let mut cell: Option<(String, Origin)> = None;
    // The element right inside the product, and whether what is within it is told too.
    let mut parent = String::new();
    let mut has_group = false;
    let mut text = String::new();
    // Bytes of the product so far.
    let mut size = 0_usize;
    loop {
        let (event, line) = xml.next()?;
        match &event {
            Event::Start(start) if item.is_none() => {
                let name = start.local_name();
                let is_item = |item: &&str| item.eq_ignore_ascii_case(name.as_ref());
                if ITEMS.iter().any(is_item) {
                    item = Some(line);
                    depth = 0;
                    size = 0;
                    if visit(Part::Begin).is_break() || visit_attributes(start, visit).is_break() {
                        return Ok(());
                    }
                }
            }
            Event::Start(start) => {
                depth += 1;
                size += start.len();
                cell = None;
                if depth == 1 {
                    text.clear();
                    let origin = begin_cell(start, &mut text);
                    start.local_name().as_ref().clone_into(&mut parent);
                    cell = Some((parent.clone(), origin));
                    has_group = origin == Origin::Document && is_group(&parent);
                    let currency = has_group.then(|| currency_of(start)).flatten();
                    if let Some(currency) = currency
                        && visit(Part::Cell {
                            name: "currency",
                            origin: Origin::Within,
                            text: &currency,
                        })
                        .is_break()
                    {
                        return Ok(());
                    }
                } else if depth == 2 && has_group {
                    text.clear();
                    cell = Some((start.local_name().as_ref().to_owned(), Origin::Within));
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
                        && let Some((name, origin)) = cell.take()
                        && visit(Part::Cell {
                            name: &name,
                            origin,
                            text: &text,
                        })
                        .is_break()
                    {
                        return Ok(());
                    }
                    if depth == 2
                        && let Some((name, origin)) = cell.take()
                    {
                        let full = format!("{parent} {name}");
                        for (name, origin) in [(full.as_str(), Origin::Document), (&name, origin)] {
                            let text = &text;
                            if visit(Part::Cell { name, origin, text }).is_break() {
                                return Ok(());
                            }
                        }
                    }
                    depth -= 1;
                }
            }
            Event::Eof if item.is_some() => return Err(FeedError::BrokenXml { line }),
            Event::Eof => return Ok(()),
            event => {
                if cell.is_some() {
                    let before = text.len();
                    xml::push_text(&mut text, event);
                    size += text.len() - before;
                }
            }
        }
        if size > MAX_ROW {
            return Err(FeedError::LongRow { line });
        }
    }
}

/// Tells of the attributes of a product: its ID, or its SKU.
fn visit_attributes(
    start: &BytesStart<'_>,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut attributes = start.attributes();
    for attribute in attributes.with_checks(false).flatten().take(MAX_COLUMNS) {
        let name = attribute.key.local_name();
        if attribute.key.prefix().is_some() || name.as_ref() == "xmlns" {
            continue;
        }
        let text = quick_xml::escape::unescape(&attribute.value);
        visit(Part::Cell {
            name: name.as_ref(),
            origin: Origin::Within,
            text: text.as_deref().unwrap_or(&attribute.value),
        })?;
    }
    ControlFlow::Continue(())
}

fn is_group(name: &str) -> bool {
    let name = name.to_lowercase();
    GROUPS.iter().any(|group| name.contains(group))
}

/// The currency that an element says its price is in.
fn currency_of(start: &BytesStart<'_>) -> Option<String> {
    ["currency", "currencyId", "currencyCode", "currency_code"]
        .iter()
        .find_map(|name| xml::attribute(start, name))
}

/// Tells whose word an element is. Atom writes a link as an attribute, which is put into `text`.
fn begin_cell(start: &BytesStart<'_>, text: &mut String) -> Origin {
    if start
        .name()
        .prefix()
        .is_some_and(|prefix| prefix.as_ref() == "g")
    {
        return Origin::Google;
    }
    if start.local_name().as_ref() != "link" {
        return Origin::Document;
    }
    text.push_str(&xml::attribute(start, "href").unwrap_or_default());
    match xml::attribute(start, "rel").as_deref() {
        None | Some("alternate") => Origin::Document,
        Some(_) => Origin::Aside,
    }
}

/// The document as UTF-8: by its byte-order mark, or by what its declaration says.
pub(crate) fn utf_8(source: &Source) -> Result<BufReader<Box<dyn Read + Send>>, FeedError> {
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
