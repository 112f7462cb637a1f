//! Writes times of the server's pages in the reader's time zone.

use leptos::{nonce::use_nonce, prelude::*};

use crate::islands::parts::locale::use_locale;

const SCRIPT: &str = include_str!("local_times.js");

/// The script, for the end of the document. It replaces a time in UTC in the text and title of each element that has it as
/// `data-utc`, and for programs as `data-at`.
#[component]
pub(crate) fn LocalTimes() -> impl IntoView {
    let language = use_locale().language();
    view! {
        <script
            nonce=use_nonce()
            data-months=language.months.join(" ")
            data-after-day=language.behind_day
        >
            {SCRIPT}
        </script>
    }
}
