//! The header of all pages.

use leptos::prelude::*;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};
use server_fn::ServerFn;

use super::{form::ActionForm, theme_switch::ThemeSwitch};
use crate::{
    api::session::SignOut,
    islands::parts::{
        icons::{Glyph, Icon, Mark},
        locale::use_locale,
    },
    model::{base_path::address, session::CurrentUser},
};

/// The visitor of a page, and which parts of the app exist for them.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub(crate) struct Visitor {
    pub(crate) user: Option<CurrentUser>,
    /// Whether products are managed here.
    pub(crate) has_products: bool,
    /// Whether there are sources that they may see.
    pub(crate) has_sources: bool,
}

#[component]
pub(crate) fn SiteHeader(visitor: Visitor) -> impl IntoView {
    let Visitor {
        user,
        has_products,
        has_sources,
    } = visitor;
    let nav = user
        .is_some()
        .then(|| view! { <SiteNav has_products has_sources /> });
    view! {
        <header class="site-header">
            <div class="site-header-row">
                // Its name is hidden on phones.
                <a class="brand" href=address("/imports") aria-label="Import Relay">
                    <Mark />
                    <span>"Import Relay"</span>
                </a>
                {nav}
                <div class="site-tools">
                    <ThemeSwitch /> {user.map(|user| view! { <Account user /> })}
                </div>
            </div>
        </header>
    }
}

#[component]
fn SiteNav(has_products: bool, has_sources: bool) -> impl IntoView {
    let t = use_locale();
    let products = has_products
        .then(|| view! { <A href=address("/products")>{t.say("Products", "Produkte")}</A> });
    let sources = has_sources
        .then(|| view! { <A href=address("/sources")>{t.say("Sources", "Quellen")}</A> });
    view! {
        <nav class="site-nav" aria-label=t.say("Main", "Hauptmenü")>
            <A href=address("/imports")>{t.say("Imports", "Importe")}</A>
            {products} {sources}
        </nav>
    }
}

#[component]
fn Account(user: CurrentUser) -> impl IntoView {
    let t = use_locale();
    let name = if user.name.is_empty() {
        user.email.clone()
    } else {
        user.name
    };
    view! {
        <a class="account" href=address("/account") title=user.email>
            <Icon glyph=Glyph::Person />
            <span>{name}</span>
        </a>
        <ActionForm action=SignOut::url()>
            <button
                class="icon-button"
                data-testid="sign-out"
                title=t.say("Sign out", "Abmelden")
                aria-label=t.say("Sign out", "Abmelden")
            >
                <Icon glyph=Glyph::SignOut />
            </button>
        </ActionForm>
    }
}
