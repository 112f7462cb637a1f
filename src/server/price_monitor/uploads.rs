//! The directory of uploads.
//!
//! A complete file is named `<job ID>.upload`, never by its user's filename; an incomplete one has a random name with
//! `.part`. Files stay for a while after the import, to be imported again.

use std::{
    collections::HashSet,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use product_feed::Input;
use sha2::{Digest, Sha256};
use tokio::{
    fs::{self, File},
    io::{AsyncWriteExt, BufWriter},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BLOCK: usize = 256 << 10;

use super::service::ServiceError;
use crate::{
    i18n::messages::ErrorCode,
    model::job::UnixMillis,
    server::{
        store::{Store, StoreError, monitor_imports::FileMark},
        uploads::{
            private_directory::make_private_directory,
            space::{self, NoSpace, Space, Stored},
        },
    },
};

const AT_ONCE: usize = 500;

const ENDING: &str = ".upload";

/// Minimum age for removing a file of an unknown import; a younger one may be an upload in progress.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

const ID_FILE: &str = ".directory";

#[derive(Clone, Debug)]
pub(super) struct Uploads {
    directory: PathBuf,
    /// The directory's ID, independent of its mount point.
    id: Arc<str>,
    space: Space,
}

impl Uploads {
    pub(super) async fn open(directory: &Path, space: Space) -> io::Result<Self> {
        make_private_directory(directory).await?;
        Ok(Self {
            directory: directory.to_owned(),
            id: directory_id(directory).await?.into(),
            space,
        })
    }

    /// Returns the directory's ID, the same for all processes that serve it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Creates a file that is removed on drop unless [kept](Incoming::keep).
    pub(super) async fn begin(&self, owner: Option<&str>) -> io::Result<Writing> {
        let incoming = Incoming {
            path: Some(self.directory.join(format!("{}.part", Uuid::now_v7()))),
            space: Some(self.space.incoming(owner)),
        };
        let file = File::create_new(incoming.path()).await?;
        Ok(Writing {
            incoming,
            file: BufWriter::with_capacity(BLOCK, file),
            digest: Sha256::new(),
            size: 0,
        })
    }

    /// Renames and syncs a complete file. It is still removed on drop unless kept.
    pub(super) async fn complete(
        &self,
        writing: Writing,
        id: &str,
    ) -> io::Result<(Incoming, FileMark)> {
        let Writing {
            mut incoming,
            mut file,
            digest,
            size,
        } = writing;
        file.flush().await?;
        file.get_ref().sync_all().await?;
        let path = self.directory.join(stored_name(id));
        fs::rename(incoming.path(), &path).await?;
        incoming.path = Some(path);
        // Makes the rename durable; not every file system supports it.
        if let Ok(directory) = File::open(&self.directory).await {
            directory.sync_all().await?;
        }
        let checksum = hex::encode(digest.finalize());
        Ok((incoming, FileMark { size, checksum }))
    }

    /// Compares a stored file with its expected size and hash; blocking. Returns `Interrupted` if `stop` is cancelled
    /// first.
    pub(super) fn check(
        &self,
        stored_as: &str,
        mark: &FileMark,
        stop: &CancellationToken,
    ) -> io::Result<Option<Unsound>> {
        let mut file = std::fs::File::open(self.directory.join(stored_as))?;
        let size = file.metadata()?.len();
        if size != mark.size {
            return Ok(Some(Unsound::Length {
                is: size,
                was: mark.size,
            }));
        }
        let mut digest = Sha256::new();
        let mut block = vec![0; BLOCK];
        loop {
            if stop.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match file.read(&mut block)? {
                0 => break,
                read => digest.update(&block[..read]),
            }
        }
        Ok((hex::encode(digest.finalize()) != mark.checksum).then_some(Unsound::Content))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn input(&self, stored_as: &str) -> Input {
        Input::Path(self.directory.join(stored_as))
    }

    pub(super) async fn has(&self, stored_as: &str) -> bool {
        fs::try_exists(self.directory.join(stored_as))
            .await
            .unwrap_or_default()
    }

    /// Links a stored file for another job, or copies it. Removed on drop unless kept.
    pub(super) async fn share(
        &self,
        stored_as: &str,
        id: &str,
        owner: Option<&str>,
    ) -> Result<Incoming, ServiceError> {
        let from = self.directory.join(stored_as);
        let path = self.directory.join(stored_name(id));
        // The new modification time protects the file from `tidy` until the new job is recorded.
        File::options()
            .write(true)
            .open(&from)
            .await?
            .into_std()
            .await
            .set_modified(SystemTime::now())?;
        let mut incoming = Incoming {
            path: Some(path.clone()),
            space: Some(self.space.incoming(owner)),
        };
        // Not every file system has hard links.
        if fs::hard_link(&from, &path).await.is_err() {
            incoming.count(fs::metadata(&from).await?.len())?;
            fs::copy(&from, &path).await?;
        }
        Ok(incoming)
    }

    /// Recomputes the used space. A file shared by imports counts for the first one.
    pub(super) async fn recount(&self, in_use: &[(String, Option<String>)]) {
        // Newer uploads are already counted.
        for name in self.space.names() {
            if name.ends_with(ENDING) && !self.has(&name).await {
                self.space.let_go(&name);
            }
        }
        let mut counted = HashSet::new();
        for (name, owner) in in_use {
            let Ok(file) = fs::metadata(self.directory.join(name)).await else {
                continue;
            };
            let is_first = counted.insert((file.dev(), file.ino()));
            let file = Stored {
                user: owner.clone(),
                bytes: if is_first { file.len() } else { 0 },
            };
            self.space.hold(name, file);
        }
    }

    pub(super) async fn remove(&self, stored_as: &str) {
        self.space.let_go(stored_as);
        match fs::remove_file(self.directory.join(stored_as)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "cannot remove an uploaded file");
            }
            _ => {}
        }
    }

    /// Removes files that no import needs: of those that ended before a time, and leftovers of a crash. Recomputes the
    /// used space.
    pub(super) async fn tidy(&self, store: &Store, before: UnixMillis) -> Result<(), StoreError> {
        let needed = store.monitor_files_in_use(before).await?;
        let names: HashSet<&str> = needed.iter().map(|(name, _)| name.as_str()).collect();
        let fresh = self.remove_stale_but(&names).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot clean up the uploads directory");
            Vec::new()
        });
        for some in fresh.chunks(AT_ONCE) {
            for id in store.imports_that_are_over(some).await? {
                self.remove(&stored_name(&id)).await;
            }
        }
        self.recount(&needed).await;
        Ok(())
    }

    /// Removes stale files that are not needed. Returns the import IDs of the others.
    async fn remove_stale_but(&self, needed: &HashSet<&str>) -> io::Result<Vec<String>> {
        let mut fresh = Vec::new();
        let mut entries = fs::read_dir(&self.directory).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else {
                continue;
            };
            let age = entry
                .metadata()
                .await?
                .modified()?
                .elapsed()
                .unwrap_or_default();
            if needed.contains(name) {
                continue;
            }
            if age > STALE {
                self.remove(name).await;
            } else if let Some(id) = name.strip_suffix(ENDING) {
                fresh.push(id.to_owned());
            }
        }
        Ok(fresh)
    }
}

