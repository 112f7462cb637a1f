//! Reads ZIP archives (APPNOTE.TXT): lists their files and streams them.
//!
//! The directory is read entry by entry, so that a million entries take no memory.

use std::{
    io::{self, BufReader, Read, Seek, SeekFrom},
    sync::Arc,
};

use flate2::{Crc, read::DeflateDecoder};
use zip::{CompressionMethod, read::Config, result::ZipError, unstable::read::ZipIterable};

use crate::{
    budget::{MAX_DIRECTORY, MAX_ENTRIES},
    input::{Input, ReadSeek},
    reader::FeedError,
    source::Limited,
};

/// A file in an archive.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) name: Box<[u8]>,
    /// Offset of its local header.
    header: u64,
    /// Compressed size.
    length: u64,
    method: CompressionMethod,
    is_encrypted: bool,
    /// Uncompressed size and CRC-32, from the directory.
    unpacked: u64,
    crc: u32,
}

impl Packed {
    /// Returns the declared size of files together, in bytes.
    pub(crate) fn unpacked<'a>(files: impl Iterator<Item = &'a Self>) -> u64 {
        files.fold(0, |sum, file| sum.saturating_add(file.unpacked))
    }
}

/// An open archive.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    input: Input,
    /// Maximum bytes to read from each file.
    limit: u64,
    pub(crate) files: Arc<[Packed]>,
}

impl Archive {
    /// Lists the files, without directories.
    ///
    /// # Errors
    ///
    /// If the archive is unreadable, damaged or too large.
    pub(crate) fn open(input: Input, limit: u64) -> Result<Self, FeedError> {
        let file = Allowance {
            inner: BufReader::new(input.open().map_err(FeedError::Io)?),
            left: MAX_DIRECTORY,
        };
        let mut directory = ZipIterable::try_new(file, Config::default()).map_err(from_zip)?;
        if directory.len() > MAX_ENTRIES {
            return Err(FeedError::SeveralFiles(directory.len()));
        }
        let mut files = Vec::new();
        for entry in directory.files().map_err(from_zip)? {
            let entry = entry.map_err(from_zip)?;
            if entry.is_dir() {
                continue;
            }
            files.push(Packed {
                name: entry.name_raw().into(),
                header: entry.header_start(),
                length: entry.compressed_size(),
                method: entry.compression(),
                is_encrypted: entry.encrypted(),
                unpacked: entry.size(),
                crc: entry.crc32(),
            });
        }
        Ok(Self {
            input,
            limit,
            files: files.into(),
        })
    }

    /// Finds a file by name, ignoring case.
    pub(crate) fn find(&self, name: &str) -> Option<&Packed> {
        self.files.iter().find(|file| {
            file.name.len() == name.len()
                && file.name.iter().zip(name.bytes()).all(|(given, wanted)| {
                    given.eq_ignore_ascii_case(&wanted) || (*given == b'\\' && wanted == b'/')
                })
        })
    }

    /// Streams a file. Reading fails at the end if size or checksum differ from the directory's.
    pub(crate) fn stream(&self, file: &Packed) -> Result<Box<dyn Read + Send>, FeedError> {
        if file.is_encrypted {
            return Err(FeedError::Encrypted);
        }
        let mut archive = self.input.open().map_err(FeedError::Io)?;
        let start = data_start(&mut archive, file.header)?;
        archive
            .seek(SeekFrom::Start(start))
            .map_err(FeedError::Io)?;
        let bytes = archive.take(file.length);
        let bytes: Box<dyn Read + Send> = match file.method {
            CompressionMethod::Stored => Box::new(bytes),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(bytes)),
            _ => return Err(FeedError::BrokenArchive),
        };
        let bytes = Limited::new(bytes, self.limit);
        Ok(Box::new(Checked::new(bytes, file.unpacked, file.crc)))
    }
}

/// Returns the offset of a file's data, after its local header.
fn data_start(archive: &mut Box<dyn ReadSeek>, header: u64) -> Result<u64, FeedError> {
    let mut bytes = [0; 30];
    archive
        .seek(SeekFrom::Start(header))
        .and_then(|_| archive.read_exact(&mut bytes))
        .map_err(FeedError::from_read)?;
    let (name, more) = (
        u16::from_le_bytes([bytes[26], bytes[27]]),
        u16::from_le_bytes([bytes[28], bytes[29]]),
    );
    if !bytes.starts_with(b"PK\x03\x04") {
        return Err(FeedError::BrokenArchive);
    }
    Ok(header + bytes.len() as u64 + u64::from(name) + u64::from(more))
}

/// Maps a ZIP error.
fn from_zip(error: ZipError) -> FeedError {
    match error {
        ZipError::Io(error) => FeedError::from_read(error),
        ZipError::InvalidPassword | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            FeedError::Encrypted
        }
        _ => FeedError::BrokenArchive,
    }
}

/// Fails as a damaged file does after a number of bytes.
struct Allowance<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Allowance<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl<R: Seek> Seek for Allowance<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Fails at the end of the file if size or checksum are wrong.
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
