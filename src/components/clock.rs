//! Times that are absolute on the server and relative in the browser.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    format::{self, Region},
    language::use_locale,
};
use crate::{i18n::locale::Locale, model::job::UnixMillis};

/// The browser's clock, one for the whole page.
///
/// It stands still on the server and until hydration is over, so that both sides render the same.
#[derive(Clone, Copy, Debug)]
struct Clock(ReadSignal<Option<UnixMillis>>);

/// Starts the clock and gives it to everything below.
pub(crate) fn provide_clock() {
    let (now, set_now) = signal(None);
    provide_context(Clock(now));
    Effect::new(move |_| {
        set_now.set(Some(browser_now()));
        let tick = move || set_now.set(Some(browser_now()));
        if let Ok(interval) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || interval.clear());
        }
    });
}

/// Returns the current time, to the second, once that which asks for it is alive: a part of the page that
/// is hydrated after the rest begins as the server rendered it, too.
pub(crate) fn use_now() -> Signal<Option<UnixMillis>> {
    let Some(Clock(now)) = use_context::<Clock>() else {
        return Signal::derive(|| None);
    };
    let (is_alive, set_alive) = signal(false);
    Effect::new(move |_| set_alive.set(true));
    Signal::derive(move || is_alive.get().then(|| now.get()).flatten())
}

/// Returns what the browser's clock shows. Never called on the server.
#[allow(clippy::cast_possible_truncation)] // milliseconds since 1970 fit for 285,000 years
pub(crate) fn browser_now() -> UnixMillis {
    js_sys::Date::now() as UnixMillis
}

/// Shows a point in time: `5 minutes ago`, with the date and the local time as its title.
#[component]
pub(crate) fn Moment(
    /// The point in time.
    #[prop(into)]
    at: Signal<UnixMillis>,
) -> impl IntoView {
    let t = use_locale();
    let now = use_now();
    let text = Memo::new(move |_| {
        now.get()
            .and_then(|now| t.ago(format::between(at.get(), now)))
            .unwrap_or_else(|| t.utc(at.get()))
    });
    let title = written(t, at);
    view! {
        <time datetime=move || format::iso(at.get()) title=title>
            {text}
        </time>
    }
}

/// Shows when something expires: `in 12 days`, with the date and the local time as its title.
#[component]
pub(crate) fn Expiry(
    /// The point in time.
    #[prop(into)]
    at: Signal<UnixMillis>,
) -> impl IntoView {
    let t = use_locale();
    let now = use_now();
    let text = Memo::new(move |_| match now.get() {
        None => t.utc(at.get()),
        Some(now) if now < at.get() => t.ahead(format::between(now, at.get())),
        Some(_) => t.say("Expired", "Abgelaufen").to_owned(),
    });
    let title = written(t, at);
    view! {
        <time datetime=move || format::iso(at.get()) title=title>
            {text}
        </time>
    }
}

/// Shows a point in time as date and local time.
#[component]
pub(crate) fn LocalTime(
    /// The point in time.
    #[prop(into)]
    at: Signal<UnixMillis>,
) -> impl IntoView {
    let text = written(use_locale(), at);
    view! { <time datetime=move || format::iso(at.get())>{text}</time> }
}

/// Writes a point in time: of the browser's place once the page is alive.
fn written(t: Locale, at: Signal<UnixMillis>) -> Memo<String> {
    let now = use_now();
    let alive = Memo::new(move |_| now.get().is_some());
    Memo::new(move |_| {
        if alive.get() {
            local(t, at.get())
        } else {
            t.utc(at.get())
        }
    })
}

/// Writes a point in time of the browser's place in the page's language, as that is written where the
/// browser is from.
fn local(t: Locale, at: UnixMillis) -> String {
    #[allow(clippy::cast_precision_loss)] // exact up to the year 287396
    let date = js_sys::Date::new(&(at as f64).into());
    #[allow(clippy::cast_possible_truncation)] // some hundreds of minutes
    let behind_utc = date.get_timezone_offset() as UnixMillis * 60_000;
    let region = window()
        .navigator()
        .language()
        .map_or(Region::Elsewhere, |tag| Region::of_tag(&tag));
    t.local(at - behind_utc, region)
}
