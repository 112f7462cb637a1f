//! Keeps a page out of search engines.

use leptos::prelude::*;
use leptos_meta::Meta;

/// Tells search engines not to list the page, nor to follow its links.
#[component]
pub(crate) fn NoIndex() -> impl IntoView {
    view! { <Meta name="robots" content="noindex, nofollow" /> }
}
