//! What kind of file an input is, told from its bytes, and what its containers hold.
//!
//! A gzip file (RFC 1952) and a ZIP archive of a single file are opened; what is in them must not be
//! such a container again. However small a container is, no more is read out of it than the limit
//! allows.

use std::io::{self, Chain, Cursor, Read, SeekFrom, Take};

use flate2::read::{DeflateDecoder, MultiGzDecoder};
use zip::{CompressionMethod, ZipArchive};

use super::{
    input::{Input, ReadSeek},
    reader::FeedError,
};

/// Bytes from which the kind of a file is told.
const HEAD: usize = 8 << 10;

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
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
pub(super) struct Source {
    input: Input,
    container: Container,
    pub(super) kind: Kind,
    /// Bytes of a workbook that its reader holds in memory.
    pub(super) held: u64,
    limit: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Container {
    None,
    Gzip,
    /// Where the only file of an archive begins, how many bytes it takes, and whether these are
    /// compressed.
    Zip {
        start: u64,
        length: u64,
        deflated: bool,
    },
}

impl Source {
    /// Tells what the input is. `limit` is the most bytes that are read out of a container.
    ///
    /// # Errors
    ///
    /// When the input cannot be read or is nothing that could be a product file.
    pub(super) fn open(input: Input, limit: u64) -> Result<Self, FeedError> {
        let head = head_of(&mut input.open().map_err(FeedError::Io)?)?;
        let mut source = Self {
            input,
            container: Container::None,
            kind: Kind::Delimited,
            held: 0,
            limit,
        };
        if head.starts_with(b"\x1F\x8B") {
            source.container = Container::Gzip;
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            match source.look_into_archive()? {
                Archive::Workbook(kind, held) => {
                    source.kind = kind;
                    source.held = held;
                    return Ok(source);
                }
                Archive::File(container) => source.container = container,
            }
        } else if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
            source.kind = Kind::Xls;
            source.held = source
                .whole()?
                .seek(SeekFrom::End(0))
                .map_err(FeedError::Io)?;
            return Ok(source);
        }
        source.kind = if source.container == Container::None {
            kind_of_text(&head)?
        } else {
            let inner = head_of(&mut source.stream()?)?;
            if inner.starts_with(b"\x1F\x8B") || inner.starts_with(b"PK\x03\x04") {
                return Err(FeedError::Nested);
            }
            kind_of_text(&inner)?
        };
        Ok(source)
    }

    /// Returns the bytes of the file, out of its container.
    pub(super) fn stream(&self) -> Result<Box<dyn Read + Send>, FeedError> {
        let mut file = self.input.open().map_err(FeedError::Io)?;
        Ok(match self.container {
            Container::None => Box::new(file),
            Container::Gzip => Box::new(Limited::new(MultiGzDecoder::new(file), self.limit)),
            Container::Zip {
                start,
                length,
                deflated,
            } => {
                file.seek(SeekFrom::Start(start)).map_err(FeedError::Io)?;
                let packed = file.take(length);
                if deflated {
                    Box::new(Limited::new(DeflateDecoder::new(packed), self.limit))
                } else {
                    Box::new(Limited::new(packed, self.limit))
                }
            }
        })
    }

    /// Returns the file as it is, for readers that unpack it themselves. Nothing in it unpacks to
    /// more than the limit.
    pub(super) fn whole(&self) -> Result<Box<dyn ReadSeek>, FeedError> {
        self.input.open().map_err(FeedError::Io)
    }

    fn look_into_archive(&self) -> Result<Archive, FeedError> {
        let mut archive = ZipArchive::new(self.whole()?).map_err(|_| FeedError::BrokenArchive)?;
        let (mut unpacked, mut strings) = (0_u64, 0_u64);
        let (mut only, mut files) = (None, 0_usize);
        let mut workbook = None;
        for index in 0..archive.len() {
            let entry = archive
                .by_index_raw(index)
                .map_err(|_| FeedError::BrokenArchive)?;
            unpacked = unpacked.saturating_add(entry.size());
            let name = entry.name_raw();
            match name {
                b"xl/workbook.xml" => workbook = Some(Kind::Xlsx),
                b"xl/sharedStrings.xml" => strings = entry.size(),
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
            // A workbook's reader believes what the archive says of its sizes, and so do we.
            return if unpacked > self.limit {
                Err(FeedError::TooLarge(self.limit))
            } else if kind == Kind::Xlsx {
                Ok(Archive::Workbook(kind, strings))
            } else {
                Ok(Archive::Workbook(kind, unpacked))
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
                let entry = archive
                    .by_index_raw(index)
                    .map_err(|_| FeedError::BrokenArchive)?;
                let start = entry.data_start().ok_or(FeedError::BrokenArchive)?;
                Ok(Archive::File(Container::Zip {
                    start,
                    length: entry.compressed_size(),
                    deflated,
                }))
            }
        }
    }
}

enum Archive {
    /// With the bytes that its reader holds in memory.
    Workbook(Kind, u64),
    File(Container),
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
struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Limited<R> {
    fn new(inner: R, limit: u64) -> Self {
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

/// There is more in a container than may be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there are more than {0} bytes in the container")]
pub(super) struct OverLimit(pub(super) u64);

/// Bytes that were read ahead, and the rest.
pub(super) type Rewound<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads the first bytes of a stream, and gives it back from its start.
pub(super) fn peek<R: Read>(mut stream: R, bytes: u64) -> Result<(Vec<u8>, Rewound<R>), FeedError> {
    let mut head = Vec::new();
    let mut beginning: Take<&mut R> = (&mut stream).take(bytes);
    beginning
        .read_to_end(&mut head)
        .map_err(FeedError::from_read)?;
    let rewound = Cursor::new(head.clone()).chain(stream);
    Ok((head, rewound))
}
