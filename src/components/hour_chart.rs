//! A bar chart of an hour.

use leptos::prelude::*;

use crate::islands::parts::locale::use_locale;

/// Number of bars, one per minute.
const MINUTES: usize = 61;

const HEIGHT: u64 = 40;

/// Draws a value for each minute of the last hour, newest on the right.
#[component]
pub(crate) fn HourChart(
    id: &'static str,
    name: &'static str,
    /// The values, oldest first.
    values: Vec<u64>,
) -> impl IntoView {
    let t = use_locale();
    let most = values.iter().copied().max().unwrap_or_default();
    let now = values.last().copied().unwrap_or_default();
    let first = MINUTES.saturating_sub(values.len());
    let bars = values
        .into_iter()
        .enumerate()
        .filter(|(_, value)| *value > 0)
        .map(|(index, value)| {
            // Any value above zero is visible.
            let height = value.saturating_mul(HEIGHT).div_ceil(most.max(1)).max(1);
            let (x, y) = (first + index, HEIGHT - height.min(HEIGHT));
            view! { <rect x=x.to_string() y=y.to_string() width="0.8" height=height.to_string() /> }
        })
        .collect_view();
    let summary = format!(
        "{} {}, {} {}",
        t.say("now", "jetzt"),
        t.count(now),
        t.say("peak", "höchstens"),
        t.count(most)
    );
    view! {
        <figure class="hour" data-testid=id>
            <figcaption id=id>
                <b>{name}</b>
                " "
                <span>{summary}</span>
            </figcaption>
            <svg
                viewBox=format!("0 0 {MINUTES} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-labelledby=id
            >
                {bars}
            </svg>
        </figure>
    }
}
