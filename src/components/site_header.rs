//! What stands above every page.

use leptos::prelude::*;
use leptos_router::components::A;

use super::{
    form::ActionForm,
    icons::{Glyph, Icon, Mark},
    language::use_locale,
    slice::Slice,
    theme_switch::ThemeSwitch,
};
use crate::{
    api::session::SignOut,
    model::{base_path::address, session::CurrentUser},
};

/// Who is signed in, and what there is to see.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub(crate) struct Visitor {
    /// Who, if anybody.
    pub(crate) user: Option<CurrentUser>,
    /// Whether there is a list of products.
    pub(crate) has_products: bool,
}

/// Shows the product's name, the way to its pages and who is signed in.
#[component]
pub(crate) fn SiteHeader(
    /// Who looks at the page.
    visitor: Resource<Visitor>,
) -> impl IntoView {
    view! {
        <header class="site-header">
            <div class="site-header-row">
                // Its name is not shown on a phone.
                <a class="brand" href=address("/imports") aria-label="Import Relay">
                    <Mark />
                    <span>"Import Relay"</span>
                </a>
                <Slice>
                    <Transition>
                        <SiteNav visitor />
                    </Transition>
                </Slice>
                <div class="site-tools">
                    <ThemeSwitch />
                    <Slice>
                        <Transition>
                            <Account visitor />
                        </Transition>
                    </Slice>
                </div>
            </div>
        </header>
    }
}

#[component]
fn SiteNav(visitor: Resource<Visitor>) -> impl IntoView {
    let t = use_locale();
    move || {
        visitor
            .get()
            .filter(|visitor| visitor.user.is_some())
            .map(|visitor| {
                let products = visitor.has_products.then(
                    || view! { <A href=address("/products")>{t.say("Products", "Produkte")}</A> },
                );
                view! {
                    <nav class="site-nav" aria-label=t.say("Main", "Hauptmenü")>
                        <A href=address("/imports")>{t.say("Imports", "Importe")}</A>
                        {products}
                    </nav>
                }
            })
    }
}

#[component]
fn Account(visitor: Resource<Visitor>) -> impl IntoView {
    let t = use_locale();
    let sign_out = ServerAction::<SignOut>::new();
    move || {
        visitor.get().and_then(|visitor| visitor.user).map(|user| {
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
                <ActionForm action=sign_out>
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
        })
    }
}
