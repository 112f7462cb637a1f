//! Forms that are answered by a passkey.
//!
//! They use a short script, because Web Authentication needs one and most of these pages need no bundle.

use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{base_path::address, passkey::MAX_PASSKEY_NAME},
};

const SCRIPT: &str = include_str!("passkey.js");

/// What a form does with a passkey.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

/// A form that submits the answer of a passkey. Hidden until the script finds that the browser supports passkeys.
#[component]
pub(crate) fn PasskeyForm(
    ceremony: Ceremony,
    /// Path of the function that returns the browser's options.
    begin: &'static str,
    /// Path of the function that takes the answer.
    action: &'static str,
    /// Path to continue at.
    #[prop(optional_no_strip)]
    next: Option<String>,
    button: &'static str,
    /// Whether the button is the primary one.
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

/// The field for a passkey's name.
#[component]
pub(crate) fn PasskeyName(
    #[prop(into)] id: String,
    /// The current name, or a suggestion.
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

/// The script of all passkey forms of a page. Place it after them.
#[component]
pub(crate) fn PasskeyScript() -> impl IntoView {
    view! { <script nonce=use_nonce()>{SCRIPT}</script> }
}
