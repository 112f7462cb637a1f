//! Remembers an unfinished upload, so that it can be resumed after a reload when the same file is chosen. Only the
//! newest is remembered, in this browser.

use gloo_net::http::Method;
use leptos::prelude::window;
use web_sys::{File, Storage};

use super::request::{ask, whole};
use crate::{islands::parts::format, model::base_path::base_path};

/// Apps on the same host have different keys.
fn key() -> String {
    format!("import-relay.unfinished-upload{}", base_path().as_str())
}

/// An unfinished upload: its URL, and what a browser knows of its file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unfinished {
    /// URL of the upload.
    pub(super) location: String,
    pub(super) size: u64,
    modified: u64,
    /// What to do with the file.
    told: String,
    pub(super) name: String,
}

impl Unfinished {
    pub(super) fn new(file: &File, told: &str, location: &str) -> Self {
        Self {
            location: location.to_owned(),
            size: whole(file.size()),
            modified: whole(file.last_modified()),
            told: told.to_owned(),
            name: file.name(),
        }
    }

    /// Remembers this upload instead of any other.
    pub(super) fn remember(&self) {
        if let Some(storage) = storage() {
            // If storage is full or forbidden, a reload starts again.
            let _ = storage.set_item(&key(), &self.entry());
        }
    }

    pub(super) fn find() -> Option<Self> {
        Self::read(&storage()?.get_item(&key()).ok().flatten()?)
    }

    /// Forgets the upload with this URL.
    pub(super) fn forget(location: &str) {
        if Self::find().is_some_and(|left| left.location == location)
            && let Some(storage) = storage()
        {
            let _ = storage.remove_item(&key());
        }
    }

    /// Returns whether it is of this file, with any options.
    pub(super) fn is_of_file(&self, file: &File) -> bool {
        self.is_of(file, &self.told)
    }

    /// Returns whether it is of this file with these options.
    pub(super) fn is_of(&self, file: &File, told: &str) -> bool {
        *self == Self::new(file, told, &self.location)
    }

    fn entry(&self) -> String {
        let Self {
            location,
            size,
            modified,
            told,
            name,
        } = self;
        format!("{location}\n{size}\n{modified}\n{told}\n{name}")
    }

    fn read(entry: &str) -> Option<Self> {
        // A name may have line breaks.
        let mut fields = entry.splitn(5, '\n');
        Some(Self {
            location: fields.next()?.to_owned(),
            size: fields.next()?.parse().ok()?,
            modified: fields.next()?.parse().ok()?,
            told: fields.next()?.to_owned(),
            name: fields.next()?.to_owned(),
        })
    }
}

/// An unfinished upload as the server knows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Left {
    pub(super) unfinished: Unfinished,
    /// Percentage that has arrived.
    pub(super) percent: u8,
}

impl Left {
    /// Requests the remembered upload; forgets one that no longer exists.
    pub(super) async fn find() -> Option<Self> {
        let unfinished = Unfinished::find()?;
        let answer = ask(Method::HEAD, &unfinished.location, &[]).await;
        match (answer.status, answer.offset) {
            (200, Some(there)) if answer.job.is_none() => {
                let percent = format::share(there, unfinished.size).unwrap_or_default();
                Some(Self {
                    unfinished,
                    percent,
                })
            }
            (200, _) | (403 | 404 | 410, _) => {
                Unfinished::forget(&unfinished.location);
                None
            }
            _ => None,
        }
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_reads_back_whatever_its_file_is_called() {
        let left = Unfinished {
            location: "/uploads/1".to_owned(),
            size: 12,
            modified: 1_764_000_000_123,
            told: "false products=existing".to_owned(),
            name: "a\nb 1.csv".to_owned(),
        };
        assert_eq!(Unfinished::read(&left.entry()), Some(left));
        for text in ["", "nonsense", "/uploads/1\n12 34 false b.csv"] {
            assert_eq!(Unfinished::read(text), None);
        }
    }
}
