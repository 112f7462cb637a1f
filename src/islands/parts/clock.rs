//! Times that are absolute on the server and relative in the browser.

use std::{cell::OnceCell, time::Duration};

use leptos::prelude::*;

use super::locale::use_locale;
use crate::{i18n::locale::Locale, islands::parts::format, model::job::UnixMillis};

thread_local! {
    /// The browser's clock, one per page.
    static CLOCK: OnceCell<ArcRwSignal<UnixMillis>> = const { OnceCell::new() };
}

fn clock() -> ArcRwSignal<UnixMillis> {
    CLOCK.with(|clock| {
        let start = || {
            let now = ArcRwSignal::new(browser_now());
            let ticking = now.clone();
            // Fails only without timers.
            let _ = set_interval_with_handle(
                move || ticking.set(browser_now()),
                Duration::from_secs(1),
            );
            now
        };
        clock.get_or_init(start).clone()
    })
}

/// Returns the time in seconds after hydration; `None` before and on the server, so that both render the same.
pub(crate) fn use_now() -> Signal<Option<UnixMillis>> {
    let (now, set_now) = signal(None);
    Effect::new(move |_| set_now.set(Some(clock().get())));
    now.into()
}

/// Returns the browser's time. Not for the server.
#[allow(clippy::cast_possible_truncation)] // milliseconds since 1970 fit for 285,000 years
pub(crate) fn browser_now() -> UnixMillis {
    js_sys::Date::now() as UnixMillis
}

/// Shows a time as `5 minutes ago`, with date and local time as its title.
#[component]
pub(crate) fn Moment(#[prop(into)] at: Signal<UnixMillis>) -> impl IntoView {
    let t = use_locale();
    let now = use_now();
    let text = Memo::new(move |_| {
        now.get()
            .and_then(|now| t.ago(format::between(at.get(), now)))
            .unwrap_or_else(|| t.utc(at.get()))
    });
    let title = written(t, at, now);
    view! {
        <time datetime=move || format::iso(at.get()) title=title translate="no">
            {text}
        </time>
    }
}

/// Formats a time: in the browser's time zone after hydration.
fn written(t: Locale, at: Signal<UnixMillis>, now: Signal<Option<UnixMillis>>) -> Memo<String> {
    let is_hydrated = Memo::new(move |_| now.get().is_some());
    Memo::new(move |_| {
        if is_hydrated.get() {
            local(t, at.get())
        } else {
            t.utc(at.get())
        }
    })
}

/// Formats a time in the browser's time zone and the page's language.
fn local(t: Locale, at: UnixMillis) -> String {
    #[allow(clippy::cast_precision_loss)] // exact up to the year 287396
    let date = js_sys::Date::new(&(at as f64).into());
    #[allow(clippy::cast_possible_truncation)] // some hundreds of minutes
    let behind_utc = date.get_timezone_offset() as UnixMillis * 60_000;
    t.date_and_time(at - behind_utc)
}
