//! A button that copies.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::parts::{
    icons::{Glyph, Icon},
    locale::use_locale,
};

/// How long a copied list says so.
const COPIED: Duration = Duration::from_secs(2);

/// Puts the entries of a list of the page on the clipboard, one a line, and says so.
#[island]
pub(crate) fn CopyButton(
    /// The identifier of the list.
    list: String,
) -> impl IntoView {
    let t = use_locale();
    let (copied, set_copied) = signal(false);
    let copy = move |_| {
        // A page that came over plain HTTP from another machine may not write there, and has no clipboard.
        if !window().is_secure_context() {
            return;
        }
        let written = window().navigator().clipboard().write_text(&entries(&list));
        spawn_local(async move {
            if JsFuture::from(written).await.is_ok() {
                set_copied.try_set(true);
                let forget = move || {
                    set_copied.try_set(false);
                };
                set_timeout(forget, COPIED);
            }
        });
    };
    let glyph = Signal::derive(move || {
        if copied.get() {
            Glyph::Check
        } else {
            Glyph::Copy
        }
    });
    view! {
        <button type="button" class="button button-quiet script-only" on:click=copy>
            <Icon glyph />
            <span aria-live="polite" translate="no">
                {move || {
                    if copied.get() {
                        t.say("Copied", "Kopiert")
                    } else {
                        t.say("Copy", "Kopieren")
                    }
                }}
            </span>
        </button>
    }
}

fn entries(list: &str) -> String {
    let Ok(entries) = document().query_selector_all(&format!("#{list} > li")) else {
        return String::new();
    };
    let texts = (0..entries.length()).filter_map(|index| entries.get(index)?.text_content());
    texts.collect::<Vec<_>>().join("\n")
}
