//! A page for what does not exist.

use leptos::prelude::*;

use super::set_not_found_status;
use crate::{
    components::{notice::EmptyState, page_title::PageTitle},
    islands::parts::{icons::Glyph, locale::use_locale},
    model::base_path::address,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Missing {
    Page,
    Import,
}

#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! { <NotFound what=Missing::Page /> }
}

/// Shows that something does not exist, with status 404.
#[component]
pub(super) fn NotFound(what: Missing) -> impl IntoView {
    let t = use_locale();
    set_not_found_status();
    let title = match what {
        Missing::Page => t.say("Page not found", "Seite nicht gefunden"),
        Missing::Import => t.say("Import not found", "Import nicht gefunden"),
    };
    view! {
        <PageTitle text=t.say("Not found", "Nicht gefunden") />
        <section class="card not-found" data-testid="not-found">
            <h1 class="visually-hidden">{t.say("Not found", "Nicht gefunden")}</h1>
            <EmptyState glyph=Glyph::Search title>
                <p>
                    {t.say(
                        "It may have been deleted or belong to someone else, or the URL has a typo.",
                        "Vielleicht wurde das Gesuchte gelöscht oder gehört jemand anderem, oder die URL enthält einen Tippfehler.",
                    )}
                </p>
                <p>
                    <a class="button button-primary" href=address("/imports")>
                        {t.say("Go to your imports", "Zu deinen Importen")}
                    </a>
                </p>
            </EmptyState>
        </section>
    }
}
