//! The history of an import.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    i18n::locale::Locale,
    model::job::{JobId, UnixMillis},
};

macro_rules! activities {
    ($($(#[$doc:meta])* $name:ident: $stored:literal, $english:literal, $german:literal;)*) => {
        /// Something that happened to an import. Its end is not among them; the import has it.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum ActivityKind {
            $($(#[$doc])* $name,)*
        }

        impl ActivityKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns its name in the database and in style sheets.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $stored,)* }
            }

            /// Returns its name for display.
            #[must_use]
            pub fn words(self, t: Locale) -> &'static str {
                match self { $(Self::$name => t.say($english, $german),)* }
            }
        }
    };
}

activities! {
    /// Its file was uploaded.
    Uploaded: "uploaded", "File uploaded", "Datei hochgeladen";
    /// It was started at the price monitor itself.
    Adopted: "adopted", "Started outside this app", "Außerhalb dieser App gestartet";
    /// It imports the file, or failed rows, of an earlier import again.
    StartedAgain: "started-again", "Started again from an earlier import", "Aus einem früheren Import erneut gestartet";
    /// It undoes another import.
    UndoStarted: "undo-started", "Undo started", "Rückgängigmachen gestartet";
    /// It is in the price monitor's queue.
    Queued: "queued", "Queued", "In die Warteschlange gestellt";
    /// It waits for an answer about its file.
    NeedsInput: "needs-input", "Waiting for input", "Wartet auf Eingabe";
    /// It exceeds a limit and waits for approval.
    NeedsApproval: "needs-approval", "Waiting for approval", "Wartet auf Freigabe";
    /// Its columns were mapped.
    ColumnsMapped: "columns-mapped", "Columns mapped", "Spalten zugeordnet";
    /// It was approved.
    Approved: "approved", "Approved", "Freigegeben";
    /// The price monitor sent its first counts.
    Started: "started", "Import started", "Import gestartet";
    /// The connection to the price monitor was lost.
    ConnectionLost: "connection-lost", "Connection to the price monitor lost; the import kept running", "Verbindung zum Preismonitor verloren; der Import lief weiter";
    /// The connection is back.
    ConnectionBack: "connection-back", "Connected to the price monitor again", "Wieder mit dem Preismonitor verbunden";
    /// Its cancellation was requested.
    CancelRequested: "cancel-requested", "Cancellation requested", "Abbruch angefordert";
    /// Its file was imported again, as another import.
    Retried: "retried", "Imported again", "Erneut importiert";
    /// It was undone, by another import.
    Undone: "undone", "Undo requested", "Rückgängigmachen angefordert";
}

impl ActivityKind {
    /// Returns whether it happens at most once to an import.
    #[must_use]
    pub fn is_once(self) -> bool {
        matches!(
            self,
            Self::Uploaded
                | Self::Adopted
                | Self::StartedAgain
                | Self::UndoStarted
                | Self::Queued
                | Self::Started
        )
    }
}

impl ActivityKind {
    /// Returns whether it happens only to ended imports.
    #[must_use]
    pub fn is_after_the_end(self) -> bool {
        matches!(self, Self::Retried | Self::Undone)
    }

    /// Returns whether it is the first entry of an import.
    #[must_use]
    pub fn is_beginning(self) -> bool {
        matches!(
            self,
            Self::Uploaded | Self::Adopted | Self::StartedAgain | Self::UndoStarted
        )
    }
}

impl FromStr for ActivityKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// An entry of an import's history.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Activity {
    /// Time.
    pub at: UnixMillis,
    /// Kind.
    pub kind: ActivityKind,
    /// Name of the user who did it, if any.
    pub who: Option<String>,
    /// The other import involved.
    pub about: Option<JobId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back() {
        for kind in ActivityKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        assert_eq!("x".parse::<ActivityKind>(), Err(()));
    }
}
