//! Reads XML product feeds as rows: Google Merchant RSS 2.0 and Atom, and similar formats.
//!
//! Each `<item>` (RSS), `<entry>` (Atom), `<product>` or other item element is a row. Its attributes and
//! child elements, and those within prices, are cells, named without prefix. A first pass collects the
//! columns, so that any order and any element work. Of repeated elements the first wins, but `<g:id>` wins
//! over Atom's `<id>`, which is only the entry's address. Nested elements such as `<g:shipping>` are ignored.

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
    columns::{self, Meaning, Word},
    encoding,
    header::GOOGLE_ID,
    reader::{FeedError, RawRow},
    source::{Source, peek},
    xml::{self, Xml},
};

/// Bytes sampled for the encoding.
const HEAD: u64 = 4 << 10;

const BLOCK: usize = 256 << 10;

/// Names of item elements, in any case: RSS, Atom, Heureka (`SHOPITEM`), YML (`offer`), CommerceML and others.
const ITEMS: &[&str] = &[
    "item",
    "entry",
    "product",
    "shopitem",
    "offer",
    "article",
    "artikel",
    "produkt",
    "produit",
    "producto",
    "prodotto",
    "produto",
    "good",
    "tovar",
    "row",
    "record",
    "Товар",
    "Предложение",
];

/// Elements whose children are product fields, not for example shipping costs.
const GROUPS: &[&str] = &[
    "descri",
    "beschreib",
    "pric",
    "prix",
    "preis",
    "prezz",
    "preci",
    "preço",
    "prijs",
    "cena",
    "ceny",
    "fiyat",
    "цен",
    "detail",
    "info",
    "general",
    "identif",
    "basic",
    "stock",
    "inventory",
    "images",
    "pictures",
    "photos",
];

/// Elements that hold their parent's value, such as one for each language. The first one counts.
const VALUES: &[&str] = &[
    "language",
    "lang",
    "value",
    "text",
    "default",
    "translation",
    "en",
    "de",
    "fr",
    "es",
    "it",
    "nl",
    "pl",
];

/// Elements of a product that are its variants, if they have fields.
const VARIANTS: &[&str] = &[
    "variant",
    "variation",
    "variante",
    "varianta",
    "wariant",
    "variatie",
    "child",
];

/// Maximum variants of a product.
const MAX_VARIANTS: usize = 1000;

/// Maximum fields of a variant.
const MAX_VARIANT_CELLS: usize = 100;

/// Maximum bytes of a value that variants inherit.
const MAX_INHERITED: usize = 2048;

/// Attributes that say which of several prices an element has.
const KINDS: &[&str] = &[
    "type",
    "typ",
    "kind",
    "price_type",
    "pricetype",
    "rodzaj",
    "tipo",
];

/// Elements that are named by an attribute, as databases write them.
const FIELDS: &[&str] = &["field", "column"];

/// Attributes with the currency of a price.
const CURRENCIES: &[&str] = &[
    "currency",
    "currencyId",
    "currencyCode",
    "currency_code",
    "curr",
    "waehrung",
    "währung",
    "devise",
    "moneda",
    "valuta",
    "waluta",
    "mena",
];

