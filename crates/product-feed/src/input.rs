//! The source of a product file's bytes.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{budget::MAX_HELD, reader::FeedError};

/// A product file that can be read repeatedly.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file on disk.
    Path(PathBuf),
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// An unlinked temporary file, deleted when dropped.
    Nameless(Arc<File>),
    /// An input that fails to read once it is cancelled.
    Stoppable(Box<Input>, CancellationToken),
}

pub(crate) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl Input {
    /// Opens the input at its start.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub(crate) fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match self {
            Self::Path(path) => Box::new(File::open(path)?),
            Self::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Self::Nameless(file) => Box::new(Shared {
                file: Arc::clone(file),
                position: 0,
            }),
            Self::Stoppable(input, stop) => Box::new(Stoppable {
                inner: input.open()?,
                stop: stop.clone(),
            }),
        })
    }

    /// Makes reading fail as soon as `stop` is cancelled.
    #[must_use]
    pub fn until(self, stop: &CancellationToken) -> Self {
        Self::Stoppable(Box::new(self), stop.clone())
    }

    /// Stores unpacked content as an input: in memory if this one is, else in a temporary file beside it.
    ///
    /// # Errors
    ///
    /// If it cannot be read or stored, or a workbook is larger than `most`.
    pub(crate) fn unpacked(&self, content: impl Read, most: u64) -> Result<Self, FeedError> {
        match self {
            Self::Path(path) => {
                let directory = path.parent().unwrap_or(Path::new("."));
                let mut file = nameless(directory).map_err(FeedError::Io)?;
                let mut content = content.take(most + 1);
                let copied = io::copy(&mut content, &mut file).map_err(FeedError::from_read)?;
                if copied > most {
                    return Err(FeedError::LargeWorkbook);
                }
                Ok(Self::Nameless(Arc::new(file)))
            }
            Self::Stoppable(input, stop) => Ok(input.unpacked(content, most)?.until(stop)),
            Self::Bytes(_) | Self::Nameless(_) => {
                let most = most.min(MAX_HELD as u64);
                let mut bytes = Vec::new();
                content
                    .take(most + 1)
                    .read_to_end(&mut bytes)
                    .map_err(FeedError::from_read)?;
                if bytes.len() as u64 > most {
                    return Err(FeedError::LargeWorkbook);
                }
                Ok(Self::Bytes(bytes.into()))
            }
        }
    }
}

/// Creates an unlinked temporary file.
pub fn nameless(directory: &Path) -> io::Result<File> {
    // If the process dies before unlinking, the suffix has it cleaned up as an unfinished upload.
    let path = directory.join(format!("{}.part", Uuid::now_v7()));
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// A position in a shared file.
struct Shared {
    file: Arc<File>,
    position: u64,
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A cancellable reader.
struct Stoppable {
    inner: Box<dyn ReadSeek>,
    stop: CancellationToken,
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("reading was stopped"));
        }
        self.inner.read(buffer)
    }
}

impl Seek for Stoppable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl From<&[u8]> for Input {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}
