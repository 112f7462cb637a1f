//! News for a page without script.

use leptos::prelude::*;

/// Has a browser without script load the page again while something runs. Its content is no part of the
/// document where there is script, so nothing is looked for in it.
#[component]
pub(crate) fn Refresh(
    /// Whether anything does.
    is_running: Signal<bool>,
) -> impl IntoView {
    let content = move || {
        if is_running.get() {
            r#"<meta http-equiv="refresh" content="5">"#
        } else {
            ""
        }
    };
    view! { <noscript inner_html=content></noscript> }
}
