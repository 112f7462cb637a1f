//! Where the bytes of a product file are.

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

/// A product file that can be read from its start as often as needed.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file.
    Path(PathBuf),
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file without a name, which goes away with it.
    Nameless(Arc<File>),
    /// One that cannot be read any more once this is cancelled.
    Stoppable(Box<Input>, CancellationToken),
}

/// What an input is read by.
pub(crate) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl Input {
    /// Opens the input at its start.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
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

    /// Has reading fail as soon as `stop` is cancelled, wherever it is.
    #[must_use]
    pub fn until(self, stop: &CancellationToken) -> Self {
        Self::Stoppable(Box::new(self), stop.clone())
    }

    /// Keeps what was in this input as one of its own: beside it, and in memory only if it is too. A
    /// workbook of more than `most` bytes is too large.
    ///
    /// # Errors
    ///
    /// When it cannot be read or kept.
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

/// Makes a file that is gone as soon as it is closed.
pub fn nameless(directory: &Path) -> io::Result<File> {
    // Should we be killed before it has lost its name, it is tidied away as what is left of an upload.
    let path = directory.join(format!("{}.part", Uuid::now_v7()));
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// A place in a file that others read too.
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

/// A reader that can be stopped.
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
