//! Keyboard shortcuts of all pages.

use leptos::{nonce::use_nonce, prelude::*};

use crate::islands::parts::locale::use_locale;

const SCRIPT: &str = include_str!("shortcuts.js");

/// Keys for the search field and the rows of a list. For the head of the document.
#[component]
pub(crate) fn Shortcuts() -> impl IntoView {
    view! { <script nonce=use_nonce()>{SCRIPT}</script> }
}

/// The list of keys, which the script shows.
#[component]
pub(crate) fn KeysHelp() -> impl IntoView {
    let t = use_locale();
    let keys = [
        ("/", t.say("Search", "Suchen")),
        ("j", t.say("Next row", "Nächste Zeile")),
        ("k", t.say("Previous row", "Vorherige Zeile")),
        ("x", t.say("Select the row", "Zeile auswählen")),
        (
            "?",
            t.say("Show keyboard shortcuts", "Tastenkürzel anzeigen"),
        ),
    ];
    let keys = keys
        .map(|(key, text)| {
            view! {
                <div>
                    <dt>
                        <kbd>{key}</kbd>
                    </dt>
                    <dd>{text}</dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <dialog id="keys" class="keys" aria-labelledby="keys-title">
            <h2 id="keys-title">{t.say("Keyboard shortcuts", "Tastenkürzel")}</h2>
            <dl>{keys}</dl>
            <form method="dialog">
                <button class="button">{t.say("Close", "Schließen")}</button>
            </form>
        </dialog>
    }
}
