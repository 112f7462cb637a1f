//! Notes on an import beside its numbers.

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

/// Silence after which users may wonder.
const QUIET: UnixMillis = 60_000;
/// How long a page listens before it reports silence, because recorded states may be outdated.
const LISTENED: UnixMillis = 20_000;

/// Returns whether the silence is long enough to mention.
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

/// Explains that a silent import is probably still running.
#[component]
pub(super) fn Quiet(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
    connection: Signal<Connection>,
    /// When the counts were recorded that the page started with.
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

/// Explains that updates have stopped because the user is signed out, with a link to sign in.
#[component]
pub(super) fn SignedOut(
    connection: Signal<Connection>,
    error: Signal<Option<ProgressError>>,
    /// Path of this page.
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

/// Why the import failed. The headline says that it failed, or how far a cancelled one was. Connection problems are
/// not failures, and not shown here.
#[component]
pub(super) fn JobError(
    status: Signal<ImportStatus>,
    error: Signal<Option<ProgressError>>,
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
        // Recorded a minute before the page started to listen.
        assert!(!is_quiet(100_000, Some(40_000), 100_000, None));
        assert!(is_quiet(120_000, Some(40_000), 100_000, None));
        // Nothing is known about the time before.
        assert!(!is_quiet(120_000, None, 100_000, None));
        assert!(is_quiet(160_000, None, 100_000, None));
        // An update ends the silence.
        assert!(!is_quiet(160_000, Some(40_000), 100_000, Some(150_000)));
        assert!(is_quiet(210_000, Some(40_000), 100_000, Some(150_000)));
    }

    #[test]
    fn clocks_that_disagree_make_no_silence() {
        assert!(!is_quiet(100_000, Some(900_000), 90_000, None));
    }
}
