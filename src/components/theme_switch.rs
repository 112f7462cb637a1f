//! Light or dark.
//!
//! A few lines of script, for every page has it, and most need no bundle.

use leptos::{attr, nonce::use_nonce, prelude::*};

use crate::islands::parts::{
    icons::{Glyph, Icon},
    locale::use_locale,
};

/// Sets the chosen theme before the first paint, and turns it over when the switch is clicked.
const SCRIPT: &str = include_str!("theme_switch.js");

/// The colour of the page's head in each theme, which a phone's browser takes for its own; for the
/// style sheet it is `--surface`.
pub(crate) const LIGHT: &str = "#ffffff";
/// As [`LIGHT`].
pub(crate) const DARK: &str = "#14181f";

/// What the theme needs in the head of the document.
#[component]
pub(crate) fn ThemeHead() -> impl IntoView {
    view! {
        <meta
            name="theme-color"
            content={LIGHT}
            {..attr::media("(prefers-color-scheme: light)")}
        />
        <meta
            name="theme-color"
            content={DARK}
            {..attr::media("(prefers-color-scheme: dark)")}
        />
        <script nonce=use_nonce() data-light={LIGHT} data-dark={DARK}>
            {format!("{{const script=document.currentScript.dataset;{SCRIPT}}}")}
        </script>
    }
}

/// Switches between light and dark.
#[component]
pub(crate) fn ThemeSwitch() -> impl IntoView {
    let words = use_locale().say(
        "Switch between light and dark",
        "Zwischen hell und dunkel wechseln",
    );
    view! {
        <button
            type="button"
            class="icon-button theme-switch"
            data-testid="theme-switch"
            title=words
            aria-label=words
        >
            <Icon glyph=Glyph::Sun />
            <Icon glyph=Glyph::Moon />
        </button>
    }
}
