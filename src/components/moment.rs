//! Times on pages that do not change while shown.

use std::time::SystemTime;

use leptos::prelude::*;

use crate::{
    islands::parts::{format, locale::use_locale},
    model::job::UnixMillis,
};

pub(super) fn now() -> UnixMillis {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
}

/// Shows a time as `5 minutes ago`, with date and time in UTC as its title.
#[component]
pub(crate) fn Moment(at: UnixMillis) -> impl IntoView {
    let t = use_locale();
    let text = t.ago(format::between(at, now()));
    view! {
        <time datetime=format::iso(at) title=t.utc(at)>
            {text.unwrap_or_else(|| t.utc(at))}
        </time>
    }
}

/// Shows an expiry as `in 12 days`, with date and time in UTC as its title.
#[component]
pub(crate) fn Expiry(at: UnixMillis) -> impl IntoView {
    let t = use_locale();
    let now = now();
    let text = if now < at {
        t.ahead(format::between(now, at))
    } else {
        t.say("Expired", "Abgelaufen").to_owned()
    };
    view! {
        <time datetime=format::iso(at) title=t.utc(at)>
            {text}
        </time>
    }
}

/// Shows date and time in UTC.
#[component]
pub(crate) fn WrittenTime(at: UnixMillis) -> impl IntoView {
    let t = use_locale();
    view! { <time datetime=format::iso(at)>{t.utc(at)}</time> }
}
