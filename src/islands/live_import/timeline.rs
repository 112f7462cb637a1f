//! What has happened to an import, in the order in which the page learned of it.

use leptos::prelude::*;

use serde::{Deserialize, Serialize};

use crate::{
    hooks::{Connection, UseProductImportProgressReturn},
    i18n::locale::Locale,
    islands::parts::{
        clock::{LocalTime, browser_now},
        locale::use_locale,
    },
    model::job::{ImportStatus, UnixMillis},
};

/// The most entries that are kept beside the first and the last.
const MOST: usize = 12;

/// Something that happened.
// The key of a list is serializable where there are islands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
enum Happening {
    HandedIn,
    Connected,
    Lost,
    Polling,
    Back,
    SignedOut,
    Cancelled,
    Ended(ImportStatus),
}

impl Happening {
    fn text(self, t: Locale) -> &'static str {
        match self {
            Self::HandedIn => t.say("File uploaded", "Datei hochgeladen"),
            Self::Connected => t.say("Connected", "Verbunden"),
            Self::Lost => t.say(
                "Connection lost (import kept running)",
                "Verbindung verloren (Import lief weiter)",
            ),
            Self::Polling => t.say(
                "Live connection down; switched to polling",
                "Live-Verbindung ausgefallen; Stand wird regelmäßig abgefragt",
            ),
            Self::Back => t.say("Reconnected", "Wieder verbunden"),
            Self::SignedOut => t.say("Live updates stopped", "Live-Updates beendet"),
            Self::Cancelled => t.say("Import cancelled", "Import abgebrochen"),
            Self::Ended(ImportStatus::Success) => {
                t.say("All products imported", "Alle Produkte importiert")
            }
            Self::Ended(ImportStatus::PartialSuccess) => {
                t.say("Finished with errors", "Mit Fehlern abgeschlossen")
            }
            Self::Ended(_) => t.say("Import failed", "Import fehlgeschlagen"),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::HandedIn | Self::Connected | Self::Back => "good",
            Self::Lost | Self::Polling | Self::SignedOut => "bad",
            Self::Cancelled => "quiet",
            Self::Ended(ImportStatus::Success) => "success",
            Self::Ended(ImportStatus::PartialSuccess) => "warning",
            Self::Ended(_) => "danger",
        }
    }
}

/// Returns what a change of the connection means, if it is worth a word.
fn happening(before: Option<Connection>, now: Connection) -> Option<Happening> {
    match (before?, now) {
        (Connection::Connecting, Connection::Open) => Some(Happening::Connected),
        (Connection::Reconnecting | Connection::Polling, Connection::Open) => Some(Happening::Back),
        (Connection::Open | Connection::Polling, Connection::Reconnecting) => Some(Happening::Lost),
        (_, Connection::Polling) => Some(Happening::Polling),
        (_, Connection::Refused) => Some(Happening::SignedOut),
        _ => None,
    }
}

/// Lists what has happened, the newest first.
#[component]
pub(crate) fn Timeline(
    /// The import's progress.
    live: UseProductImportProgressReturn,
    /// When the file was handed in.
    created_at: UnixMillis,
    /// When the import ended.
    #[prop(into)]
    completed_at: Signal<Option<UnixMillis>>,
    /// Whether somebody has cancelled it.
    #[prop(optional, into)]
    cancelled: Signal<bool>,
) -> impl IntoView {
    let t = use_locale();
    let UseProductImportProgressReturn {
        status, connection, ..
    } = live;
    let seen = RwSignal::new(Vec::<(UnixMillis, Happening)>::new());
    Effect::new(move |before: Option<Connection>| {
        let now = connection.get();
        if let Some(happening) = happening(before, now)
            && !status.get_untracked().is_final()
        {
            seen.update(|seen| {
                seen.push((browser_now(), happening));
                if seen.len() > MOST {
                    seen.remove(1);
                }
            });
        }
        now
    });
    let entries = move || {
        let end = completed_at
            .get()
            .filter(|_| status.get().is_final())
            .map(|at| {
                let how = if cancelled.get() {
                    Happening::Cancelled
                } else {
                    Happening::Ended(status.get())
                };
                (at, how)
            });
        let mut entries: Vec<_> = std::iter::once((created_at, Happening::HandedIn))
            .chain(seen.get())
            .chain(end)
            .collect();
        entries.reverse();
        entries
    };
    view! {
        <section class="card timeline" aria-labelledby="timeline-title" data-testid="timeline">
            <header class="card-head">
                <h2 id="timeline-title">{t.say("Activity", "Verlauf")}</h2>
            </header>
            <ol>
                <For each=entries key=|entry| *entry let:entry>
                    <li data-kind=entry.1.kind()>
                        <span class="timeline-text" translate="no">
                            {entry.1.text(t)}
                        </span>
                        <LocalTime at=entry.0 />
                    </li>
                </For>
            </ol>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_person_would_tell_is_told() {
        use Connection::{Closed, Connecting, Open, Polling, Reconnecting, Refused};
        for (before, now, told) in [
            (None, Open, None),
            (Some(Connecting), Open, Some(Happening::Connected)),
            (Some(Open), Reconnecting, Some(Happening::Lost)),
            (Some(Connecting), Reconnecting, None),
            (Some(Reconnecting), Open, Some(Happening::Back)),
            (Some(Open), Polling, Some(Happening::Polling)),
            (Some(Open), Closed, None),
            (Some(Reconnecting), Refused, Some(Happening::SignedOut)),
        ] {
            assert_eq!(happening(before, now), told, "{before:?} {now:?}");
        }
    }
}
