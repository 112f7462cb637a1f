//! Reloads a page without a script.

use leptos::prelude::*;

/// Reloads the page regularly while something runs, if scripts are off.
#[component]
pub(crate) fn Refresh(is_running: bool) -> impl IntoView {
    is_running.then(|| {
        view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="5">"#></noscript> }
    })
}
