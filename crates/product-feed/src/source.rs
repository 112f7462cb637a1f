//! Detects the format of an input and opens its container.
//!
//! A gzip file (RFC 1952) or ZIP archive may contain a workbook but no further container. No more is unpacked
//! than the limit. Several files of an archive are read as one if their header rows are equal.

use std::io::{self, Chain, Cursor, Read, Take};

use flate2::read::MultiGzDecoder;

use crate::{
    archive::{Archive, Packed},
    budget::MAX_UNPACKED_WORKBOOK,
    foreign::Foreign,
    input::{Input, ReadSeek},
    reader::FeedError,
};

/// Bytes sampled for the format.
const HEAD: usize = 8 << 10;

/// Magic numbers: gzip, ZIP, empty ZIP, compound file.
const GZIP: &[u8] = b"\x1F\x8B";
const ZIP: &[u8] = b"PK\x03\x04";
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Namespace of Excel 2003 XML.
const EXCEL_2003: &[u8] = b"urn:schemas-microsoft-com:office:spreadsheet";

/// A format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
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

/// A file that can be read repeatedly.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    input: Input,
    container: Container,
    pub(crate) kind: Kind,
    /// Maximum bytes to read.
    pub(crate) limit: u64,
}

#[derive(Clone, Debug)]
enum Container {
    None,
    Gzip,
    /// A file in an archive.
    Zip(Archive, Packed),
}

/// An input, or the files of an archive.
enum Opened {
    One(Source),
    Several(Vec<Source>),
}

impl Source {
    /// Opens an input. `limit` is the maximum of bytes to unpack. Only text can have several parts.
    ///
    /// # Errors
    ///
    /// If the input is unreadable or not a product file.
    pub(crate) fn open(input: Input, limit: u64) -> Result<Vec<Self>, FeedError> {
        match Self::open_once(input, limit)? {
            Opened::One(source) => Ok(vec![source.opened()?]),
            Opened::Several(sources) => {
                let count = sources.len();
                let mut parts = Vec::new();
                let mut beside = None;
                for source in sources {
                    match source.opened() {
                        Ok(part) => parts.push(part),
                        // Pictures and terms beside a list are ignored.
                        Err(FeedError::Foreign(
                            foreign @ (Foreign::Image | Foreign::Pdf | Foreign::TextDocument),
                        )) => beside = Some(foreign),
                        Err(error) if count == 1 => return Err(error),
                        Err(_) => return Err(FeedError::SeveralFiles(count)),
                    }
                }
                let is_text = parts.iter().all(Self::is_delimited);
                if parts.len() > 1 && !is_text {
                    return Err(FeedError::SeveralFiles(parts.len()));
                }
                if parts.is_empty() {
                    return Err(FeedError::Foreign(beside.unwrap_or(Foreign::Image)));
                }
                Ok(parts)
            }
        }
    }

    /// Returns the only file, if it is a workbook.
    pub(crate) fn workbook(parts: &[Self]) -> Option<(&Self, Workbook)> {
        match parts {
            [source] => match source.kind {
                Kind::Workbook(kind) => Some((source, kind)),
                Kind::List(_) => None,
            },
            _ => None,
        }
    }

    pub(crate) fn is_delimited(&self) -> bool {
        self.kind == Kind::List(List::Delimited)
    }

    /// Opens the container.
    fn opened(self) -> Result<Self, FeedError> {
        if matches!(self.container, Container::None) {
            return Ok(self);
        }
        let head = head_of(&mut self.stream()?)?;
        if head.starts_with(ZIP) || head.starts_with(COMPOUND) {
            // A workbook needs random access.
            let most = self.limit.min(MAX_UNPACKED_WORKBOOK);
            let unpacked = self.input.unpacked(self.stream()?, most)?;
            return match Self::open_once(unpacked, self.limit)? {
                Opened::One(inner) if matches!(inner.container, Container::None) => Ok(inner),
                _ => Err(FeedError::Nested),
            };
        }
        if head.starts_with(GZIP) {
            return Err(FeedError::Nested);
        }
        Ok(Self {
            kind: kind_of_text(&head)?,
            ..self
        })
    }

    /// Detects the format without opening containers other than workbooks.
    fn open_once(input: Input, limit: u64) -> Result<Opened, FeedError> {
        let head = head_of(&mut input.open().map_err(FeedError::Io)?)?;
        let mut source = Self {
            input,
            container: Container::None,
            kind: Kind::List(List::Delimited),
            limit,
        };
        if head.starts_with(GZIP) {
            source.container = Container::Gzip;
        } else if head.starts_with(ZIP) || head.starts_with(EMPTY_ZIP) {
            let archive = Archive::open(source.input.clone(), limit)?;
            match source.workbook_kind(&archive)? {
                Some(kind) => source.kind = Kind::Workbook(kind),
                None => return source.files_of(&archive),
            }
        } else if head.starts_with(COMPOUND) {
            source.kind = Kind::Workbook(Workbook::Xls);
        } else {
            source.kind = kind_of_text(&head)?;
        }
        Ok(Opened::One(source))
    }

    /// Streams the file, uncompressed.
    pub(crate) fn stream(&self) -> Result<Box<dyn Read + Send>, FeedError> {
        Ok(match &self.container {
            Container::None => Box::new(self.whole()?),
            Container::Gzip => Box::new(Limited::new(
                MultiGzDecoder::new(io::BufReader::new(self.whole()?)),
                self.limit,
            )),
            Container::Zip(archive, file) => archive.stream(file)?,
        })
    }

