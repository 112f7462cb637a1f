//! How the page stands to the live updates.

use leptos::prelude::*;

use crate::{hooks::Connection, job::ImportStatus};

/// Says in a line whether what is shown is live, and if not, why that is no harm.
///
/// Where nothing will be live any more, or without script, the style sheet shows a link that
/// reloads the page.
#[component]
pub(crate) fn ConnectionLine(
    /// How the browser stands to the stream.
    connection: Signal<Connection>,
    /// Where the import stands.
    status: Signal<ImportStatus>,
    /// What is wrong, in the hook's words.
    error: Signal<Option<String>>,
) -> impl IntoView {
    let text = move || match (connection.get(), status.get().is_final()) {
        (_, true) => "Final result".to_owned(),
        (Connection::Connecting, _) => "Connecting…".to_owned(),
        (Connection::Open, _) => error.get().unwrap_or_else(|| "Live".to_owned()),
        (Connection::Polling, _) => error
            .get()
            .unwrap_or_else(|| "The price monitor is asked every few seconds.".to_owned()),
        (Connection::Reconnecting, _) => "Reconnecting… The import goes on.".to_owned(),
        (Connection::Refused, _) => error
            .get()
            .unwrap_or_else(|| "Live updates have ended.".to_owned()),
        (Connection::Closed, _) => "Newest known state".to_owned(),
    };
    view! {
        <p
            class="connection"
            data-testid="connection"
            data-connection=move || name(connection.get())
            data-final=move || status.get().is_final().then_some("")
        >
            <span class="connection-dot" aria-hidden="true"></span>
            <span class="connection-text">{text}</span>
            <a class="connection-reload" href="" rel="external">
                "Reload"
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
