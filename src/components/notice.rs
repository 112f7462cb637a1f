//! What has to be said: errors, and lists with nothing in them.

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

/// Says that something could not be had, why, and what to do.
#[component]
pub(crate) fn ErrorNotice(
    /// Why.
    error: ApiError,
    /// Where to come back to after signing in.
    #[prop(into)]
    here: String,
) -> impl IntoView {
    let t = use_locale();
    let signed_out = error.is_signed_out();
    let (href, action) = if signed_out {
        (sign_in_path(&here), t.say("Sign in", "Anmelden"))
    } else {
        (here, t.say("Try again", "Noch einmal versuchen"))
    };
    view! {
        <div class="notice" data-kind="error" role="alert">
            <Icon glyph=Glyph::Alert />
            <p>{t.error(&error)}</p>
            <a class="button button-quiet" href=address(&href)>
                {action}
            </a>
        </div>
    }
}

/// Says that there is nothing here yet, and what would put something here.
#[component]
pub(crate) fn EmptyState(
    /// The picture.
    glyph: Glyph,
    /// That there is nothing.
    #[prop(into)]
    title: String,
    /// What to do about it.
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
