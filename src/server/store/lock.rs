//! Locks a SQLite file for one server process; a second one would take over its imports.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use super::StoreError;
use crate::server::config::DatabaseUrl;

/// Released on drop or when the process ends.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: Option<File>,
}

/// Acquires the lock of a database. PostgreSQL allows any number of servers.
///
/// # Errors
///
/// [`StoreError::InUse`] if another process has it.
pub fn lock(url: &DatabaseUrl) -> Result<DatabaseLock, StoreError> {
    let Some(database) = url.sqlite_path() else {
        return Ok(DatabaseLock { _file: None });
    };
    if let Some(directory) = database.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(lock_path(database))?;
    match file.try_lock() {
        Ok(()) => {
            // Shown in the other process's error message.
            let _ = file
                .set_len(0)
                .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        }
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            let _ = file
                .rewind()
                .and_then(|()| file.read_to_string(&mut process));
            let process = process.trim().parse::<u32>();
            return Err(StoreError::InUse {
                path: database.to_owned(),
                process: process.map_or_else(|_| String::new(), |id| format!(" (process {id})")),
            });
        }
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            tracing::warn!(
                "the file system does not support locks: make sure no other process uses this database"
            );
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(DatabaseLock { _file: Some(file) })
}

fn lock_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_sqlite_file_one_at_a_time_has_the_right() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(&directory.path().join("new/test.db"));
        let first = lock(&url).unwrap();
        let refused = lock(&url).unwrap_err().to_string();
        let own = format!("(process {})", std::process::id());
        assert!(
            refused.contains(&own) && refused.contains("PostgreSQL"),
            "{refused}"
        );
        drop(first);
        lock(&url).unwrap();
    }
}
