//! Light or dark.

use leptos::prelude::*;
use web_sys::wasm_bindgen::JsCast;

use super::{
    icons::{Glyph, Icon},
    language::use_locale,
};

/// Sets the chosen theme before the first paint. The page's head runs it.
pub(crate) const EARLY_SCRIPT: &str = r##"try{let t=localStorage.getItem("theme");if(t=="light"||t=="dark"){document.documentElement.dataset.theme=t;for(let m of document.querySelectorAll("meta[name=theme-color]"))m.content=t=="dark"?"#14181f":"#ffffff"}}catch{}"##;

/// Where the browser keeps the choice.
const STORED_AS: &str = "theme";

/// Switches between light and dark. Coming back to what the system prefers forgets the choice, so
/// that the page follows the system again.
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
            on:click=move |_| {
                switch();
            }
        >
            <Icon glyph=Glyph::Sun />
            <Icon glyph=Glyph::Moon />
        </button>
    }
}

/// The colour of the page's head in each theme, which a phone's browser takes for its own; for the
/// style sheet it is `--surface`.
pub(crate) const LIGHT: &str = "#ffffff";
/// As [`LIGHT`].
pub(crate) const DARK: &str = "#14181f";

/// Gives the browser around the page the colour of a theme, or of the one that the system prefers.
fn color_browser(theme: Option<&str>) {
    for own in ["light", "dark"] {
        let selector = format!("meta[name=theme-color][media*={own}]");
        if let Ok(Some(meta)) = document().query_selector(&selector) {
            let color = if theme.unwrap_or(own) == "dark" {
                DARK
            } else {
                LIGHT
            };
            // It fails only for a name that is no attribute's.
            let _ = meta.set_attribute("content", color);
        }
    }
}

/// Turns the theme over. A browser that keeps nothing still turns it for this page.
fn switch() -> Option<()> {
    let root = document()
        .document_element()?
        .dyn_into::<web_sys::HtmlElement>()
        .ok()?;
    let system = if system_is_dark() { "dark" } else { "light" };
    let current = root
        .dataset()
        .get("theme")
        .unwrap_or_else(|| system.to_owned());
    let next = if current == "dark" { "light" } else { "dark" };
    let storage = window().local_storage().ok().flatten();
    color_browser(if next == system { None } else { Some(next) });
    if next == system {
        root.dataset().delete("theme");
        storage?.remove_item(STORED_AS).ok()
    } else {
        root.dataset().set("theme", next).ok()?;
        storage?.set_item(STORED_AS, next).ok()
    }
}

fn system_is_dark() -> bool {
    window()
        .match_media("(prefers-color-scheme: dark)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}
