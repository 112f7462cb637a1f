//! Removes what uploads leave behind, and counts those that are unfinished.

use std::{io, path::Path, time::Duration};

use tokio::fs;

use super::{
    EXPIRY,
    storage::{Parts, Upload, id_of, name_of_bytes},
};
use crate::server::{identity::user::User, uploads::space::Space};

/// Minimum age for removing files without an upload: another process may be creating one.
const ORPHANED: Duration = Duration::from_secs(60 * 60);

pub(super) fn remove_orphans(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let is_orphan = match path.extension().and_then(|extension| extension.to_str()) {
            Some("new") => true,
            Some("bytes") => !path.with_extension("json").try_exists()?,
            _ => false,
        };
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if is_orphan && age > ORPHANED && id_of(&path).is_some() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

pub(super) fn count_unfinished(directory: &Path, space: &Space) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(id) = id_of(&path).filter(|_| path.extension().is_some_and(|it| it == "json"))
        else {
            continue;
        };
        let text = std::fs::read(&path)?;
        if let Ok(upload) = serde_json::from_slice::<Upload>(&text)
            && upload.job.is_none()
        {
            space.hold(&name_of_bytes(id), upload.stored());
        }
    }
    Ok(())
}

impl Parts {
    /// Counts a user's unfinished uploads; removes everybody's expired ones.
    pub(super) async fn tidy_and_count(&self, user: &User) -> io::Result<usize> {
        let mut of_user = 0;
        let mut entries = fs::read_dir(&self.directory).await?;
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            let is_description = path
                .extension()
                .is_some_and(|extension| extension == "json");
            let Some(id) = id_of(&path).filter(|_| is_description) else {
                continue;
            };
            // The last modified file shows progress.
            let newest = match fs::metadata(self.bytes(id)).await {
                Ok(bytes) => bytes.modified()?,
                Err(_) => entry.metadata().await?.modified()?,
            };
            if newest.elapsed().unwrap_or_default() > EXPIRY {
                self.remove(id).await;
                continue;
            }
            let text = fs::read(&path).await.unwrap_or_default();
            let upload = serde_json::from_slice::<Upload>(&text);
            of_user += usize::from(
                upload.is_ok_and(|upload| upload.user == user.id.as_str() && upload.job.is_none()),
            );
        }
        Ok(of_user)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_belongs_to_no_upload_is_removed_once_it_is_old() {
        let directory = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - 2 * ORPHANED;
        let [orphan, whole, young] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        for (name, modified) in [
            (format!("{orphan}.bytes"), old),
            (format!("{orphan}.new"), old),
            (format!("{whole}.bytes"), old),
            (format!("{whole}.json"), old),
            (format!("{young}.bytes"), std::time::SystemTime::now()),
            ("notes.new".to_owned(), old),
        ] {
            let file = std::fs::File::create(directory.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        }
        remove_orphans(directory.path()).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4);
        assert!(!directory.path().join(format!("{orphan}.bytes")).exists());
    }
}
