//! Where something will be in a moment.

use leptos::prelude::*;

use super::language::use_locale;

/// Keeps the place of a list's rows.
#[component]
pub(crate) fn RowsSkeleton(
    /// How many.
    rows: usize,
) -> impl IntoView {
    let t = use_locale();
    let rows = (0..rows).map(|_| view! { <span class="skeleton skeleton-row"></span> });
    view! {
        <div class="skeletons" role="status" aria-label=t.say("Loading", "Lädt")>
            {rows.collect_view()}
        </div>
    }
}

/// Keeps the place of a card.
#[component]
pub(crate) fn CardSkeleton() -> impl IntoView {
    let t = use_locale();
    view! {
        <div class="card skeletons" role="status" aria-label=t.say("Loading", "Lädt")>
            <span class="skeleton skeleton-title"></span>
            <span class="skeleton skeleton-row"></span>
            <span class="skeleton skeleton-row"></span>
        </div>
    }
}
