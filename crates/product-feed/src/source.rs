//! What kind of file an input is, told from its bytes, and what its containers hold.
//!
//! A gzip file (RFC 1952) and a ZIP archive of a single file are opened; what is in them must not be
//! such a container again, but may be a workbook. However small a container is, no more is read out of
//! it than the limit allows.

use std::io::{self, Chain, Cursor, Read, SeekFrom, Take};

use flate2::{
    Crc,
    read::{DeflateDecoder, MultiGzDecoder},
};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use crate::{
    input::{Input, ReadSeek},
    reader::FeedError,
};

/// Bytes from which the kind of a file is told.
const HEAD: usize = 8 << 10;

/// Bytes of a workbook that may have to be held in memory.
pub(crate) const MAX_HELD: u64 = 128 << 20;

/// How the files begin that hold others: a gzip file, a ZIP archive, an empty one, a compound file.
const GZIP: &[u8] = b"\x1F\x8B";
const ZIP: &[u8] = b"PK\x03\x04";
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Cells with marks between them, in some encoding.
    Delimited,
    /// An XML document.
    Xml,
    /// An Office Open XML workbook.
    Xlsx,
    /// An OpenDocument spreadsheet.
    Ods,
    /// A workbook as Excel wrote them until 2003.
    Xls,
}

/// A file that is ready to be read, from its start and as often as needed.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    input: Input,
    container: Container,
    pub(crate) kind: Kind,
    /// The most bytes that are read out of it.
    pub(crate) limit: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Container {
    None,
    Gzip,
    /// The only file of an archive.
    Zip(Packed),
}

/// A file in an archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Packed {
    /// Where it begins.
    start: u64,
    /// How many bytes it takes.
    length: u64,
    /// Whether these are compressed.
    deflated: bool,
    /// How many bytes it has, and their checksum.
    unpacked: u64,
    crc: u32,
}

impl Source {
    /// Tells what the input is. `limit` is the most bytes that are read out of a container.
    ///
    /// # Errors
    ///
    /// When the input cannot be read or is nothing that could be a product file.
    pub(crate) fn open(input: Input, limit: u64) -> Result<Self, FeedError> {
        let source = Self::open_once(input, limit)?;
        if source.container == Container::None {
            return Ok(source);
        }
        let head = head_of(&mut source.stream()?)?;
        if head.starts_with(ZIP) || head.starts_with(COMPOUND) {
            // A workbook is not read from its start to its end, so that it needs a place of its own.
            let unpacked = source.input.unpacked(source.stream()?)?;
            let inner = Self::open_once(unpacked, limit)?;
            return if inner.container == Container::None {
                Ok(inner)
            } else {
                Err(FeedError::Nested)
            };
        }
        if head.starts_with(GZIP) {
            return Err(FeedError::Nested);
        }
        Ok(Self {
            kind: kind_of_text(&head)?,
            ..source
        })
    }

    /// Tells what the input is, without looking into a container that is no workbook.
    fn open_once(input: Input, limit: u64) -> Result<Self, FeedError> {
        let head = head_of(&mut input.open().map_err(FeedError::Io)?)?;
        let mut source = Self {
            input,
            container: Container::None,
            kind: Kind::Delimited,
            limit,
        };
        if head.starts_with(GZIP) {
            source.container = Container::Gzip;
        } else if head.starts_with(ZIP) || head.starts_with(EMPTY_ZIP) {
            match source.look_into_archive()? {
                Archive::Workbook(kind) => source.kind = kind,
                Archive::File(packed) => source.container = Container::Zip(packed),
            }
        } else if head.starts_with(COMPOUND) {
            source.kind = Kind::Xls;
        } else {
            source.kind = kind_of_text(&head)?;
        }
        Ok(source)
    }

    /// Returns the bytes of the file, out of its container.
    pub(crate) fn stream(&self) -> Result<Box<dyn Read + Send>, FeedError> {
        let mut file = self.input.open().map_err(FeedError::Io)?;
        Ok(match self.container {
            Container::None => Box::new(file),
            Container::Gzip => Box::new(Limited::new(MultiGzDecoder::new(file), self.limit)),
            Container::Zip(packed) => {
                file.seek(SeekFrom::Start(packed.start))
                    .map_err(FeedError::Io)?;
                let bytes = file.take(packed.length);
                let bytes: Box<dyn Read + Send> = if packed.deflated {
                    Box::new(DeflateDecoder::new(bytes))
                } else {
                    Box::new(bytes)
                };
                let bytes = Limited::new(bytes, self.limit);
                Box::new(Checked::new(bytes, packed.unpacked, packed.crc))
            }
        })
    }

    /// Returns the file as it is, for readers that unpack it themselves. Nothing in it unpacks to
    /// more than the limit.
    pub(crate) fn whole(&self) -> Result<Box<dyn ReadSeek>, FeedError> {
        self.input.open().map_err(FeedError::Io)
    }

