//! The document around every page.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::{components::Router, hooks::use_location};

use crate::{
    api::{products::has_products, session::current_user, sources::has_sources},
    components::{
        bundle::StartBundle,
        language::SiteFooter,
        local_times::LocalTimes,
        page_return::PageReturn,
        shortcuts::{KeysHelp, Shortcuts},
        site_header::{SiteHeader, Visitor},
        theme_switch::ThemeHead,
    },
    islands::{live_import::TAB_ICON, parts::locale::use_locale},
    model::{
        base_path::{BasePath, address, base_path},
        bundle::Bundle,
        passkey::PASSKEY_PATH,
        progress::JobsPerStream,
    },
    pages::Pages,
};

/// Speculation rules: browsers prefetch a linked page when the pointer is near its link. Only links without side effects
/// to pages that show no secret once.
const SPECULATION_RULES: &str = r#"{"prefetch":[{"where":{"and":[{"selector_matches":"main a, .site-nav a"},{"not":{"selector_matches":"[download]"}}]},"eagerness":"moderate"}]}"#;

/// Renders the document that the server sends.
#[must_use]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    // Only islands are hydrated; the rest needs no data in the page.
    if let Some(context) = Owner::current_shared_context() {
        context.set_is_hydrating(false);
    }
    let t = use_locale();
    let base = base_path();
    let bundle = use_context::<Bundle>().unwrap_or_default();
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
                <meta name=JobsPerStream::NAME content=jobs_per_stream() />
                <meta name=BasePath::NAME content=base.as_str().to_owned() />
                <ThemeHead />
                <link rel="icon" href=address(TAB_ICON) type="image/svg+xml" />
                <link rel="icon" href=address("/favicon.ico") sizes="32x32" />
                // Behind a style sheet, the parser would wait for it at each script.
                <PageReturn />
                <Shortcuts />
                <HashedStylesheet id="style" options=options.clone() root=base.as_str() />
                <script type="speculationrules" nonce=use_nonce()>
                    {SPECULATION_RULES}
                </script>
                <AutoReload options />
                <MetaTags />
            </head>
            <body>
                <App />
                <LocalTimes />
                <StartBundle bundle />
            </body>
        </html>
    }
}

fn jobs_per_stream() -> String {
    let JobsPerStream(most) = use_context().unwrap_or_default();
    most.to_string()
}

/// Renders the page of the URL.
///
/// A page is sent once it is complete, so that it is readable without JavaScript, has its title, and can still have the
/// status 404.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|page: String| format!("{page} · Import Relay") />
        <Router base=base_path().as_str().to_owned()>
            <Frame />
        </Router>
    }
}

/// The header and footer around every page.
#[component]
fn Frame() -> impl IntoView {
    let t = use_locale();
    let path = use_location().pathname.get_untracked();
    let visitor = Resource::new_blocking(move || path.clone(), visitor);
    provide_context(visitor);
    view! {
        <a class="skip-link" href="#content">
            {t.say("Skip to content", "Zum Inhalt")}
        </a>
        {Suspend::new(async move {
            let visitor = visitor.await;
            view! { <SiteHeader visitor /> }
        })}
        <main id="content" class="page" tabindex="-1">
            <Pages />
        </main>
        <SiteFooter />
        <KeysHelp />
    }
}

async fn visitor(path: String) -> Visitor {
    let path = base_path().strip(&path).unwrap_or_default().to_owned();
    let is_public = matches!(&*path, "/sign-in" | PASSKEY_PATH)
        || path.starts_with("/join/")
        || path.starts_with("/shared/");
    if is_public {
        return Visitor::default();
    }
    let Ok(user) = current_user().await else {
        return Visitor::default();
    };
    let has_products = has_products().await.unwrap_or_default();
    let has_sources = has_sources().await.unwrap_or_default();
    Visitor {
        user: Some(user),
        has_products,
        has_sources,
    }
}
