//! The document around every page, and the routes.

use leptos::{attr, nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Redirect, Route, Router},
    hooks::use_location,
    path,
};

use crate::{
    api::{language::page_language, products::has_products, session::current_user},
    components::{
        clock::provide_clock,
        language::{SiteFooter, provide_locale, use_locale},
        page_life::{OfflineBanner, ask_again_when_brought_back, focus_on_navigation},
        site_header::{SiteHeader, Visitor},
        tab_icon, theme_switch,
    },
    pages::{
        AccountPage, AuditPage, ImportDetailsPage, ImportsPage, JoinPage, NotFoundPage,
        ProductsPage, SignInPage, StatusPage, TeamPage, TokensPage,
    },
};

/// Renders the document that the server sends.
#[must_use]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let t = page_language();
    let description = t.say(
        "Import product files and watch them arrive, live.",
        "Produktdateien importieren und live zusehen, wie sie ankommen.",
    );
    view! {
        <!DOCTYPE html>
        <html lang=t.tag()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=description />
                <meta
                    name="theme-color"
                    content={theme_switch::LIGHT}
                    {..attr::media("(prefers-color-scheme: light)")}
                />
                <meta
                    name="theme-color"
                    content={theme_switch::DARK}
                    {..attr::media("(prefers-color-scheme: dark)")}
                />
                <script nonce=use_nonce()>{theme_switch::EARLY_SCRIPT}</script>
                <link rel="icon" href=tab_icon::ORIGINAL type="image/svg+xml" />
                <link rel="icon" href="/favicon.ico" sizes="32x32" />
                <HashedStylesheet id="style" options=options.clone() />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Renders the app.
///
/// Every page is rendered whole before it is sent, so that it can be read without script, its
/// title is the right one and its status can still become 404.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_clock();
    provide_locale();
    view! {
        <Title formatter=|page: String| format!("{page} · Import Relay") />
        <Router>
            <Frame />
        </Router>
    }
}

/// What is around every page.
#[component]
fn Frame() -> impl IntoView {
    let t = use_locale();
    let location = use_location();
    focus_on_navigation();
    let at_the_door = Memo::new(move |_| {
        location
            .pathname
            .with(|path| path == "/sign-in" || path.starts_with("/join/"))
    });
    // Who is signed in changes at the door only, on the way in or out.
    let visitor = Resource::new_blocking(move || at_the_door.get(), visitor);
    provide_context(visitor);
    ask_again_when_brought_back(visitor);
    view! {
        <a class="skip-link" href="#content" rel="external">
            {t.say("Skip to content", "Zum Inhalt")}
        </a>
        <SiteHeader visitor />
        <main id="content" class="page" tabindex="-1">
            <FlatRoutes fallback=NotFoundPage>
                <Route path=path!("/") view=|| view! { <Redirect path="/imports" /> } />
                <Route path=path!("/imports") view=ImportsPage ssr=SsrMode::Async />
                <Route path=path!("/imports/:id") view=ImportDetailsPage ssr=SsrMode::Async />
                <Route path=path!("/products") view=ProductsPage ssr=SsrMode::Async />
                <Route path=path!("/status") view=StatusPage ssr=SsrMode::Async />
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <Route path=path!("/join/:token") view=JoinPage ssr=SsrMode::Async />
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                <Route path=path!("/tokens") view=TokensPage ssr=SsrMode::Async />
                <Route path=path!("/team") view=TeamPage ssr=SsrMode::Async />
                <Route path=path!("/audit") view=AuditPage ssr=SsrMode::Async />
            </FlatRoutes>
        </main>
        <SiteFooter />
        <OfflineBanner />
    }
}

async fn visitor(at_the_door: bool) -> Visitor {
    if at_the_door {
        return Visitor::default();
    }
    let Ok(user) = current_user().await else {
        return Visitor::default();
    };
    let has_products = has_products().await.unwrap_or_default();
    Visitor {
        user: Some(user),
        has_products,
    }
}
