//! Keys that do something on every page.

use leptos::{nonce::use_nonce, prelude::*};

const SCRIPT: &str = include_str!("shortcuts.js");

/// Has `/` lead to the search of a page that has one. For the head of the document.
#[component]
pub(crate) fn Shortcuts() -> impl IntoView {
    view! { <script nonce=use_nonce()>{SCRIPT}</script> }
}
