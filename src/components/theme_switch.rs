//! Light and dark theme.
//!
//! A short script, because every page has it and most need no bundle.

use leptos::{attr, nonce::use_nonce, prelude::*};

use crate::islands::parts::{
    icons::{Glyph, Icon},
    locale::use_locale,
};

/// Sets the chosen theme before the first paint, and switches it on click.
const SCRIPT: &str = include_str!("theme_switch.js");

/// Colour of the browser's toolbar in each theme; `--surface` in the style sheet.
pub(crate) const LIGHT: &str = "#ffffff";
pub(crate) const DARK: &str = "#14181f";

/// The theme's elements for the head of the document.
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
