//! What has happened to an import.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    i18n::locale::Locale,
    model::job::{JobId, UnixMillis},
};

macro_rules! activities {
    ($($(#[$doc:meta])* $name:ident: $stored:literal, $english:literal, $german:literal;)*) => {
        /// Something that can happen to an import. Its end is the import's own.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum ActivityKind {
            $($(#[$doc])* $name,)*
        }

        impl ActivityKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the word for it in databases and style sheets.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $stored,)* }
            }

            /// Says it in words.
            #[must_use]
            pub fn words(self, t: Locale) -> &'static str {
                match self { $(Self::$name => t.say($english, $german),)* }
            }
        }
    };
}

activities! {
    /// Its file came in.
    Uploaded: "uploaded", "File uploaded", "Datei hochgeladen";
    /// It was started at the price monitor itself.
    Adopted: "adopted", "Started outside this app", "Außerhalb dieser App gestartet";
    /// It imports the file, or failed rows, of another one again.
    StartedAgain: "started-again", "Started again from an earlier import", "Aus einem früheren Import erneut gestartet";
    /// It takes another one back.
    UndoStarted: "undo-started", "Undo started", "Rückgängigmachen gestartet";
    /// The price monitor has taken it, and begins once its turn comes.
    Queued: "queued", "Queued", "In die Warteschlange gestellt";
    /// It waits for somebody to say how its file is to be read.
    NeedsInput: "needs-input", "Waiting for input", "Wartet auf Eingabe";
    /// It waits for somebody to approve that it goes over a limit.
    NeedsApproval: "needs-approval", "Waiting for approval", "Wartet auf Freigabe";
    /// Somebody said what its columns hold.
    ColumnsMapped: "columns-mapped", "Columns mapped", "Spalten zugeordnet";
    /// Somebody let it go over its limit.
    Approved: "approved", "Approved", "Freigegeben";
    /// The price monitor has told its first counts.
    Started: "started", "Import started", "Import gestartet";
    /// The price monitor's live connection was lost.
    ConnectionLost: "connection-lost", "Connection to the price monitor lost; the import kept running", "Verbindung zum Preismonitor verloren; der Import lief weiter";
    /// It is back.
    ConnectionBack: "connection-back", "Connected to the price monitor again", "Wieder mit dem Preismonitor verbunden";
    /// Somebody asked for it to be cancelled.
    CancelRequested: "cancel-requested", "Cancellation requested", "Abbruch angefordert";
    /// It was imported once more, as another import.
    Retried: "retried", "Imported again", "Erneut importiert";
    /// It was taken back, by another import.
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
    /// Returns whether it happens only to imports that are over.
    #[must_use]
    pub fn is_after_the_end(self) -> bool {
        matches!(self, Self::Retried | Self::Undone)
    }

    /// Returns whether nothing of an import happens before.
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

/// Something that has happened to an import.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Activity {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub kind: ActivityKind,
    /// Who did it, where somebody did.
    pub who: Option<String>,
    /// The other import that it is about.
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