    fn look_into_archive(&self) -> Result<Archive, FeedError> {
        let mut archive = ZipArchive::new(self.whole()?).map_err(from_zip)?;
        let mut unpacked = 0_u64;
        let (mut only, mut files) = (None, 0_usize);
        let mut workbook = None;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(from_zip)?;
            unpacked = unpacked.saturating_add(entry.size());
            let name = entry.name_raw();
            match name {
                b"xl/workbook.xml" => workbook = Some(Kind::Xlsx),
                b"content.xml" => workbook = Some(Kind::Ods),
                _ => {}
            }
            let is_note = name.starts_with(b"__MACOSX/")
                || name
                    .rsplit(|byte| *byte == b'/')
                    .next()
                    .is_some_and(|last| last.starts_with(b"."));
            if entry.is_dir() || is_note {
                continue;
            }
            files += 1;
            only = Some((index, entry.encrypted(), entry.compression()));
        }
        if let Some(kind) = workbook {
            // What is read out of it is watched all the same.
            return if unpacked > self.limit {
                Err(FeedError::TooLarge(self.limit))
            } else {
                Ok(Archive::Workbook(kind))
            };
        }
        match only {
            None => Err(FeedError::Empty),
            Some(_) if files > 1 => Err(FeedError::SeveralFiles(files)),
            Some((_, true, _)) => Err(FeedError::Encrypted),
            Some((index, false, method)) => {
                let deflated = match method {
                    CompressionMethod::Stored => false,
                    CompressionMethod::Deflated => true,
                    _ => return Err(FeedError::BrokenArchive),
                };
                let entry = archive.by_index_raw(index).map_err(from_zip)?;
                let start = entry.data_start().ok_or(FeedError::BrokenArchive)?;
                Ok(Archive::File(Packed {
                    start,
                    length: entry.compressed_size(),
                    deflated,
                    unpacked: entry.size(),
                    crc: entry.crc32(),
                }))
            }
        }
    }
}

enum Archive {
    Workbook(Kind),
    File(Packed),
}

/// Tells why an archive cannot be read.
pub(crate) fn from_zip(error: ZipError) -> FeedError {
    match error {
        ZipError::Io(error) => FeedError::from_read(error),
        ZipError::InvalidPassword | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            FeedError::Encrypted
        }
        _ => FeedError::BrokenArchive,
    }
}

fn head_of(file: &mut impl Read) -> Result<Vec<u8>, FeedError> {
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(FeedError::from_read)?;
    Ok(head)
}

/// Tells text from what is none, and refuses what is known to be no product list.
fn kind_of_text(head: &[u8]) -> Result<Kind, FeedError> {
    if let Some(text) = super::encoding::utf_16_text(head) {
        return kind_of_text(text.as_bytes());
    }
    let text = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    let starts_with = |word: &[u8]| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if starts_with(b"<!doctype html") || starts_with(b"<html") {
        return Err(FeedError::WebPage);
    }
    if text.starts_with(b"<") {
        return Ok(Kind::Xml);
    }
    if head.starts_with(b"%PDF") || is_binary(head) {
        return Err(FeedError::NotText);
    }
    if text.starts_with(b"{\"") || text.starts_with(b"[{") || text.starts_with(b"{\n") {
        return Err(FeedError::Json);
    }
    Ok(Kind::Delimited)
}

fn is_binary(head: &[u8]) -> bool {
    let odd = |byte: &&u8| **byte < b' ' && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C);
    let odd = head.iter().filter(odd).count();
    head.contains(&0) || odd * 20 > head.len().max(HEAD / 8)
}

/// A reader that fails rather than give out more bytes than allowed.
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

/// A reader that fails at the end of a file that is not what its archive says it is.
struct Checked<R> {
    inner: R,
    seen: Crc,
    bytes: u64,
    expected: (u64, u32),
}

impl<R> Checked<R> {
    fn new(inner: R, bytes: u64, crc: u32) -> Self {
        Self {
            inner,
            seen: Crc::new(),
            bytes: 0,
            expected: (bytes, crc),
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.seen.update(&buffer[..read]);
        self.bytes += read as u64;
        let is_end = read == 0 && !buffer.is_empty();
        if is_end && (self.bytes, self.seen.sum()) != self.expected {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
}

/// There is more in a container than may be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there are more than {0} bytes in the container")]
pub(crate) struct OverLimit(pub(crate) u64);

/// Bytes that were read ahead, and the rest.
pub(crate) type Rewound<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads the first bytes of a stream, and gives it back from its start.
pub(crate) fn peek<R: Read>(mut stream: R, bytes: u64) -> Result<(Vec<u8>, Rewound<R>), FeedError> {
    let mut head = Vec::new();
    let mut beginning: Take<&mut R> = (&mut stream).take(bytes);
    beginning
        .read_to_end(&mut head)
        .map_err(FeedError::from_read)?;
    let rewound = Cursor::new(head.clone()).chain(stream);
    Ok((head, rewound))
}
