//! The directory of uploaded files.
//!
//! A file is named after its job, never after what its user calls it: `<id>.part` while it comes
//! in, `<id>.csv` once all of it is on disk.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::fs::{self, File};
use uuid::Uuid;

use crate::server::store::monitor_imports::MonitorImport;

/// How old a file that belongs to no job must be before it is removed: one of a process that is
/// just ending beside this one is younger.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// The directory of uploaded files.
#[derive(Clone, Debug)]
pub(super) struct Uploads {
    directory: PathBuf,
}

impl Uploads {
    /// Makes the directory if it is missing.
    pub(super) async fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory).await?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Begins a file that goes away when it is dropped before it is [kept](Incoming::keep).
    pub(super) async fn begin(&self, id: &str) -> io::Result<(Incoming, File)> {
        let incoming = Incoming {
            path: Some(self.directory.join(format!("{id}.part"))),
        };
        let file = File::create_new(incoming.path()).await?;
        Ok((incoming, file))
    }

    /// Gives a file that is complete its name, on disk. It still goes away unless it is kept.
    pub(super) async fn complete(&self, mut incoming: Incoming, id: &str) -> io::Result<Incoming> {
        let path = self.directory.join(stored_name(id));
        fs::rename(incoming.path(), &path).await?;
        incoming.path = Some(path);
        // The name is on disk only when the directory is; not every system can be asked for that.
        if let Ok(directory) = File::open(&self.directory).await {
            directory.sync_all().await?;
        }
        Ok(incoming)
    }

    /// Opens a stored file.
    pub(super) async fn read(&self, stored_as: &str) -> io::Result<File> {
        File::open(self.directory.join(stored_as)).await
    }

    /// Removes the file of a job that is over.
    pub(super) async fn remove(&self, stored_as: &str) {
        match fs::remove_file(self.directory.join(stored_as)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "an uploaded file could not be removed");
            }
            _ => {}
        }
    }

    /// Removes old files of ours that no unfinished import needs: what a crash left behind.
    pub(super) async fn remove_stale(&self, unfinished: &[MonitorImport]) {
        let needed: HashSet<&str> = unfinished
            .iter()
            .map(|import| import.stored_as.as_str())
            .collect();
        if let Err(error) = self.remove_stale_but(&needed).await {
            tracing::warn!(%error, "the uploads directory could not be tidied");
        }
    }

    async fn remove_stale_but(&self, needed: &HashSet<&str>) -> io::Result<()> {
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
            if age > STALE && !needed.contains(name) {
                self.remove(name).await;
            }
        }
        Ok(())
    }
}

/// A file that goes away when it is dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct Incoming {
    path: Option<PathBuf>,
}

impl Incoming {
    /// Keeps the file.
    pub(super) fn keep(mut self) {
        self.path = None;
    }

    fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // It may be gone, or never have been made.
        let _ = self.path.take().map(std::fs::remove_file);
    }
}

/// Returns the name of a job's complete file.
pub(super) fn stored_name(id: &str) -> String {
    format!("{id}.csv")
}

fn is_ours(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        matches!(extension, "part" | "csv") && Uuid::try_parse(stem).is_ok()
    })
}

#[cfg(test)]
mod tests {

    use std::time::SystemTime;

    use super::*;

    #[tokio::test]
    async fn a_file_that_is_not_kept_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = Uploads::open(&directory.path().join("new")).await.unwrap();
        let (incoming, _file) = uploads.begin("1").await.unwrap();
        let complete = uploads.complete(incoming, "1").await.unwrap();
        assert!(uploads.read(&stored_name("1")).await.is_ok());
        drop(complete);
        assert!(uploads.read(&stored_name("1")).await.is_err());
        let (incoming, _file) = uploads.begin("1").await.unwrap();
        uploads.complete(incoming, "1").await.unwrap().keep();
        assert!(uploads.read(&stored_name("1")).await.is_ok());
    }

    #[tokio::test]
    async fn only_old_files_of_ours_are_tidied_away() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = Uploads::open(directory.path()).await.unwrap();
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
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
    }
}
