//! The state of the live updates.

use leptos::prelude::*;

use crate::{
    hooks::{Connection, ProgressError},
    islands::parts::locale::use_locale,
    model::{base_path::address, job::ImportStatus},
};

/// Shows whether the page is live, and if not, that the import continues.
///
/// If the page will not be live again, or without a script, the style sheet shows a link that reloads it.
#[component]
pub(crate) fn ConnectionLine(
    connection: Signal<Connection>,
    status: Signal<ImportStatus>,
    error: Signal<Option<ProgressError>>,
    /// Path of this page.
    here: String,
) -> impl IntoView {
    let t = use_locale();
    let words = move |english, german| move || t.say(english, german).to_owned();
    let or = move |otherwise: &dyn Fn() -> String| {
        error
            .get()
            .map_or_else(otherwise, |error| t.progress_error(&error))
    };
    let text = move || match (connection.get(), status.get().is_final()) {
        (_, true) => words("Finished", "Beendet")(),
        (Connection::Connecting, _) => words("Connecting…", "Verbindet…")(),
        (Connection::Open, _) => or(&words("Live", "Live")),
        (Connection::Polling, _) => or(&words(
            "Live connection lost. Checking every few seconds.",
            "Live-Verbindung unterbrochen. Der Stand wird alle paar Sekunden abgefragt.",
        )),
        (Connection::Reconnecting, _) => words(
            "Reconnecting… Your import is still running.",
            "Verbindung wird wiederhergestellt… Dein Import läuft weiter.",
        )(),
        (Connection::Refused, _) => or(&words(
            "Live updates have stopped.",
            "Keine Live-Updates mehr.",
        )),
        (Connection::Closed, _) => words("Last known state", "Letzter bekannter Stand")(),
    };
    view! {
        <p
            class="connection"
            data-testid="connection"
            data-connection=move || name(connection.get())
            data-final=move || status.get().is_final().then_some("")
        >
            <span class="connection-dot" aria-hidden="true"></span>
            <span class="connection-text" translate="no">
                {text}
            </span>
            <a class="connection-reload" href=address(&here)>
                {t.say("Reload", "Neu laden")}
            </a>
        </p>
    }
}

fn name(connection: Connection) -> &'static str {
    match connection {
        Connection::Closed => "closed",
        Connection::Connecting => "connecting",
        Connection::Open => "open",
        Connection::Polling => "polling",
        Connection::Reconnecting => "reconnecting",
        Connection::Refused => "refused",
    }
}
