//! Stores a file on disk until it is known to be needed.

use std::{
    io::{self, SeekFrom},
    path::Path,
};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::{self, File},
    io::{AsyncSeekExt as _, AsyncWriteExt as _},
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::{
    private_directory::make_private_directory,
    space::{Incoming, NoSpace, is_full},
    upload_error::UploadError,
};
use crate::model::error::ApiError;

const PIECE: usize = 256 << 10;

/// A complete, unlinked file; deleted on drop.
#[derive(Debug)]
pub(crate) struct Spooled {
    file: File,
    pub(crate) checksum: String,
    _reserved: Incoming,
}

impl Spooled {
    /// Writes an incoming file to a directory, up to `max` bytes. Fails if it breaks off, is empty or too long, or
    /// there is no space.
    pub(crate) async fn receive(
        directory: &Path,
        mut reserved: Incoming,
        max: u64,
        file: impl Stream<Item = Result<Bytes, UploadError>>,
    ) -> Result<Self, UploadError> {
        let mut incoming = std::pin::pin!(file);
        let mut file = nameless(directory).await.map_err(not_written)?;
        let (mut hash, mut length) = (Sha256::new(), 0_u64);
        while let Some(piece) = incoming.try_next().await? {
            length = length.saturating_add(piece.len() as u64);
            if length > max {
                return Err(UploadError::TooLarge(max));
            }
            reserved.count(length).map_err(no_space)?;
            hash.update(&piece);
            file.write_all(&piece).await.map_err(not_written)?;
        }
        if length == 0 {
            return Err(UploadError::Empty);
        }
        file.flush().await.map_err(not_written)?;
        Ok(Self {
            file,
            checksum: hex::encode(hash.finalize()),
            _reserved: reserved,
        })
    }

    /// Returns the content; deleted afterwards.
    pub(crate) async fn into_stream(
        self,
    ) -> Result<impl Stream<Item = Result<Bytes, UploadError>> + Send + 'static, UploadError> {
        let Self {
            mut file,
            _reserved,
            ..
        } = self;
        file.seek(SeekFrom::Start(0)).await.map_err(not_written)?;
        let pieces = ReaderStream::with_capacity(file, PIECE);
        Ok(pieces.map_err(move |error| {
            // Keeps the space reserved while it is read.
            let _reserved = &_reserved;
            not_written(error)
        }))
    }
}

/// Opens an unlinked file, of which nothing is left if the process dies.
async fn nameless(directory: &Path) -> io::Result<File> {
    make_private_directory(directory).await?;
    let path = directory.join(Uuid::now_v7().simple().to_string());
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let file = options.open(&path).await?;
    fs::remove_file(&path).await?;
    Ok(file)
}

fn no_space(error: NoSpace) -> UploadError {
    UploadError::NotTaken(ApiError::NoSpace(error.code().into()))
}

fn not_written(error: io::Error) -> UploadError {
    if is_full(&error) {
        return no_space(NoSpace::Disk);
    }
    tracing::error!(%error, "cannot store a file temporarily");
    UploadError::NotTaken(ApiError::Internal)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::server::{config::SpaceLimits, uploads::space::Space};

    #[tokio::test]
    async fn a_file_comes_back_as_it_came_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let limits = SpaceLimits {
            of_user: 100,
            of_all: 100,
            free: 0,
        };
        let space = Space::new(directory.path(), limits);
        let receive = async |pieces: &[&'static str], max: u64| {
            let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from(*piece))).collect();
            let reserved = space.incoming(Some("ada"));
            Spooled::receive(directory.path(), reserved, max, stream::iter(pieces)).await
        };
        let spooled = receive(&["sku,", "name"], 8).await.unwrap();
        let expected = hex::encode(Sha256::digest("sku,name"));
        assert_eq!(spooled.checksum, expected);
        let stream = spooled.into_stream().await.unwrap();
        let whole: Vec<Bytes> = stream.try_collect().await.unwrap();
        assert_eq!(whole.concat(), b"sku,name");
        assert!(matches!(
            receive(&["sku,name,"], 8).await,
            Err(UploadError::TooLarge(8))
        ));
        assert!(matches!(receive(&[], 8).await, Err(UploadError::Empty)));
        static LONG: [u8; 101] = [b'x'; 101];
        let long = std::str::from_utf8(&LONG).unwrap();
        let error = receive(&[long], 200).await.unwrap_err();
        assert!(matches!(error, UploadError::NotTaken(ApiError::NoSpace(_))));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
