//! Notices: errors and empty lists.

use leptos::prelude::*;

use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, sign_in_path},
        error::ApiError,
    },
};

/// Shows an error and what to do about it.
#[component]
pub(crate) fn ErrorNotice(
    error: ApiError,
    /// Path to return to after signing in.
    #[prop(into)]
    here: String,
) -> impl IntoView {
    let t = use_locale();
    let signed_out = error.is_signed_out();
    let text = match error {
        // The link says what to do about it.
        ApiError::SignedOut => t
            .say("You are signed out.", "Du bist abgemeldet.")
            .to_owned(),
        error => t.error(&error),
    };
    let (href, action) = if signed_out {
        (sign_in_path(&here), t.say("Sign in", "Anmelden"))
    } else {
        (here, t.say("Try again", "Noch einmal versuchen"))
    };
    view! {
        <div class="notice" data-kind="error" role="alert">
            <Icon glyph=Glyph::Alert />
            <p>{text}</p>
            <a class="button button-quiet" href=address(&href)>
                {action}
            </a>
        </div>
    }
}

/// Shows that a list is empty, and how to fill it.
#[component]
pub(crate) fn EmptyState(
    glyph: Glyph,
    #[prop(into)] title: String,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-picture">
                <Icon glyph />
            </span>
            <h2>{title}</h2>
            <div class="empty-text">{children()}</div>
        </div>
    }
}