/// Reads rows until `visit` breaks; the first one is the header.
///
/// # Errors
///
/// If the file is unreadable or not well-formed, or a product is too long.
pub(crate) fn walk(
    source: &Source,
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let mut items = Items::Usual;
    let (mut columns, mut has_google_id) = columns_of(source, &items)?;
    if columns.is_empty() {
        items = Items::Named(item_name(source)?.ok_or(FeedError::NoItems)?);
        (columns, has_google_id) = columns_of(source, &items)?;
    }
    let mut names: Vec<(&str, usize)> = columns
        .iter()
        .map(|(name, index)| (&**name, *index))
        .collect();
    names.sort_unstable_by_key(|(_, index)| *index);
    // Without an image, only the namespace identifies a Google feed.
    let is_google = has_google_id && !columns.contains_key("image_link");
    let header: ByteRecord = names
        .into_iter()
        .map(|(name, _)| {
            if name == "id" && is_google {
                GOOGLE_ID
            } else {
                name
            }
        })
        .collect();
    if visit(RawRow::of_text(&header, 1)).is_break() {
        return Ok(());
    }
    let meanings = header
        .iter()
        .map(|name| columns::look_up(&String::from_utf8_lossy(name)).map(|known| known.word));
    let roles: Vec<Role> = meanings.map(Role::of).collect();
    let mut product: Vec<Option<(Origin, String)>> = vec![None; columns.len()];
    let mut variants: Vec<Variant> = Vec::new();
    let mut record = ByteRecord::new();
    each_item(source, &items, &mut |part| {
        match part {
            Part::Begin => {
                product.fill(None);
                variants.clear();
            }
            Part::Variant(line) => variants.push(Variant {
                line,
                cells: Vec::new(),
            }),
            Part::Cell { name, origin, text } => {
                if let Some(value) = columns.get(name).and_then(|index| product.get_mut(*index))
                    && value.as_ref().is_none_or(|(before, _)| origin > *before)
                {
                    *value = Some((origin, text.trim().to_owned()));
                }
            }
            Part::VariantCell { name, origin, text } => {
                if let (Some(column), Some(variant)) = (columns.get(name), variants.last_mut()) {
                    variant.set(*column, origin, text.trim());
                }
            }
            Part::End(line) => {
                let text = |column: usize| product[column].as_ref().map_or("", |(_, text)| text);
                // Without an identity, the row only has what its variants share.
                let keys = || (0..roles.len()).filter(|column| roles[*column] == Role::Key);
                let has_key = |variant: &Variant| keys().any(|key| variant.get(key).is_some());
                if !variants.iter().any(has_key) {
                    variants.clear();
                }
                if variants.is_empty() || keys().any(|key| !text(key).is_empty()) {
                    record.clear();
                    (0..roles.len()).for_each(|column| record.push_field(text(column).as_bytes()));
                    visit(RawRow::of_text(&record, line))?;
                }
                for variant in &variants {
                    record.clear();
                    for (column, role) in roles.iter().enumerate() {
                        let cell = variant.get(column).unwrap_or(match role {
                            Role::Common => beginning(text(column)),
                            Role::Key | Role::Own => "",
                        });
                        record.push_field(cell.as_bytes());
                    }
                    visit(RawRow::of_text(&record, variant.line))?;
                }
            }
        }
        ControlFlow::Continue(())
    })
}

/// How the variants of a product use a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    /// An identity; each has its own.
    Key,
    /// Each has its own.
    Own,
    /// They inherit it.
    Common,
}

impl Role {
    fn of(word: Option<Word>) -> Self {
        match word.map(Word::meaning) {
            Some(Meaning::Sku | Meaning::Gtin | Meaning::Barcode) => Self::Key,
            Some(Meaning::Id | Meaning::Stock | Meaning::Handle) => Self::Own,
            _ => Self::Common,
        }
    }
}

/// A variant within a product.
struct Variant {
    line: u64,
    /// Its cells by column.
    cells: Vec<(usize, Origin, String)>,
}

impl Variant {
    fn set(&mut self, column: usize, origin: Origin, text: &str) {
        let has_room = self.cells.len() < MAX_VARIANT_CELLS;
        match self.cells.iter_mut().find(|cell| cell.0 == column) {
            Some(cell) if origin > cell.1 => *cell = (column, origin, text.to_owned()),
            None if has_room => self.cells.push((column, origin, text.to_owned())),
            _ => {}
        }
    }

    fn get(&self, column: usize) -> Option<&str> {
        let mut cells = self.cells.iter();
        let cell = cells.find(|cell| cell.0 == column)?;
        Some(&cell.2)
            .filter(|text| !text.is_empty())
            .map(String::as_str)
    }
}

