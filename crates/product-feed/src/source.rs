//! Opens the container of an input.
//!
//! A gzip file (RFC 1952) or ZIP archive may contain a workbook but no further container. No more is unpacked
//! than the limit. Several files of an archive are read as one if their header rows are equal.

use std::io::{self, Chain, Cursor, Read, Take};

use flate2::read::MultiGzDecoder;

use crate::{
    archive::{Archive, Packed},
    budget::MAX_UNPACKED_WORKBOOK,
    foreign::Foreign,
    formats::{Format, List, Workbook},
    input::{Input, ReadSeek},
    reader::FeedError,
};

/// Bytes sampled for the format.
const HEAD: usize = 8 << 10;

/// Magic numbers: gzip, ZIP, empty ZIP.
const GZIP: &[u8] = b"\x1F\x8B";
const ZIP: &[u8] = b"PK\x03\x04";
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";

/// A file that can be read repeatedly.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    input: Input,
    container: Container,
    pub(crate) format: Format,
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
            [source] => match source.format {
                Format::Workbook(workbook) => Some((source, workbook)),
                Format::List(_) => None,
            },
            _ => None,
        }
    }

    pub(crate) fn is_delimited(&self) -> bool {
        self.format == Format::List(List::Delimited)
    }

    /// Opens the container.
    fn opened(self) -> Result<Self, FeedError> {
        if matches!(self.container, Container::None) {
            return Ok(self);
        }
        let head = head_of(&mut self.stream()?)?;
        if head.starts_with(GZIP) {
            return Err(FeedError::Nested);
        }
        if !head.starts_with(ZIP) {
            let format = Format::of_head(&head)?;
            if !format.seeks() {
                return Ok(Self { format, ..self });
            }
        }
        let most = self.limit.min(MAX_UNPACKED_WORKBOOK);
        let unpacked = self.input.unpacked(self.stream()?, most)?;
        match Self::open_once(unpacked, self.limit)? {
            Opened::One(inner) if matches!(inner.container, Container::None) => Ok(inner),
            _ => Err(FeedError::Nested),
        }
    }

    /// Detects the format without opening containers other than workbooks.
    fn open_once(input: Input, limit: u64) -> Result<Opened, FeedError> {
        let head = head_of(&mut input.open().map_err(FeedError::Io)?)?;
        let mut source = Self {
            input,
            container: Container::None,
            format: Format::List(List::Delimited),
            limit,
        };
        if head.starts_with(GZIP) {
            source.container = Container::Gzip;
        } else if head.starts_with(ZIP) || head.starts_with(EMPTY_ZIP) {
            let archive = Archive::open(source.input.clone(), limit)?;
            let Some(workbook) = Workbook::of_archive(&archive)? else {
                return source.files_of(&archive);
            };
            // The declared size; reading is limited too.
            if Packed::unpacked(archive.files.iter()) > limit {
                return Err(FeedError::TooLarge(limit));
            }
            source.format = Format::Workbook(workbook);
        } else {
            source.format = Format::of_head(&head)?;
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
        if Packed::unpacked(files.iter().copied()) > self.limit && files.len() > 1 {
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
