//! The room that product files take on disk: how much each user's may, how much all may together, and how
//! much of the disk stays free. What is coming in is counted before it is written, so that many at once
//! take no more than one after the other.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{i18n::messages::ErrorCode, server::config::SpaceLimits};
use thiserror::Error;

/// How much is counted at once of a file whose length is not known.
const STEP: u64 = 4 << 20;

/// Whether there is no room left to write.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Why there is no room for a file.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NoSpace {
    /// The user's own files take up what they may.
    OfUser,
    /// Everybody's files take up what they may.
    OfAll,
    /// The disk is almost full.
    Disk,
}

impl NoSpace {
    /// Returns the error that users are told.
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

/// The room for product files, and what is in it. Clones share it.
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
    /// The files that are kept, by their names, which no two share.
    files: HashMap<String, Stored>,
    of_user: HashMap<String, u64>,
    of_all: u64,
}

/// A file that takes up room.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Whose it is; nobody's counts toward all alone.
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
    /// Makes the room in a directory, empty.
    #[must_use]
    pub fn new(directory: &Path, limits: SpaceLimits) -> Self {
        Self(Arc::new(Inner {
            directory: directory.to_owned(),
            limits,
            held: Mutex::default(),
        }))
    }

    /// Begins to count a file that comes in for a user.
    pub(crate) fn incoming(&self, user: Option<&str>) -> Incoming {
        Incoming {
            space: self.clone(),
            user: user.map(str::to_owned),
            counted: 0,
        }
    }

    /// Counts a file of a known length that is going to come in.
    ///
    /// # Errors
    ///
    /// When there is no room for it.
    pub(crate) fn take(&self, name: &str, user: &str, bytes: u64) -> Result<(), NoSpace> {
        let mut incoming = self.incoming(Some(user));
        incoming.count(bytes)?;
        incoming.keep_as(name, bytes);
        Ok(())
    }

    /// Counts a file that is there.
    pub(crate) fn hold(&self, name: &str, file: Stored) {
        self.held().insert(name.to_owned(), file);
    }

    /// Counts a file no more.
    pub(crate) fn let_go(&self, name: &str) {
        let mut held = self.held();
        if let Some(file) = held.files.remove(name) {
            held.take(file.user.as_deref(), file.bytes);
        }
    }

    /// Returns the names of the files that are counted.
    pub(crate) fn names(&self) -> Vec<String> {
        self.held().files.keys().cloned().collect()
    }

    /// Returns how many bytes of the disk are free, where it says.
    pub(crate) fn free(&self) -> Option<u64> {
        free(&self.0.directory)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so many bytes more leave enough of the disk free. A disk that does not say is not asked.
    fn leaves_free(&self, bytes: u64) -> bool {
        self.free()
            .is_none_or(|free| free >= self.0.limits.free.saturating_add(bytes))
    }
}

/// Returns how many bytes are free on the disk of a directory, or of the nearest one above it that is there.
fn free(directory: &Path) -> Option<u64> {
    let there = directory.ancestors().find(|path| path.is_dir());
    let disk = rustix::fs::statvfs(there.unwrap_or(Path::new("."))).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// A file that comes in. Dropping it counts it no more, unless it is kept.
#[derive(Debug)]
pub(crate) struct Incoming {
    space: Space,
    user: Option<String>,
    counted: u64,
}

impl Incoming {
    /// Counts as many bytes of it at least.
    ///
    /// # Errors
    ///
    /// When there is no room for them.
    pub(crate) fn count(&mut self, bytes: u64) -> Result<(), NoSpace> {
        if bytes <= self.counted {
            return Ok(());
        }
        // Not every piece that comes needs a look at the disk.
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

    /// Counts it from now on under a name and with the bytes that it has.
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
        // What is nobody's counts toward all alone.
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
