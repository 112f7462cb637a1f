//! Limits the disk space of product files: per user, in total, and of the free disk. Incoming bytes are reserved before
//! they are written, so that concurrent uploads cannot exceed a limit.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{i18n::messages::ErrorCode, server::config::SpaceLimits};
use thiserror::Error;

/// Bytes reserved at once for a file of unknown length.
const STEP: u64 = 4 << 20;

pub(crate) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Why there is no space for a file.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NoSpace {
    /// The user's limit.
    OfUser,
    /// The total limit.
    OfAll,
    /// The disk is almost full.
    Disk,
}

impl NoSpace {
    /// Returns the error for users.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::OfUser => ErrorCode::StorageOfUser,
            Self::OfAll => ErrorCode::StorageOfAll,
            Self::Disk => ErrorCode::DiskFull,
        }
    }
}

impl fmt::Display for NoSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code().fmt(f)
    }
}

/// Counts the space of product files. Clones share it.
#[derive(Clone, Debug)]
pub struct Space(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    limits: SpaceLimits,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Counted files by unique name.
    files: HashMap<String, Stored>,
    of_user: HashMap<String, u64>,
    of_all: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The owner; `None` counts toward the total only.
    pub(crate) user: Option<String>,
    pub(crate) bytes: u64,
}

impl Held {
    fn add(&mut self, user: Option<&str>, bytes: u64) {
        self.of_all = self.of_all.saturating_add(bytes);
        if let Some(user) = user {
            let of_user = self.of_user.entry(user.to_owned()).or_default();
            *of_user = of_user.saturating_add(bytes);
        }
    }

    fn take(&mut self, user: Option<&str>, bytes: u64) {
        self.of_all = self.of_all.saturating_sub(bytes);
        if let Some(user) = user
            && let Some(of_user) = self.of_user.get_mut(user)
        {
            *of_user = of_user.saturating_sub(bytes);
            if *of_user == 0 {
                self.of_user.remove(user);
            }
        }
    }

    fn insert(&mut self, name: String, file: Stored) {
        self.add(file.user.as_deref(), file.bytes);
        if let Some(old) = self.files.insert(name, file) {
            self.take(old.user.as_deref(), old.bytes);
        }
    }
}

impl Space {
    /// Starts with no files, in a directory.
    #[must_use]
    pub fn new(directory: &Path, limits: SpaceLimits) -> Self {
        Self(Arc::new(Inner {
            directory: directory.to_owned(),
            limits,
            held: Mutex::default(),
        }))
    }

    pub(crate) fn incoming(&self, user: Option<&str>) -> Incoming {
        Incoming {
            space: self.clone(),
            user: user.map(str::to_owned),
            counted: 0,
        }
    }

    /// Reserves the space of a file of known length.
    pub(crate) fn take(&self, name: &str, user: &str, bytes: u64) -> Result<(), NoSpace> {
        let mut incoming = self.incoming(Some(user));
        incoming.count(bytes)?;
        incoming.keep_as(name, bytes);
        Ok(())
    }

    pub(crate) fn hold(&self, name: &str, file: Stored) {
        self.held().insert(name.to_owned(), file);
    }

