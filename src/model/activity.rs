//! The history of an import.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    i18n::locale::Locale,
    model::job::{JobId, UnixMillis},
};

macro_rules! activities {
    ($($(#[$doc:meta])* $name:ident($place:ident, $tone:ident): $stored:literal, $english:literal, $german:literal;)*) => {
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

            /// Returns where it stands in a history.
            #[must_use]
            pub fn place(self) -> Place {
                match self { $(Self::$name => Place::$place,)* }
            }

            /// Returns the color of its mark.
            #[must_use]
            pub fn tone(self) -> Tone {
                match self { $(Self::$name => Tone::$tone,)* }
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
    Uploaded(First, Good): "uploaded", "File uploaded", "Datei hochgeladen";
    /// It was started at the price monitor itself.
    Adopted(First, Good): "adopted", "Started outside this app", "Außerhalb dieser App gestartet";
    /// It imports the file, or failed rows, of an earlier import again.
    StartedAgain(First, Good): "started-again", "Started again from an earlier import", "Aus einem früheren Import erneut gestartet";
    /// It undoes another import.
    UndoStarted(First, Good): "undo-started", "Undo started", "Rückgängigmachen gestartet";
    /// It is in the price monitor's queue.
    Queued(Once, Quiet): "queued", "Queued", "In die Warteschlange gestellt";
    /// It waits for an answer about its file.
    NeedsInput(Within, Warning): "needs-input", "Waiting for input", "Wartet auf Eingabe";
    /// It exceeds a limit and waits for approval.
    NeedsApproval(Within, Warning): "needs-approval", "Waiting for approval", "Wartet auf Freigabe";
    /// Its columns were mapped.
    ColumnsMapped(Within, Good): "columns-mapped", "Columns mapped", "Spalten zugeordnet";
    /// It was approved.
    Approved(Within, Good): "approved", "Approved", "Freigegeben";
    /// The price monitor sent its first counts.
    Started(Once, Good): "started", "Import started", "Import gestartet";
    /// The connection to the price monitor was lost.
    ConnectionLost(Within, Bad): "connection-lost", "Connection to the price monitor lost; the import kept running", "Verbindung zum Preismonitor verloren; der Import lief weiter";
    /// The connection is back.
    ConnectionBack(Within, Good): "connection-back", "Connected to the price monitor again", "Wieder mit dem Preismonitor verbunden";
    /// Its cancellation was requested.
    CancelRequested(Within, Quiet): "cancel-requested", "Cancellation requested", "Abbruch angefordert";
    /// Its file was imported again, as another import.
    Retried(AfterEnd, Quiet): "retried", "Imported again", "Erneut importiert";
    /// Some of its rows were imported again, perhaps corrected, as another import.
    RowsRetried(AfterEnd, Quiet): "rows-retried", "Rows imported again", "Zeilen erneut importiert";
    /// It was undone, by another import.
    Undone(AfterEnd, Quiet): "undone", "Undo requested", "Rückgängigmachen angefordert";
}

/// Where an entry stands in the history of an import.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// At its beginning; each import has one such entry.
    First,
    /// Anywhere, at most once.
    Once,
    /// Anywhere.
    Within,
    /// After its end.
    AfterEnd,
}

/// Color of an entry's mark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tone {
    /// As planned.
    Good,
    /// Of little interest.
    Quiet,
    /// Somebody has to act.
    Warning,
    /// Out of order.
    Bad,
}

impl Tone {
    /// Returns its name in style sheets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Quiet => "quiet",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
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
