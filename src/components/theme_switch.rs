//! Light or dark.

use leptos::prelude::*;
use web_sys::wasm_bindgen::JsCast;

use super::icons::{Glyph, Icon};

/// Sets the chosen theme before the first paint. The page's head runs it.
pub(crate) const EARLY_SCRIPT: &str = r#"try{let t=localStorage.getItem("theme");if(t=="light"||t=="dark")document.documentElement.dataset.theme=t}catch{}"#;

/// Where the browser keeps the choice.
const STORED_AS: &str = "theme";

/// Switches between light and dark. Coming back to what the system prefers forgets the choice, so
/// that the page follows the system again.
#[component]
pub(crate) fn ThemeSwitch() -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button theme-switch"
            data-testid="theme-switch"
            title="Switch between light and dark"
            aria-label="Switch between light and dark"
            on:click=move |_| {
                switch();
            }
        >
            <Icon glyph=Glyph::Sun />
            <Icon glyph=Glyph::Moon />
        </button>
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