/// How a stored file differs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unsound {
    Length { is: u64, was: u64 },
    Content,
}

impl Unsound {
    pub(super) fn code(self) -> ErrorCode {
        match self {
            Self::Length { is, was } => ErrorCode::FileLength { is, was },
            Self::Content => ErrorCode::FileChanged,
        }
    }
}

/// A file being written; removed on drop.
#[derive(Debug)]
pub(super) struct Writing {
    incoming: Incoming,
    file: BufWriter<File>,
    digest: Sha256,
    size: u64,
}

impl Writing {
    pub(super) fn count(&mut self, more: usize) -> Result<(), NoSpace> {
        self.incoming.count(self.size + more as u64)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).await
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// A complete file; removed on drop unless kept.
#[derive(Debug)]
pub(super) struct Incoming {
    path: Option<PathBuf>,
    space: Option<space::Incoming>,
}

impl Incoming {
    pub(super) fn count(&mut self, bytes: u64) -> Result<(), NoSpace> {
        self.space
            .as_mut()
            .map_or(Ok(()), |space| space.count(bytes))
    }

    pub(super) fn keep(mut self) {
        let (Some(path), Some(space)) = (self.path.take(), self.space.take()) else {
            return;
        };
        let file = std::fs::metadata(&path);
        // A further link takes no space.
        let bytes = file.map_or(0, |file| if file.nlink() > 1 { 0 } else { file.len() });
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            space.keep_as(name, bytes);
        }
    }

    fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // It may not exist.
        let _ = self.path.take().map(std::fs::remove_file);
    }
}

/// Reads or creates the directory's ID; concurrent processes agree on one.
async fn directory_id(directory: &Path) -> io::Result<String> {
    let path = directory.join(ID_FILE);
    let is_there = match fs::read_to_string(&path).await {
        Ok(id) if Uuid::try_parse(id.trim()).is_ok() => return Ok(id.trim().to_owned()),
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let id = Uuid::now_v7().to_string();
    let whole = directory.join(format!("{id}.part"));
    fs::write(&whole, &id).await?;
    // A link fails if another process was faster; not every file system has links.
    match fs::hard_link(&whole, &path).await {
        Ok(()) => fs::remove_file(&whole).await?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !is_there => {
            fs::remove_file(&whole).await?;
        }
        Err(_) => fs::rename(&whole, &path).await?,
    }
    let id = fs::read_to_string(&path).await?;
    Ok(id.trim().to_owned())
}

pub(super) fn stored_name(id: &str) -> String {
    format!("{id}{ENDING}")
}

fn is_ours(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        matches!(extension, "part" | "upload" | "csv") && Uuid::try_parse(stem).is_ok()
    })
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::{
        model::{clock::now, job::ImportStatus},
        server::{
            config::SpaceLimits,
            store::{monitor_imports::NewImport, test_database::TestDatabase},
        },
    };

    async fn open(directory: &Path) -> io::Result<Uploads> {
        let limits = SpaceLimits {
            of_user: 1 << 20,
            of_all: 1 << 20,
            free: 0,
        };
        Uploads::open(directory, Space::new(directory, limits)).await
    }

    #[tokio::test]
    async fn room_is_counted_until_a_file_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = open(directory.path()).await.unwrap();
        let mut first = uploads.begin(Some("ada")).await.unwrap();
        first.count(1 << 20).unwrap();
        assert_eq!(first.count((1 << 20) + 1), Err(NoSpace::OfUser));
        first.write(&vec![0; 1 << 20]).await.unwrap();
        uploads.complete(first, "1").await.unwrap().0.keep();
        let mut second = uploads.begin(Some("ada")).await.unwrap();
        assert!(second.count(1).is_err());
        // A second link takes no space and is counted once.
        let again = uploads.share(&stored_name("1"), "2", Some("ada")).await;
        again.unwrap().keep();
        let names = ["1", "2"].map(|id| (stored_name(id), Some("ada".to_owned())));
        uploads.recount(&names).await;
        assert!(second.count(1).is_err());
        uploads.remove(&stored_name("1")).await;
        uploads.recount(&names).await;
        assert!(second.count(1).is_err());
        uploads.remove(&stored_name("2")).await;
        second.count(1).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_not_kept_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = open(&directory.path().join("new")).await.unwrap();
        let writing = uploads.begin(None).await.unwrap();
        let (complete, _) = uploads.complete(writing, "1").await.unwrap();
        assert!(uploads.has(&stored_name("1")).await);
        drop(uploads.share(&stored_name("1"), "2", None).await.unwrap());
        assert!(!uploads.has(&stored_name("2")).await);
        drop(complete);
        assert!(!uploads.has(&stored_name("1")).await);
        let writing = uploads.begin(None).await.unwrap();
        uploads.complete(writing, "1").await.unwrap().0.keep();
        assert!(uploads.has(&stored_name("1")).await);
    }

    #[tokio::test]
    async fn a_directory_has_one_name_for_all_who_serve_it() {
        let directory = tempfile::tempdir().unwrap();
        let opened = (0..8).map(|_| open(directory.path()));
        let all: HashSet<_> = futures::future::join_all(opened)
            .await
            .into_iter()
            .map(|uploads| uploads.unwrap().id().to_owned())
            .collect();
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        std::fs::write(directory.path().join(ID_FILE), "").unwrap();
        let anew = open(directory.path()).await.unwrap();
        assert!(Uuid::try_parse(anew.id()).is_ok());
    }

    #[tokio::test]
    async fn a_stored_file_that_is_not_what_came_in_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = open(directory.path()).await.unwrap();
        let mut writing = uploads.begin(None).await.unwrap();
        for part in ["sku,", "price"] {
            writing.write(part.as_bytes()).await.unwrap();
        }
        let (complete, mark) = uploads.complete(writing, "1").await.unwrap();
        let stop = CancellationToken::new();
        let check = || uploads.check(&stored_name("1"), &mark, &stop).unwrap();
        assert_eq!((mark.size, check()), (9, None));
        let path = directory.path().join(stored_name("1"));
        std::fs::write(&path, "sku,prick").unwrap();
        assert_eq!(check(), Some(Unsound::Content));
        std::fs::write(&path, "sku,pric").unwrap();
        assert_eq!(check(), Some(Unsound::Length { is: 8, was: 9 }));
        stop.cancel();
        std::fs::write(&path, "sku,price").unwrap();
        assert!(uploads.check(&stored_name("1"), &mark, &stop).is_err());
        drop(complete);
    }

    #[tokio::test]
    async fn a_file_that_is_not_kept_after_its_import_goes_with_its_end() {
        let (database, store) = TestDatabase::opened().await;
        let uploads = open(&database.directory.path().join("uploads"))
            .await
            .unwrap();
        let [over, runs, unknown] = [(); 3].map(|()| Uuid::now_v7().to_string());
        for id in [&over, &runs, &unknown] {
            let writing = uploads.begin(None).await.unwrap();
            uploads.complete(writing, id).await.unwrap().0.keep();
        }
        for id in [&over, &runs] {
            let new = NewImport {
                id: id.clone(),
                stored_as: stored_name(id),
                ..NewImport::default()
            };
            store.add_monitor_import(new).await.unwrap();
        }
        store
            .finish_monitor_import(&over, ImportStatus::Success, None, None)
            .await
            .unwrap();
        uploads.tidy(&store, 0).await.unwrap();
        assert!(uploads.has(&stored_name(&over)).await);
        uploads.tidy(&store, now() + 1).await.unwrap();
        assert!(!uploads.has(&stored_name(&over)).await);
        // A new file may belong to an import that is about to be recorded.
        assert!(
            uploads.has(&stored_name(&runs)).await && uploads.has(&stored_name(&unknown)).await
        );
    }

    #[tokio::test]
    async fn an_old_file_that_is_shared_is_young_again() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = open(directory.path()).await.unwrap();
        let [old, new] = [Uuid::now_v7(), Uuid::now_v7()].map(|id| id.to_string());
        let path = directory.path().join(stored_name(&old));
        let file = std::fs::File::create(path).unwrap();
        file.set_modified(SystemTime::now() - 2 * STALE).unwrap();
        let shared = uploads.share(&stored_name(&old), &new, None).await.unwrap();
        // Scans for stale files without knowing the new job.
        uploads.remove_stale_but(&HashSet::new()).await.unwrap();
        assert!(uploads.has(&stored_name(&new)).await);
        shared.keep();
    }

    #[tokio::test]
    async fn only_old_files_of_ours_are_tidied_away() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = open(directory.path()).await.unwrap();
        let old = SystemTime::now() - 2 * STALE;
        let [stale, needed, young] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        for (name, modified) in [
            (format!("{stale}.part"), old),
            (format!("{needed}.csv"), old),
            (format!("{young}.part"), SystemTime::now()),
            ("notes.csv".to_owned(), old),
        ] {
            let file = std::fs::File::create(directory.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        }
        let needed = format!("{needed}.csv");
        uploads
            .remove_stale_but(&HashSet::from([needed.as_str()]))
            .await
            .unwrap();
        assert!(!directory.path().join(format!("{stale}.part")).exists());
        assert!(directory.path().join(needed).exists());
        assert!(directory.path().join(format!("{young}.part")).exists());
        assert!(directory.path().join("notes.csv").exists());
        assert!(directory.path().join(ID_FILE).exists());
    }
}
