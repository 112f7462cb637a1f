//! Forms whose answer a passkey gives.
//!
//! A few lines of script, as Web Authentication has no other way; most pages that have such a form need no bundle.

use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{base_path::address, passkey::MAX_PASSKEY_NAME},
};

const SCRIPT: &str = include_str!("passkey.js");

/// Makes a form create a passkey or use one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ceremony {
    /// Creates one.
    Create,
    /// Uses one.
    Get,
}

/// A form that sends the answer of a passkey. Hidden until the script knows that the browser has passkeys.
#[component]
pub(crate) fn PasskeyForm(
    /// Whether a passkey is created or used.
    ceremony: Ceremony,
    /// The path of the function that says what to ask of the browser.
    begin: &'static str,
    /// The path of the function that takes the answer.
    action: &'static str,
    /// Where to go on.
    #[prop(optional_no_strip)]
    next: Option<String>,
    /// The button's text.
    button: &'static str,
    /// Whether it is the page's main button.
    #[prop(default = true)]
    is_main: bool,
    /// Further fields.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let t = use_locale();
    let (kind, cancelled) = match ceremony {
        Ceremony::Create => (
            "create",
            t.say(
                "No passkey was added. Try again, or choose another device.",
                "Es wurde kein Passkey hinzugefügt. Versuche es noch einmal oder wähle ein anderes Gerät.",
            ),
        ),
        Ceremony::Get => (
            "get",
            t.say(
                "No passkey was used. Try again, or sign in another way.",
                "Es wurde kein Passkey verwendet. Versuche es noch einmal oder melde dich anders an.",
            ),
        ),
    };
    let class = if is_main {
        "button button-primary"
    } else {
        "button"
    };
    view! {
        <form
            method="post"
            action=address(action)
            data-passkey=kind
            data-begin=address(begin)
            hidden
        >
            <input type="hidden" name="credential" />
            {next.map(|next| view! { <input type="hidden" name="next" value=next /> })}
            {children.map(|children| children())}
            <p class="form-note" role="alert" data-passkey-cancelled hidden>
                {cancelled}
            </p>
            <button class=class>
                <Icon glyph=Glyph::Key />
                {button}
            </button>
        </form>
    }
}

/// A passkey's name.
#[component]
pub(crate) fn PasskeyName(
    /// How its label points at it.
    #[prop(into)]
    id: String,
    /// What it is called now, or is likely to be.
    value: String,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <div class="field">
            <label for=id.clone()>{t.say("Name", "Name")}</label>
            <input
                id=id
                class="input"
                name="name"
                value=value
                required
                maxlength=MAX_PASSKEY_NAME.to_string()
                autocomplete="off"
            />
        </div>
    }
}

/// The script of all such forms of a page. Stands behind them.
#[component]
pub(crate) fn PasskeyScript() -> impl IntoView {
    view! { <script nonce=use_nonce()>{SCRIPT}</script> }
}
