//! The document around every page, and the routes.

use leptos::{attr, nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{FlatRoutes, Redirect, Route, Router},
    hooks::use_location,
    location::RequestUrl,
    path,
};

use crate::{
    api::{language::page_language, products::has_products, session::current_user},
    components::{
        clock::provide_clock,
        early_progress::EarlyProgress,
        language::{SiteFooter, provide_locale, use_locale},
        page_life::{KeepTitle, OfflineBanner, ask_again_when_brought_back, focus_on_navigation},
        program::StartProgram,
        site_header::{SiteHeader, Visitor},
        slice::Slice,
        tab_icon, theme_switch,
    },
    model::{
        base_path::{BasePath, address, base_path},
        program::Program,
        progress::JobsPerStream,
    },
    pages::{NotFoundPage, lazy},
};

/// Renders the document that the server sends.
#[must_use]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let t = page_language();
    let program = use_context::<Program>().unwrap_or_default();
    let of_an_import = is_page_of_an_import();
    let base = base_path();
    let description = t.say(
        "Import product files and track their progress live.",
        "Produktdateien importieren und den Fortschritt live verfolgen.",
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
                <meta name=JobsPerStream::NAME content=jobs_per_stream() />
                <meta name=BasePath::NAME content=base.as_str().to_owned() />
                <script nonce=use_nonce()>{theme_switch::EARLY_SCRIPT}</script>
                // Before the style sheet: a script behind it would wait for it.
                {of_an_import.then(|| view! { <EarlyProgress /> })}
                <StartProgram program is_first_part=of_an_import />
                <link rel="icon" href=address(tab_icon::ORIGINAL) type="image/svg+xml" />
                <link rel="icon" href=address("/favicon.ico") sizes="32x32" />
                <HashedStylesheet id="style" options=options.clone() root=base.as_str() />
                <AutoReload options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

fn is_page_of_an_import() -> bool {
    let url = use_context::<RequestUrl>();
    url.is_some_and(|url| is_of_an_import(&base_path(), url.as_ref()))
}

fn is_of_an_import(base: &BasePath, url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    // The server gives the whole address, with a host.
    let path = path.split_once("://").map_or(path, |(_, rest)| {
        rest.find('/').map_or("/", |start| &rest[start..])
    });
    let id = base
        .strip(path)
        .and_then(|path| path.strip_prefix("/imports/"));
    id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

fn jobs_per_stream() -> String {
    let JobsPerStream(most) = use_context().unwrap_or_default();
    most.to_string()
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
        <KeepTitle />
        <Slice>
            <Router base=base_path().as_str().to_owned()>
                <Slice>
                    <Frame />
                </Slice>
            </Router>
        </Slice>
    }
}

/// What is around every page.
#[component]
fn Frame() -> impl IntoView {
    let t = use_locale();
    let location = use_location();
    focus_on_navigation();
    let at_the_door = Memo::new(move |_| {
        let base = base_path();
        location.pathname.with(|path| {
            let path = base.strip(path).unwrap_or_default();
            path == "/sign-in" || path.starts_with("/join/")
        })
    });
    // Who is signed in changes at the door only, on the way in or out.
    let visitor = Resource::new_blocking(move || at_the_door.get(), visitor);
    provide_context(visitor);
    ask_again_when_brought_back(visitor);
    view! {
        <a class="skip-link" href="#content" rel="external">
            {t.say("Skip to content", "Zum Inhalt")}
        </a>
        <Slice>
            <SiteHeader visitor />
        </Slice>
        <main id="content" class="page" tabindex="-1">
            <Slice>
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=path!("/") view=|| view! { <Redirect path="/imports" /> } />
                    <Route path=path!("/imports") view={Lazy::<lazy::Imports>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/imports/:id") view={Lazy::<lazy::ImportDetails>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/imports/:id/changes") view={Lazy::<lazy::ImportChanges>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/products/:identity") view={Lazy::<lazy::Product>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/products") view={Lazy::<lazy::Products>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/status") view={Lazy::<lazy::Status>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/styleguide") view={Lazy::<lazy::Styleguide>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/sign-in") view={Lazy::<lazy::SignIn>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/join/:token") view={Lazy::<lazy::Join>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/confirm") view={Lazy::<lazy::Confirm>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/account") view={Lazy::<lazy::Account>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/tokens") view={Lazy::<lazy::Tokens>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/team") view={Lazy::<lazy::Team>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/audit") view={Lazy::<lazy::Audit>::new()} ssr=SsrMode::Async />
                </FlatRoutes>
            </Slice>
        </main>
        <Slice>
            <SiteFooter />
            <OfflineBanner />
        </Slice>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_an_import_is_known_by_its_address() {
        let root = BasePath::default();
        let below = BasePath::parse("/import").unwrap();
        assert!(is_of_an_import(&root, "/imports/01h?from=list"));
        assert!(is_of_an_import(&root, "http://example.com/imports/01h"));
        assert!(is_of_an_import(
            &below,
            "http://example.com/import/imports/01h"
        ));
        assert!(!is_of_an_import(&below, "/imports/01h"));
        for other in [
            "/imports",
            "/imports/",
            "/imports?page=2",
            "/imports/a/b",
            "/products",
            "http://example.com",
            "http://imports/01h",
        ] {
            assert!(!is_of_an_import(&root, other), "{other}");
        }
    }
}
