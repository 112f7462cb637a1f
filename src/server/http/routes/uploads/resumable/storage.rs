//! Unfinished uploads on disk: received bytes, and a description of each.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::fs;
use uuid::Uuid;

use super::error::TusError;
use crate::{
    model::{
        import_options::ImportOptions,
        job::{ImportMode, JobId},
    },
    server::{
        identity::user::User,
        uploads::space::{Space, Stored},
    },
};

#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(super) directory: PathBuf,
    busy: Arc<Mutex<HashSet<Uuid>>>,
    /// Held while an upload is created, so that a user's uploads are counted correctly.
    pub(super) beginning: Arc<tokio::sync::Mutex<()>>,
    pub(super) space: Space,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Upload {
    pub(super) user: String,
    pub(super) length: u64,
    pub(super) filename: String,
    pub(super) only_check: bool,
    #[serde(default)]
    pub(super) options: ImportOptions,
    pub(super) job: Option<JobId>,
}

impl Upload {
    /// The space reserved for it: its full size.
    pub(super) fn stored(&self) -> Stored {
        Stored {
            user: Some(self.user.clone()),
            bytes: self.length,
        }
    }

    pub(super) fn mode(&self) -> ImportMode {
        match self.only_check {
            true => ImportMode::Check,
            false => ImportMode::Import,
        }
    }
}

/// The right to write an upload; one request has it at a time.
pub(super) struct Turn {
    busy: Arc<Mutex<HashSet<Uuid>>>,
    id: Uuid,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.remove(&self.id);
    }
}

impl Parts {
    pub(super) fn new(directory: PathBuf, space: Space) -> Self {
        Self {
            directory,
            busy: Arc::default(),
            beginning: Arc::default(),
            space,
        }
    }

    pub(super) fn bytes(&self, id: Uuid) -> PathBuf {
        self.directory.join(name_of_bytes(id))
    }

    fn description(&self, id: Uuid) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    pub(super) fn turn(&self, id: Uuid) -> Result<Turn, TusError> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert(id) {
            return Err(TusError::Busy);
        }
        Ok(Turn {
            busy: Arc::clone(&self.busy),
            id,
        })
    }

    pub(super) async fn find(&self, user: &User, id: &str) -> Result<(Uuid, Upload), TusError> {
        let id = Uuid::try_parse(id).map_err(|_| TusError::NotFound)?;
        let text = match fs::read(self.description(id)).await {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TusError::NotFound);
            }
            Err(error) => return Err(error.into()),
        };
        let upload: Upload = serde_json::from_slice(&text).map_err(io::Error::other)?;
        // Another user's upload is treated as missing.
        if upload.user == user.id.as_str() {
            Ok((id, upload))
        } else {
            Err(TusError::NotFound)
        }
    }

    pub(super) async fn describe(&self, id: Uuid, upload: &Upload) -> io::Result<()> {
        let text = serde_json::to_vec(upload).map_err(io::Error::other)?;
        // Renamed into place, so that it is whole.
        let new = self.directory.join(format!("{id}.new"));
        fs::write(&new, text).await?;
        fs::rename(new, self.description(id)).await
    }

    /// Returns the received bytes of an upload. A finished one has no bytes any more.
    pub(super) async fn offset(&self, id: Uuid, upload: &Upload) -> Result<u64, TusError> {
        if upload.job.is_some() {
            return Ok(upload.length);
        }
        Ok(fs::metadata(self.bytes(id)).await?.len())
    }

    pub(super) async fn remove(&self, id: Uuid) {
        self.space.let_go(&name_of_bytes(id));
        for path in [self.bytes(id), self.description(id)] {
            if let Err(error) = fs::remove_file(path).await
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "cannot remove an upload");
            }
        }
    }
}

pub(super) fn name_of_bytes(id: Uuid) -> String {
    format!("{id}.bytes")
}

pub(super) fn id_of(path: &Path) -> Option<Uuid> {
    Uuid::try_parse(path.file_stem()?.to_str()?).ok()
}
