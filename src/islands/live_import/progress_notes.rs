//! What there is to say of an import beside its numbers.

use leptos::prelude::*;

use crate::{
    hooks::{Connection, ProgressError},
    islands::parts::{
        clock::{browser_now, use_now},
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, sign_in_path},
        job::{ImportProgress, ImportStatus, UnixMillis},
    },
};

/// After so long without a change somebody may begin to wonder.
const QUIET: UnixMillis = 60_000;
/// So long a page listens itself before it says that nothing is heard: what is recorded may be older
/// than what is known.
const LISTENED: UnixMillis = 20_000;

/// Returns whether nothing has been heard of an import for so long that it is worth a word.
fn is_quiet(
    now: UnixMillis,
    recorded_at: Option<UnixMillis>,
    looks_since: UnixMillis,
    changed_at: Option<UnixMillis>,
) -> bool {
    match changed_at {
        Some(changed_at) => now - changed_at >= QUIET,
        None => {
            let last = recorded_at.unwrap_or(looks_since).min(looks_since);
            now - last >= QUIET && now - looks_since >= LISTENED
        }
    }
}

/// Says that an import of which nothing is heard is probably well.
#[component]
pub(super) fn Quiet(
    /// The newest known counts.
    progress: Signal<ImportProgress>,
    /// Where the import stands.
    status: Signal<ImportStatus>,
    /// How the browser stands to the stream.
    connection: Signal<Connection>,
    /// When the newest of the numbers was recorded that the page began with.
    updated_at: Signal<Option<UnixMillis>>,
) -> impl IntoView {
    let t = use_locale();
    let now = use_now();
    let looks_since = RwSignal::new(None);
    let changed_at = RwSignal::new(None);
    Effect::new(move |before: Option<ImportProgress>| {
        let progress = progress.get();
        match before {
            None => looks_since.set(Some(browser_now())),
            Some(before) if before != progress => changed_at.set(Some(browser_now())),
            Some(_) => {}
        }
        progress
    });
    let is_quiet = Memo::new(move |_| {
        let is_followed = matches!(connection.get(), Connection::Open | Connection::Polling);
        let (Some(now), Some(looks_since)) = (now.get(), looks_since.get()) else {
            return false;
        };
        is_followed
            && !status.get().is_final()
            && is_quiet(now, updated_at.get(), looks_since, changed_at.get())
    });
    view! {
        <p
            class="progress-quiet"
            data-testid="quiet"
            data-off=move || (!is_quiet.get()).then_some("")
        >
            {t.say(
                "No updates for a minute. The import is still running; you can leave this page.",
                "Seit einer Minute nichts Neues. Der Import läuft weiter; du kannst diese Seite verlassen.",
            )}
        </p>
    }
}

/// Says that nothing more is told for want of a session, and how to come back.
#[component]
pub(super) fn SignedOut(
    /// How the browser stands to the stream.
    connection: Signal<Connection>,
    /// What is wrong.
    error: Signal<Option<ProgressError>>,
    /// The path of this page.
    here: String,
) -> impl IntoView {
    let t = use_locale();
    let is_signed_out = Memo::new(move |_| {
        let is_signed_out = error.with(|error| {
            let error = error.as_ref();
            error.is_some_and(ProgressError::is_signed_out)
        });
        connection.get() == Connection::Refused && is_signed_out
    });
    let href = address(&sign_in_path(&here));
    view! {
        <p
            class="progress-signed-out"
            role="status"
            data-testid="signed-out"
            data-off=move || (!is_signed_out.get()).then_some("")
        >
            <span translate="no">
                {move || {
                    is_signed_out
                        .get()
                        .then(|| {
                            t.say(
                                "You've been signed out. The import is still running.",
                                "Du wurdest abgemeldet. Der Import läuft weiter.",
                            )
                        })
                }}
            </span>
            <a class="button button-quiet" href=href>
                {t.say("Sign in", "Anmelden")}
            </a>
        </p>
    }
}

/// Why the import failed. The headline says that it did, and of one that somebody stopped how far it was.
/// Trouble with the connection is no failure, and not said here.
#[component]
pub(super) fn JobError(
    /// Where the import stands.
    status: Signal<ImportStatus>,
    /// What is wrong.
    error: Signal<Option<ProgressError>>,
    /// Whether somebody has cancelled it.
    cancelled: Signal<bool>,
) -> impl IntoView {
    let t = use_locale();
    let reason = Memo::new(move |_| {
        (status.get() == ImportStatus::Error && !cancelled.get()).then(|| error.get())
    });
    move || {
        reason.get().map(|reason| {
            let is_theirs = |error: &ProgressError| error.reason().code().is_none();
            let theirs = reason.as_ref().is_some_and(is_theirs).then(|| {
                let says = t.say("The price monitor says:", "Der Preismonitor meldet:");
                view! { <span class="notice-source">{says} " "</span> }
            });
            let text = match reason {
                Some(error) => t.progress_error(&error),
                None => t.say("No reason was given.", "Es wurde kein Grund angegeben.").to_owned(),
            };
            view! {
                <div class="notice" data-kind="error" data-testid="job-error" role="alert" translate="no">
                    <Icon glyph=Glyph::Alert />
                    <p>{theirs} {text}</p>
                </div>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_counted_from_the_last_news_and_not_from_the_page_s_own_beginning() {
        // Recorded a minute before the page began to look.
        assert!(!is_quiet(100_000, Some(40_000), 100_000, None));
        assert!(is_quiet(120_000, Some(40_000), 100_000, None));
        // Nothing is known of the time before.
        assert!(!is_quiet(120_000, None, 100_000, None));
        assert!(is_quiet(160_000, None, 100_000, None));
        // News ends the silence.
        assert!(!is_quiet(160_000, Some(40_000), 100_000, Some(150_000)));
        assert!(is_quiet(210_000, Some(40_000), 100_000, Some(150_000)));
    }

    #[test]
    fn clocks_that_disagree_make_no_silence() {
        assert!(!is_quiet(100_000, Some(900_000), 90_000, None));
    }
}
