//! Keeps a page out of search engines.

use leptos::prelude::*;
use leptos_meta::Meta;

#[component]
pub(crate) fn NoIndex() -> impl IntoView {
    view! { <Meta name="robots" content="noindex, nofollow" /> }
}