    /// Streams the file as stored.
    pub(crate) fn whole(&self) -> Result<Box<dyn ReadSeek>, FeedError> {
        self.input.open().map_err(FeedError::Io)
    }

    /// Opens a workbook's archive.
    ///
    /// # Errors
    ///
    /// If it is not one.
    pub(crate) fn archive(&self) -> Result<Archive, FeedError> {
        Archive::open(self.input.clone(), self.limit)
    }

    /// Detects the kind of workbook.
    fn workbook_kind(&self, archive: &Archive) -> Result<Option<Workbook>, FeedError> {
        let kind = if archive.find("xl/workbook.xml").is_some() {
            Workbook::Xlsx
        } else if archive.find("content.xml").is_some() {
            match Foreign::of_open_document(archive)? {
                Some(foreign) => return Err(FeedError::Foreign(foreign)),
                None => Workbook::Ods,
            }
        } else {
            return match Foreign::of_archive(archive) {
                Some(foreign) => Err(FeedError::Foreign(foreign)),
                None => Ok(None),
            };
        };
        let unpacked = archive
            .files
            .iter()
            .fold(0_u64, |sum, file| sum.saturating_add(file.unpacked));
        // The declared size; reading is limited too.
        if unpacked > self.limit {
            return Err(FeedError::TooLarge(self.limit));
        }
        Ok(Some(kind))
    }

    /// Returns the files of an archive, without macOS metadata.
    fn files_of(&self, archive: &Archive) -> Result<Opened, FeedError> {
        let is_file = |file: &&Packed| {
            let last = file.name.rsplit(|byte| *byte == b'/').next();
            let begins = |word: &[u8]| {
                let start = last.and_then(|last| last.get(..word.len()));
                start.is_some_and(|start| start.eq_ignore_ascii_case(word))
            };
            let is_of_system = begins(b".") || begins(b"thumbs.db") || begins(b"desktop.ini");
            !file.name.starts_with(b"__MACOSX/") && !is_of_system && !begins(b"readme")
        };
        let mut files: Vec<_> = archive.files.iter().filter(is_file).collect();
        if files.is_empty() {
            return Err(FeedError::Empty);
        }
        if files.len() > MAX_PARTS {
            return Err(FeedError::SeveralFiles(files.len()));
        }
        let unpacked = files
            .iter()
            .fold(0_u64, |sum, file| sum.saturating_add(file.unpacked));
        if unpacked > self.limit && files.len() > 1 {
            return Err(FeedError::TooLarge(self.limit));
        }
        // Numeric order: `list_2.csv` before `list_10.csv`.
        files.sort_by_key(|file| (file.name.len(), file.name.clone()));
        let part = |file: &Packed| Self {
            container: Container::Zip(archive.clone(), file.clone()),
            ..self.clone()
        };
        Ok(Opened::Several(files.into_iter().map(part).collect()))
    }
}

/// Maximum files of an archive to read as one.
const MAX_PARTS: usize = 100;

fn head_of(file: &mut impl Read) -> Result<Vec<u8>, FeedError> {
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(FeedError::from_read)?;
    Ok(head)
}

/// Detects the format of text, and rejects known other formats.
fn kind_of_text(head: &[u8]) -> Result<Kind, FeedError> {
    if let Some(text) = super::encoding::utf_16_text(head) {
        return kind_of_text(text.as_bytes());
    }
    if let Some(foreign) = Foreign::of_head(head) {
        return Err(FeedError::Foreign(foreign));
    }
    let text = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    let starts_with = |word: &[u8]| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let is_html = [
        &b"<!doctype html"[..],
        b"<html",
        b"<head",
        b"<body",
        b"<table",
        b"<meta",
    ];
    if is_html.iter().any(|word| starts_with(word)) || is_commented_html(text) {
        return Ok(Kind::Workbook(Workbook::Html));
    }
    if text.starts_with(b"<") {
        let is_excel = memchr::memmem::find(head, EXCEL_2003).is_some();
        return Ok(match is_excel {
            true => Kind::Workbook(Workbook::Excel2003),
            false => Kind::List(List::Xml),
        });
    }
    if is_binary(head) {
        return Err(FeedError::NotText);
    }
    if is_json(text) {
        return Err(FeedError::Json);
    }
    Ok(Kind::List(List::Delimited))
}

fn is_json(text: &[u8]) -> bool {
    let inner = text.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    let object = inner.unwrap_or(text).strip_prefix(b"{");
    object.is_some_and(|object| object.trim_ascii_start().starts_with(b"\""))
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
    let most = head.len().max(HEAD / 8);
    odd * 20 > most || within > 3 && within * 50 > head.len() || zeros * 2 > head.len()
}

/// Fails instead of reading more than the limit.
pub(crate) struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Limited<R> {
    pub(crate) fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            left: limit,
            limit,
        }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => Err(io::Error::other(OverLimit(self.limit))),
        }
    }
}

/// The limit was exceeded.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there are more than {0} bytes in the container")]
pub(crate) struct OverLimit(pub(crate) u64);

/// Peeked bytes and the rest.
pub(crate) type Rewound<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads the first bytes, and returns the stream from its start.
pub(crate) fn peek<R: Read>(mut stream: R, bytes: u64) -> Result<(Vec<u8>, Rewound<R>), FeedError> {
    let mut head = Vec::new();
    let mut beginning: Take<&mut R> = (&mut stream).take(bytes);
    beginning
        .read_to_end(&mut head)
        .map_err(FeedError::from_read)?;
    let rewound = Cursor::new(head.clone()).chain(stream);
    Ok((head, rewound))
}