/// Cuts a value that variants inherit, so that a product is not many times as long by them.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_INHERITED)]
}

/// The names of item elements.
enum Items {
    Usual,
    Named(String),
}

impl Items {
    fn has(&self, name: &str, is_root: bool) -> bool {
        match self {
            // `<offer>` can be the whole document.
            Self::Usual => !is_root && ITEMS.iter().any(|item| item.eq_ignore_ascii_case(name)),
            Self::Named(item) => item == name,
        }
    }
}

/// Maximum depth of fields in groups.
const MAX_GROUPS: usize = 4;

/// Maximum depth, and maximum distinct names of elements.
const MAX_DEPTH: usize = 64;
const MAX_NAMES: usize = 1000;

/// Detects the item element of a document with unknown names: the most frequent one with a price and an
/// identity, as attributes or children.
fn item_name(source: &Source) -> Result<Option<String>, FeedError> {
    #[derive(Default)]
    struct Open {
        name: String,
        has_price: bool,
        has_key: bool,
    }
    impl Open {
        fn note(&mut self, name: &str) {
            match columns::look_up(name).map(|known| known.word) {
                Some(Word::Is(Meaning::Price | Meaning::SalePrice)) => self.has_price = true,
                Some(Word::Is(Meaning::Sku | Meaning::Id | Meaning::Gtin | Meaning::Barcode)) => {
                    self.has_key = true;
                }
                _ => {}
            }
        }
    }
    let mut xml = Xml::new(utf_8(source)?);
    let mut open: Vec<Open> = Vec::new();
    let mut counts = HashMap::<String, (usize, std::cmp::Reverse<usize>)>::new();
    let mut depth = 0_usize;
    loop {
        match xml.next()?.0 {
            Event::Start(start) => {
                depth += 1;
                let name = start.local_name();
                if let Some(parent) = open.last_mut().filter(|_| depth <= MAX_DEPTH) {
                    parent.note(&name_of(&start));
                }
                if depth > MAX_DEPTH {
                    continue;
                }
                let mut element = Open::default();
                if name.as_ref().len() <= MAX_COLUMN_NAME {
                    name.as_ref().clone_into(&mut element.name);
                }
                let _ = visit_attributes(&start, &mut |part| {
                    if let Part::Cell { name, .. } = part {
                        element.note(name);
                    }
                    ControlFlow::Continue(())
                });
                open.push(element);
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if open.len() > depth
                    && let Some(element) = open.pop()
                    && element.has_price
                    && element.has_key
                    && !element.name.is_empty()
                {
                    let names = counts.len();
                    if names < MAX_NAMES || counts.contains_key(&element.name) {
                        let first = (0, std::cmp::Reverse(names));
                        counts.entry(element.name).or_insert(first).0 += 1;
                    }
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    Ok(most.map(|(name, _)| name))
}

/// Returns the columns, and whether there is an ID of Google's.
fn columns_of(
    source: &Source,
    items: &Items,
) -> Result<(HashMap<Box<str>, usize>, bool), FeedError> {
    let mut columns = HashMap::<Box<str>, usize>::new();
    let mut has_google_id = false;
    each_item(source, items, &mut |part| {
        if let Part::Cell { name, origin, .. } = part {
            has_google_id |= name == "id" && origin == Origin::Google;
        }
        if let Part::Cell { name, .. } | Part::VariantCell { name, .. } = part
            && columns.len() < MAX_COLUMNS
            && name.len() <= MAX_COLUMN_NAME
            && !columns.contains_key(name)
        {
            columns.insert(name.into(), columns.len());
        }
        ControlFlow::Continue(())
    })?;
    Ok((columns, has_google_id))
}

/// A part of a product.
enum Part<'a> {
    Begin,
    Cell {
        name: &'a str,
        origin: Origin,
        text: &'a str,
    },
    /// A variant of the product begins, on this line.
    Variant(u64),
    VariantCell {
        name: &'a str,
        origin: Origin,
        text: &'a str,
    },
    /// With the product's first line.
    End(u64),
}

/// Precedence of an element's value, lowest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Origin {
    /// Nested in another element.
    Within,
    /// A link to anything but the product's page.
    Aside,
    /// Of the document's own vocabulary.
    Document,
    /// Of Google's namespace.
    Google,
}

fn each_item(
    source: &Source,
    items: &Items,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    let mut xml = Xml::new(utf_8(source)?);
    // Open elements within the product.
    let mut depth = 0_usize;
    let mut item: Option<u64> = None;
    let mut is_within = false;
    let mut cell: Option<(String, Origin)> = None;
    // The open elements, and how many of the outermost ones are groups of fields.
    let mut path: Vec<String> = Vec::new();
    let mut groups = 0_usize;
    let mut text = String::new();
    // Bytes of the product so far.
    let mut size = 0_usize;
    let mut offer = None;
    // The depth of the open variant, and of an open element that is one if it has fields.
    let mut variant: Option<usize> = None;
    let mut perhaps: Option<usize> = None;
    let mut variants = 0_usize;
    loop {
        let (event, line) = xml.next()?;
        match &event {
            Event::Start(start) if item.is_none() => {
                let name = start.local_name();
                let is_root = !std::mem::replace(&mut is_within, true);
                if items.has(name.as_ref(), is_root) {
                    item = Some(line);
                    offer = (name.as_ref() == "offer").then(Offer::default);
                    depth = 0;
                    size = 0;
                    path.clear();
                    groups = 0;
                    (variant, perhaps, variants) = (None, None, 0);
                    if visit(Part::Begin).is_break() || visit_attributes(start, visit).is_break() {
                        return Ok(());
                    }
                }
            }
            Event::Start(start) => {
                depth += 1;
                size += start.len();
                cell = None;
                let name = start.local_name();
                let mut begins = variant.is_none() && perhaps.is_some_and(|at| at == depth - 1);
                if begins {
                    variant = Some(depth - 1);
                } else if variant.is_none() && perhaps.is_none() && is_variant(name.as_ref()) {
                    perhaps = Some(depth);
                    begins = has_fields(start);
                    variant = begins.then_some(depth);
                }
                if begins {
                    variants += 1;
                    path.clear();
                    groups = 0;
                    if variants > MAX_VARIANTS {
                        return Err(FeedError::LongRow { line });
                    }
                    if visit(Part::Variant(line)).is_break() {
                        return Ok(());
                    }
                }
                let level = depth - variant.unwrap_or_default();
                let mut visit = of_variant(variant.is_some(), visit);
                if level == 0 {
                    if visit_attributes(start, &mut visit).is_break() {
                        return Ok(());
                    }
                    continue;
                }
                path.truncate(level - 1);
                let is_field = groups == level - 1;
                if path.len() < level - 1 || level > MAX_GROUPS {
                    continue;
                }
                let is_value = level == 2 && !is_field && is_value_of(name.as_ref(), &path[0]);
                if !is_field && !is_value {
                    continue;
                }
                text.clear();
                let origin = match level {
                    1 => begin_cell(start, &mut text),
                    _ => Origin::Within,
                };
                let told = if is_value {
                    path[0].clone()
                } else {
                    name_of(start)
                };
                cell = Some((told, origin));
                path.push(name.as_ref().to_owned());
                if is_field && is_group(name.as_ref()) && (level > 1 || origin == Origin::Document)
                {
                    groups = level;
                    if visit_group(start, &mut visit).is_break() {
                        return Ok(());
                    }
                } else if start.attributes().next().is_some()
                    && is_price(name.as_ref())
                    && visit_currency(start, &mut visit).is_break()
                {
                    return Ok(());
                }
            }
            Event::End(_) if item.is_some() => {
                let level = depth - variant.unwrap_or_default();
                if depth == 0 {
                    let line = item.take().unwrap_or_default();
                    if let Some(text) = offer.take().and_then(Offer::name)
                        && visit(Part::Cell {
                            name: "name",
                            origin: Origin::Within,
                            text: &text,
                        })
                        .is_break()
                    {
                        return Ok(());
                    }
                    if visit(Part::End(line)).is_break() {
                        return Ok(());
                    }
                    continue;
                }
                if let Some((name, origin)) = cell.take() {
                    let mut visit = of_variant(variant.is_some(), visit);
                    let is_of_offer =
                        depth == 1 && offer.as_mut().is_some_and(|offer| offer.take(&name, &text));
                    let flow = match level {
                        _ if is_of_offer => ControlFlow::Continue(()),
                        0 | 1 => visit(Part::Cell {
                            name: &name,
                            origin,
                            text: &text,
                        }),
                        _ => visit_nested(&path[level - 2], &name, origin, &text, &mut visit),
                    };
                    if flow.is_break() {
                        return Ok(());
                    }
                }
                if variant == Some(depth) {
                    variant = None;
                    path.clear();
                }
                if perhaps == Some(depth) {
                    perhaps = None;
                }
                depth -= 1;
                groups = groups.min(depth - variant.unwrap_or_default());
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

/// Parts that replace the name in YML offers of type `vendor.model`.
#[derive(Default)]
struct Offer {
    has_name: bool,
    kind: String,
    vendor: String,
    model: String,
}

impl Offer {
    /// Records an element, and returns whether it is only a part of the name.
    fn take(&mut self, name: &str, text: &str) -> bool {
        let slot = match name {
            "name" => {
                self.has_name = true;
                return false;
            }
            "typePrefix" => &mut self.kind,
            "vendor" => &mut self.vendor,
            "model" => &mut self.model,
            _ => return false,
        };
        text.trim().clone_into(slot);
        name == "model"
    }

    fn name(self) -> Option<String> {
        let parts = [self.kind, self.vendor, self.model];
        let parts = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty());
        (!self.has_name).then(|| parts.collect::<Vec<_>>().join(" "))
    }
}

/// Reads a product's attributes: ID or SKU.
fn visit_attributes(
    start: &BytesStart<'_>,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut attributes = start.attributes();
    for attribute in attributes.with_checks(false).flatten().take(MAX_COLUMNS) {
        let name = attribute.key.local_name();
        let prefix = attribute.key.prefix();
        let is_of_xml = prefix
            .is_some_and(|prefix| matches!(prefix.as_ref(), "xmlns" | "xml" | "xsi" | "xlink"));
        if is_of_xml || name.as_ref() == "xmlns" {
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

fn is_variant(name: &str) -> bool {
    VARIANTS
        .iter()
        .any(|variant| variant.eq_ignore_ascii_case(name))
}

/// Returns whether an element has attributes that are fields.
fn has_fields(start: &BytesStart<'_>) -> bool {
    let mut attributes = start.attributes();
    let mut attributes = attributes.with_checks(false).flatten().take(MAX_COLUMNS);
    attributes.any(|attribute| is_known(attribute.key.local_name().as_ref()))
}

/// Makes cells of a variant, from those with known columns.
fn of_variant<'v>(
    is_variant: bool,
    visit: &'v mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> impl FnMut(Part<'_>) -> ControlFlow<()> + 'v {
    move |part| match part {
        Part::Cell { name, origin, text } if is_variant => {
            visit(Part::VariantCell { name, origin, text })
        }
        part => visit(part),
    }
}

/// Reads the attributes of a group: its currency, and fields such as the prices of `<price gross="5" net="4"/>`.
fn visit_group(
    start: &BytesStart<'_>,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    visit_currency(start, visit)?;
    let group = start.local_name();
    visit_attributes(start, &mut |part| {
        let Part::Cell { name, text, .. } = part else {
            return ControlFlow::Continue(());
        };
        let is_amount = text.starts_with(|first: char| first.is_ascii_digit());
        let full = format!("{} {name}", group.as_ref());
        if !is_amount || !is_known(&full) || matches!(name, "vat" | "tax") {
            return ControlFlow::Continue(());
        }
        visit(Part::Cell {
            name: &full,
            origin: Origin::Document,
            text,
        })
    })
}

/// Tells the currency of a price.
fn visit_currency(
    start: &BytesStart<'_>,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match currency_of(start) {
        Some(currency) => visit(Part::Cell {
            name: "currency",
            origin: Origin::Within,
            text: &currency,
        }),
        None => ControlFlow::Continue(()),
    }
}

/// Tells a nested value, by its own name and with its parent's.
fn visit_nested(
    parent: &str,
    name: &str,
    origin: Origin,
    text: &str,
    visit: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if name == parent {
        return visit(Part::Cell { name, origin, text });
    }
    let full = format!("{parent} {name}");
    // A description's other elements are its text.
    let is_text =
        parent.to_lowercase().contains("descri") || parent.to_lowercase().contains("beschreib");
    if is_text && !is_known(&full) && !is_known(name) {
        return ControlFlow::Continue(());
    }
    for (name, origin) in [(full.as_str(), Origin::Document), (name, origin)] {
        visit(Part::Cell { name, origin, text })?;
    }
    ControlFlow::Continue(())
}

fn is_known(name: &str) -> bool {
    columns::look_up(name).is_some()
}

/// Returns whether an element holds the value of its parent.
fn is_value_of(name: &str, parent: &str) -> bool {
    VALUES.iter().any(|value| value.eq_ignore_ascii_case(name)) && is_known(parent)
}

/// Returns the name of an element's cell: `Preis (VK)` for `<Preis typ="VK">`, `sku` for `<field name="sku">`.
fn name_of(start: &BytesStart<'_>) -> String {
    let name = start.local_name();
    let name = name.as_ref();
    if FIELDS.contains(&name.to_lowercase().as_str())
        && let Some(told) = xml::attribute(start, "name")
    {
        return told;
    }
    let kind = KINDS.iter().find_map(|kind| xml::attribute(start, kind));
    match kind.filter(|kind| !kind.is_empty() && kind.len() <= 40) {
        Some(kind) if is_price(name) => format!("{name} ({kind})"),
        _ => name.to_owned(),
    }
}

fn is_price(name: &str) -> bool {
    let word = columns::look_up(name).map(|known| known.word);
    matches!(word, Some(Word::Is(Meaning::Price | Meaning::SalePrice)))
}

fn is_group(name: &str) -> bool {
    let name = name.to_lowercase();
    GROUPS.iter().any(|group| name.contains(group))
}

/// Returns the currency attribute of an element.
fn currency_of(start: &BytesStart<'_>) -> Option<String> {
    let mut attributes = start.attributes();
    let named = attributes.with_checks(false).flatten().find(|attribute| {
        let name = attribute.key.local_name();
        let mut currencies = CURRENCIES.iter();
        currencies.any(|currency| currency.eq_ignore_ascii_case(name.as_ref()))
    })?;
    xml::attribute(start, named.key.local_name().as_ref())
}

/// Returns an element's precedence. Atom links are attributes, which are put into `text`.
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

/// Decodes the document by byte-order mark or declaration.
pub(crate) fn utf_8(source: &Source) -> Result<BufReader<Box<dyn Read + Send>>, FeedError> {
    let (head, stream) = peek(source.stream()?, HEAD)?;
    let stream: Box<dyn Read + Send> = if encoding::utf_16_text(&head).is_some() {
        encoding::without_utf_16(&head, stream)
    } else {
        // UTF-8 is decoded lossily too.
        encoding::transcoded(stream, declared(&head).unwrap_or(encoding_rs::UTF_8))
    };
    Ok(BufReader::with_capacity(BLOCK, stream))
}

/// Returns the encoding of an XML declaration.
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
