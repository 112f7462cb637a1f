//! The formats: how each is recognised by its content, and the module that reads it.

mod delimited;
mod excel_2003;
mod html;
mod merchant;
mod ods;
mod xls;
mod xlsx;

use std::ops::ControlFlow;

use crate::{
    archive::Archive,
    encoding::utf_16_text,
    foreign::Foreign,
    reader::{FeedError, RawRow},
    source::Source,
    workbook::Sheets,
};

pub(crate) use delimited::count_behind;

/// File name extensions and media types of all formats and their containers, as an HTML file input's `accept`.
pub const ACCEPT: &str = ".csv,.tsv,.txt,.tab,.xlsx,.ods,.xls,.xml,.gz,.zip,text/csv,text/tab-separated-values,\
    text/xml,application/xml,application/gzip,application/zip,application/vnd.ms-excel,\
    application/vnd.openxmlformats-officedocument.spreadsheetml.sheet,application/vnd.oasis.opendocument.spreadsheet";

/// The start of a compound file (MS-CFB).
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Fewest bytes that a share of odd ones is taken of.
const MIN_BINARY: usize = 1024;

/// Namespace of Excel 2003 XML.
const EXCEL_2003: &[u8] = b"urn:schemas-microsoft-com:office:spreadsheet";

/// A format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// A list of rows.
    List(List),
    /// A workbook with sheets.
    Workbook(Workbook),
}

/// A format with one list of rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum List {
    /// Delimited text in any encoding.
    Delimited,
    /// XML.
    Xml,
}

/// A format with sheets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Workbook {
    /// Office Open XML.
    Xlsx,
    /// OpenDocument.
    Ods,
    /// Excel up to 2003.
    Xls,
    /// Excel 2003 XML.
    Excel2003,
    /// An HTML page with tables.
    Html,
}

impl Format {
    /// Recognises a file that is not an archive by its first bytes.
    ///
    /// # Errors
    ///
    /// If it is of an unsupported format.
    pub(crate) fn of_head(head: &[u8]) -> Result<Self, FeedError> {
        if head.starts_with(COMPOUND) {
            return Ok(Self::Workbook(Workbook::Xls));
        }
        if let Some(text) = utf_16_text(head) {
            return Self::of_head(text.as_bytes());
        }
        if let Some(foreign) = Foreign::of_head(head) {
            return Err(FeedError::Foreign(foreign));
        }
        let text = head
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(head)
            .trim_ascii_start();
        if is_html(text) {
            return Ok(Self::Workbook(Workbook::Html));
        }
        if text.starts_with(b"<") {
            let is_excel = memchr::memmem::find(head, EXCEL_2003).is_some();
            return Ok(match is_excel {
                true => Self::Workbook(Workbook::Excel2003),
                false => Self::List(List::Xml),
            });
        }
        if is_binary(head) {
            return Err(FeedError::NotText);
        }
        if is_json(text) {
            return Err(FeedError::Json);
        }
        Ok(Self::List(List::Delimited))
    }

    /// Returns whether its reader needs the whole file, and not a stream.
    pub(crate) fn seeks(self) -> bool {
        matches!(
            self,
            Self::Workbook(Workbook::Xlsx | Workbook::Ods | Workbook::Xls)
        )
    }
}

impl Workbook {
    /// Recognises an archive that is a workbook.
    ///
    /// # Errors
    ///
    /// If it is a document of an unsupported format, or unreadable.
    pub(crate) fn of_archive(archive: &Archive) -> Result<Option<Self>, FeedError> {
        let has = |name: &str| archive.find(name).is_some();
        let (workbook, foreign) = if has("xl/workbook.xml") {
            (Some(Self::Xlsx), None)
        } else if has("content.xml") {
            (Some(Self::Ods), Foreign::of_open_document(archive)?)
        } else {
            (None, Foreign::of_archive(archive))
        };
        match foreign {
            Some(foreign) => Err(FeedError::Foreign(foreign)),
            None => Ok(workbook),
        }
    }
}

/// Reads the rows of a list until `visit` breaks.
///
/// # Errors
///
/// If the file is unreadable or damaged.
pub(crate) fn walk_list(
    parts: &[Source],
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    // Only text comes in several parts.
    let [source] = parts else {
        return delimited::walk(parts, visit);
    };
    match source.format {
        Format::List(List::Xml) => merchant::walk(source, visit),
        Format::List(List::Delimited) | Format::Workbook(_) => delimited::walk(parts, visit),
    }
}

/// Reads the visible sheets of a workbook.
///
/// # Errors
///
/// If the file is unreadable, damaged, protected or too large.
pub(crate) fn walk_sheets(
    source: &Source,
    workbook: Workbook,
    sheets: &mut dyn Sheets,
) -> Result<(), FeedError> {
    let read = match workbook {
        Workbook::Xlsx => xlsx::walk(source, sheets),
        Workbook::Ods => ods::walk(source, sheets),
        Workbook::Xls => xls::walk(source, sheets),
        Workbook::Excel2003 => excel_2003::walk(source, sheets),
        Workbook::Html => html::walk(source, sheets),
    };
    read.map_err(|error| match error {
        FeedError::BrokenXml { .. } | FeedError::BrokenArchive => FeedError::BrokenWorkbook,
        other => other,
    })
}

/// Rejects what cannot be read, by its first bytes.
///
/// # Errors
///
/// The reason.
pub(crate) fn check(parts: &[Source]) -> Result<(), FeedError> {
    match parts {
        [source] if source.format == Format::Workbook(Workbook::Html) => html::check(source),
        [_] => Ok(()),
        parts => delimited::check(parts),
    }
}

fn is_html(text: &[u8]) -> bool {
    let starts_with = |word: &&[u8]| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let starts = [
        &b"<!doctype html"[..],
        b"<html",
        b"<head",
        b"<body",
        b"<table",
        b"<meta",
    ];
    starts.iter().any(starts_with) || is_commented_html(text)
}

fn is_json(text: &[u8]) -> bool {
    let inner = text.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    let object = inner.unwrap_or(text).strip_prefix(b"{");
    inner.is_some_and(|rows| rows.starts_with(b"["))
        || object.is_some_and(|object| object.trim_ascii_start().starts_with(b"\""))
}

/// Returns whether a document starts with a declaration or comment and is HTML.
fn is_commented_html(text: &[u8]) -> bool {
    let declared =
        text.starts_with(b"<?xml") || text.starts_with(b"<!--") || text.starts_with(b"<!DOCTYPE");
    let lower = text
        .get(..text.len().min(1024))
        .unwrap_or_default()
        .to_ascii_lowercase();
    declared && memchr::memmem::find(&lower, b"<html").is_some()
}

/// Returns whether bytes are binary. Padding zeros are accepted: only zeros before text count.
fn is_binary(head: &[u8]) -> bool {
    let is_odd = |byte: &&u8| {
        **byte < b' ' && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0 | 0x0B | 0x0C | 0x1A)
    };
    // Disk images and cut downloads fill a file up with zeros.
    let Some(last) = head.iter().rposition(|byte| *byte != 0) else {
        return !head.is_empty();
    };
    let head = &head[..=last];
    let odd = head.iter().filter(is_odd).count();
    let is_text = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
    let within = head
        .windows(2)
        .filter(|pair| pair[0] == 0 && is_text(pair[1]))
        .count();
    let zeros = memchr::memchr_iter(0, head).count();
    let most = head.len().max(MIN_BINARY);
    odd * 20 > most || within > 3 && within * 50 > head.len() || zeros * 2 > head.len()
}
