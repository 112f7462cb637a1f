//! Remembers where an upload is that has not come to its end, so that it goes on from there after a reload,
//! once the same file is chosen again. Only the newest is remembered, in this browser.

use leptos::prelude::window;
use web_sys::{File, Storage};

use crate::model::base_path::base_path;

/// Another app on the same host has uploads of its own.
fn key() -> String {
    format!("import-relay.unfinished-upload{}", base_path().as_str())
}

/// What tells a file from others, as far as a browser says it, and what is to be done with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn of(file: &File, told: &str) -> Self {
        Self::new(&file.name(), file.size(), file.last_modified(), told)
    }

    fn new(name: &str, size: f64, modified: f64, told: &str) -> Self {
        Self(format!("{size} {modified} {told} {name}"))
    }

    /// Remembers where the upload of this file is, and forgets any other.
    pub(super) fn remember(&self, location: &str) {
        if let Some(storage) = storage() {
            // Storage that is full or forbidden only means that a reload begins anew.
            let _ = storage.set_item(&key(), &self.entry(location));
        }
    }

    /// Where the upload of this file was left.
    pub(super) fn recall(&self) -> Option<String> {
        let entry = storage()?.get_item(&key()).ok().flatten()?;
        self.location_in(&entry).map(str::to_owned)
    }

    /// Forgets where the upload of this file is.
    pub(super) fn forget(&self) {
        if self.recall().is_some()
            && let Some(storage) = storage()
        {
            let _ = storage.remove_item(&key());
        }
    }

    fn entry(&self, location: &str) -> String {
        format!("{location}\n{}", self.0)
    }

    fn location_in<'entry>(&self, entry: &'entry str) -> Option<&'entry str> {
        let (location, of) = entry.split_once('\n')?;
        (of == self.0).then_some(location)
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_recalled_for_its_file_alone() {
        let file = Fingerprint::new("a\nb.csv", 12.0, 34.0, "false");
        let entry = file.entry("/uploads/1");
        assert_eq!(file.location_in(&entry), Some("/uploads/1"));
        for other in [
            Fingerprint::new("a\nb.csv", 13.0, 34.0, "false"),
            Fingerprint::new("a\nb.csv", 12.0, 35.0, "false"),
            Fingerprint::new("a\nb.csv", 12.0, 34.0, "true"),
            Fingerprint::new("b.csv", 12.0, 34.0, "false"),
        ] {
            assert_eq!(other.location_in(&entry), None);
        }
        assert_eq!(file.location_in("nonsense"), None);
    }
}
