//! An import's numbers, live before the program is there.
//!
//! The program of a page is a hundred times its text. Until it has come and runs, a few lines of script
//! follow the import's stream and write its numbers into the page as it was sent. Then the hook takes
//! the stream over, open as it is, and the lock by which the tabs of a browser know who keeps one
//! (`hooks::early`). Where another tab keeps the stream the script closes its own, or opens none if it
//! hears of it in time: a browser opens six HTTP/1.1 connections at most, and the program needs one of
//! them. Where the browser has no locks it does nothing.

use leptos::{nonce::use_nonce, prelude::*};

/// What the page of an import runs while it is read.
const SCRIPT: &str = include_str!("early_progress.js");

/// The script, for the head of the page of an import.
#[component]
pub(crate) fn EarlyProgress() -> impl IntoView {
    view! { <script nonce=use_nonce()>{SCRIPT}</script> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hooks::SHARED_BY_TABS, model::progress::progress_url};

    #[test]
    fn the_script_knows_the_stream_and_the_lock_by_the_names_that_the_hooks_give_them() {
        let url = progress_url(&"JOB".parse().unwrap()).replace("JOB", "${job}");
        assert!(SCRIPT.contains(&format!("`${{base}}{url}`")));
        assert!(SCRIPT.contains(&format!("`{SHARED_BY_TABS}${{base}}`")));
        // It stands inside a `script` element.
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }
}
