//! Times that are absolute on the server and relative in the browser.

use std::{cell::OnceCell, time::Duration};

use leptos::prelude::*;

use super::locale::use_locale;
use crate::{
    i18n::locale::Locale,
    islands::parts::format::{self, Region},
    model::job::UnixMillis,
};

thread_local! {
    /// The browser's clock, one for the whole page.
    static CLOCK: OnceCell<ArcRwSignal<UnixMillis>> = const { OnceCell::new() };
}

fn clock() -> ArcRwSignal<UnixMillis> {
    CLOCK.with(|clock| {
        let start = || {
            let now = ArcRwSignal::new(browser_now());
            let ticking = now.clone();
            // It fails only where the browser has no timers.
            let _ = set_interval_with_handle(
                move || ticking.set(browser_now()),
                Duration::from_secs(1),
            );
            now
        };
        clock.get_or_init(start).clone()
    })
}

/// Returns the current time, to the second, once that which asks for it is hydrated: until then both sides render the
/// same. On the server it is unknown.
pub(crate) fn use_now() -> Signal<Option<UnixMillis>> {
    let (now, set_now) = signal(None);
    Effect::new(move |_| set_now.set(Some(clock().get())));
    now.into()
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
    let title = written(t, at, now);
    view! {
        <time datetime=move || format::iso(at.get()) title=title translate="no">
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
    let text = written(use_locale(), at, use_now());
    view! {
        <time datetime=move || format::iso(at.get()) translate="no">
            {text}
        </time>
    }
}

/// Writes a point in time: of the browser's place once the page is hydrated.
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