    pub(crate) fn let_go(&self, name: &str) {
        let mut held = self.held();
        if let Some(file) = held.files.remove(name) {
            held.take(file.user.as_deref(), file.bytes);
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.held().files.keys().cloned().collect()
    }

    /// Returns the free bytes of the disk; `None` if unknown.
    pub(crate) fn free(&self) -> Option<u64> {
        free(&self.0.directory)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether enough stays free after `bytes` more; true if unknown.
    fn leaves_free(&self, bytes: u64) -> bool {
        self.free()
            .is_none_or(|free| free >= self.0.limits.free.saturating_add(bytes))
    }
}

/// Returns the free bytes on the disk of a directory or of its nearest existing ancestor.
fn free(directory: &Path) -> Option<u64> {
    let there = directory.ancestors().find(|path| path.is_dir());
    let disk = rustix::fs::statvfs(there.unwrap_or(Path::new("."))).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Reserved space of an incoming file; released on drop unless kept.
#[derive(Debug)]
pub(crate) struct Incoming {
    space: Space,
    user: Option<String>,
    counted: u64,
}

impl Incoming {
    /// Reserves at least this many bytes in total.
    pub(crate) fn count(&mut self, bytes: u64) -> Result<(), NoSpace> {
        if bytes <= self.counted {
            return Ok(());
        }
        // Checks the disk once per step, not per piece.
        let most = self.space.0.limits;
        let more = bytes - self.counted;
        let step = more.max(STEP.min(most.of_user / 64));
        if !self.space.leaves_free(more) {
            return Err(NoSpace::Disk);
        }
        let mut held = self.space.held();
        let left = most.of_all.saturating_sub(held.of_all);
        let user = self.user.as_deref();
        let of_user = user.and_then(|user| held.of_user.get(user)).copied();
        let left_of_user = match user {
            Some(_) => most.of_user.saturating_sub(of_user.unwrap_or_default()),
            None => u64::MAX,
        };
        if left_of_user < more {
            return Err(NoSpace::OfUser);
        }
        if left < more {
            return Err(NoSpace::OfAll);
        }
        let step = step.min(left).min(left_of_user);
        held.add(user, step);
        self.counted += step;
        Ok(())
    }

    /// Counts the file from now on under a name, with its actual size.
    pub(crate) fn keep_as(mut self, name: &str, bytes: u64) {
        let file = Stored {
            user: self.user.clone(),
            bytes,
        };
        let mut held = self.space.held();
        held.insert(name.to_owned(), file);
        held.take(self.user.as_deref(), self.counted);
        drop(held);
        self.counted = 0;
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut held = self.space.held();
        held.take(self.user.as_deref(), self.counted);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn space(of_user: u64, of_all: u64, free: u64) -> Space {
        let limits = SpaceLimits {
            of_user,
            of_all,
            free,
        };
        Space::new(&std::env::temp_dir(), limits)
    }

    #[test]
    fn a_user_and_all_together_have_so_much_room() {
        let space = space(100, 150, 0);
        space.take("a", "ada", 60).unwrap();
        assert_eq!(space.take("b", "ada", 41), Err(NoSpace::OfUser));
        space.take("b", "ada", 40).unwrap();
        assert_eq!(space.take("c", "bob", 51), Err(NoSpace::OfAll));
        space.let_go("a");
        space.take("c", "bob", 51).unwrap();
        // A file without owner counts toward the total only.
        space.incoming(None).count(59).unwrap();
        assert_eq!(space.incoming(None).count(60), Err(NoSpace::OfAll));
    }

    #[test]
    fn a_file_of_unknown_length_takes_no_more_than_there_is() {
        let space = space(10 << 20, 15 << 20, 0);
        let mut first = space.incoming(Some("ada"));
        let mut second = space.incoming(Some("ada"));
        first.count(6 << 20).unwrap();
        second.count(4 << 20).unwrap();
        assert!(second.count((4 << 20) + 1).is_err());
        drop(second);
        first.count(10 << 20).unwrap();
        first.keep_as("a", 3);
        assert_eq!(space.held().of_all, 3);
        assert_eq!(space.held().of_user["ada"], 3);
    }

    #[test]
    fn so_much_of_the_disk_stays_free() {
        let space = space(100, 100, u64::MAX);
        assert_eq!(space.take("a", "ada", 1), Err(NoSpace::Disk));
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_is_held(
            steps in proptest::collection::vec((0..4_usize, 0..3_u64, 0..40_u64), 0..60),
        ) {
            let space = space(60, 90, 0);
            let mut incoming: Vec<Incoming> = Vec::new();
            for (what, user, bytes) in steps {
                let name = format!("user-{user}");
                match what {
                    0 => incoming.push(space.incoming(Some(&name))),
                    1 => {
                        if let Some(last) = incoming.last_mut() {
                            let _ = last.count(bytes);
                        }
                    }
                    2 => {
                        if let Some(last) = incoming.pop() {
                            let bytes = bytes.min(last.counted);
                            last.keep_as(&format!("file-{bytes}"), bytes);
                        }
                    }
                    _ => space.let_go(&format!("file-{bytes}")),
                }
                let held = space.held();
                let kept: u64 = held.files.values().map(|file| file.bytes).sum();
                let coming: u64 = incoming.iter().map(|file| file.counted).sum();
                prop_assert_eq!(held.of_all, kept + coming);
                prop_assert_eq!(held.of_user.values().sum::<u64>(), held.of_all);
                prop_assert!(held.of_all <= 90 && held.of_user.values().all(|bytes| *bytes <= 60));
            }
        }
    }
}
