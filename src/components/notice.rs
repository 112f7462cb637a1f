//! What has to be said: errors, and lists with nothing in them.

use leptos::prelude::*;

use super::{
    icons::{Glyph, Icon},
    language::use_locale,
};
use crate::model::{base_path::address, error::ApiError};

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
            // Another document, not another view: what failed is to be asked for anew.
            <a class="button button-quiet" href=address(&href) rel="external">
                {action}
            </a>
        </div>
    }
}

/// Returns the path of the sign-in page that leads back to `here`.
pub(crate) fn sign_in_path(here: &str) -> String {
    let mut path = String::from("/sign-in?next=");
    path.push_str(&leptos_router::location::Url::escape(here));
    path
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
