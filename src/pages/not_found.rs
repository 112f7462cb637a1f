//! What is not there.

use leptos::prelude::*;
use leptos_meta::Title;

use super::set_not_found_status;
use crate::components::{icons::Glyph, notice::EmptyState};

/// The page for every address that leads nowhere.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! { <NotFound what="page" /> }
}

/// Says that something is not there, to the person and to the browser.
#[component]
pub(super) fn NotFound(
    /// What was looked for.
    what: &'static str,
) -> impl IntoView {
    set_not_found_status();
    view! {
        <Title text="Not found" />
        <section class="card not-found" data-testid="not-found">
            <h1 class="visually-hidden">"Not found"</h1>
            <EmptyState glyph=Glyph::Search title=format!("There is no such {what}")>
                <p>"It may have been removed, belong to somebody else, or the address has a typo."</p>
                <p>
                    <a class="button button-primary" href="/imports">
                        "Go to your imports"
                    </a>
                </p>
            </EmptyState>
        </section>
    }
}
