//! Opens the stream of a running import before the bundle is loaded.
//!
//! A short script opens it, keeps its newest message, and takes the lock with which a browser's tabs elect the one
//! that keeps a stream. The hook takes both over (`hooks::early`). The script renders nothing.

use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    hooks::SHARED_BY_TABS,
    model::{base_path::base_path, job::JobId, progress::progress_url},
};

const SCRIPT: &str = include_str!("early_stream.js");

/// The script, for the page of an unfinished import.
#[component]
pub(crate) fn EarlyStream(id: JobId) -> impl IntoView {
    let (url, base) = (progress_url(&id), base_path());
    // Neither has characters that need escaping.
    let base = base.as_str();
    let script = format!("const url='{url}',lock='{SHARED_BY_TABS}{base}';{SCRIPT}");
    // Scripts of this type do not wait for style sheets.
    view! {
        <script type="module" async=true nonce=use_nonce()>
            {script}
        </script>
    }
}
