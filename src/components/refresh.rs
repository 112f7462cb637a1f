//! News for a page without script.

use leptos::prelude::*;

/// Has a browser without script load the page again while something runs.
#[component]
pub(crate) fn Refresh(
    /// Whether anything does.
    is_running: bool,
) -> impl IntoView {
    is_running.then(|| {
        view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="5">"#></noscript> }
    })
}
