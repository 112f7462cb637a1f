//! Times on pages that do not change while shown.

use leptos::prelude::*;

use crate::{
    i18n::locale::Locale,
    islands::parts::{format, locale::use_locale},
    model::{clock::now, job::UnixMillis},
};

/// Shows a time as `5 minutes ago`, with date and time as its title: in UTC, until a script writes them in the reader's
/// time zone.
#[component]
pub(crate) fn Moment(at: UnixMillis) -> impl IntoView {
    let t = use_locale();
    let text = t.ago(format::between(at, now()));
    view! {
        <time datetime=format::iso(at) data-at=format::iso(at) data-utc=t.utc(at) title=t.utc(at)>
            {text.unwrap_or_else(|| t.utc(at))}
        </time>
    }
}

/// Shows an expiry as `in 12 days`, with date and time as its title.
#[component]
pub(crate) fn Expiry(at: UnixMillis) -> impl IntoView {
    let t = use_locale();
    let text = ahead(t, at, now()).unwrap_or_else(|| t.say("Expired", "Abgelaufen").to_owned());
    view! {
        <time datetime=format::iso(at) data-at=format::iso(at) data-utc=t.utc(at) title=t.utc(at)>
            {text}
        </time>
    }
}

/// Shows a future time: `in 12 days`, with date and time as its title.
#[component]
pub(crate) fn Due(
    /// The point in time.
    at: UnixMillis,
    /// Text before a future time.
    #[prop(optional)]
    before: &'static str,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <time datetime=format::iso(at) data-at=format::iso(at) data-utc=t.utc(at) title=t.utc(at)>
            {due(t, before, at, now())}
        </time>
    }
}

/// Says when something is to be done. What should have begun has not expired: it is about to.
fn due(t: Locale, before: &str, at: UnixMillis, now: UnixMillis) -> String {
    match ahead(t, at, now) {
        Some(ahead) => format!("{before}{ahead}"),
        None => t.say("Due now", "Jetzt fällig").to_owned(),
    }
}

fn ahead(t: Locale, at: UnixMillis, now: UnixMillis) -> Option<String> {
    (now < at).then(|| t.ahead(format::between(now, at)))
}

/// Shows date and time.
#[component]
pub(crate) fn WrittenTime(at: UnixMillis) -> impl IntoView {
    let t = use_locale();
    view! { <time datetime=format::iso(at) data-at=format::iso(at) data-utc=t.utc(at)>{t.utc(at)}</time> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_is_due_and_never_expired() {
        for (at, english, german) in [
            (1_000, "Due now", "Jetzt fällig"),
            (61_000, "Next in 1 minute", "Nächster in 1 Minute"),
        ] {
            assert_eq!(due(Locale::English, "Next ", at, 1_000), english);
            assert_eq!(due(Locale::German, "Nächster ", at, 1_000), german);
        }
    }
}
