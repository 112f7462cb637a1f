//! The stream of an import that runs, open before the bundle is there.
//!
//! A few lines of script open it and keep its newest message, and the lock by which the tabs of a browser know which
//! of them keeps one. The hook takes both over (`hooks::early`). The script shows nothing.

use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    hooks::SHARED_BY_TABS,
    model::{base_path::base_path, job::JobId, progress::progress_url},
};

const SCRIPT: &str = include_str!("early_stream.js");

/// The script, for the page of an import that is not over.
#[component]
pub(crate) fn EarlyStream(
    /// Which import it is.
    id: JobId,
) -> impl IntoView {
    let (url, base) = (progress_url(&id), base_path());
    // Neither has a character that is to be escaped.
    let base = base.as_str();
    let script = format!("const url='{url}',lock='{SHARED_BY_TABS}{base}';{SCRIPT}");
    // Of this kind it waits for no style sheet.
    view! {
        <script type="module" async=true nonce=use_nonce()>
            {script}
        </script>
    }
}
