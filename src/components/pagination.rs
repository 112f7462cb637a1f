//! From one page of a list to the next.

use leptos::prelude::*;

use crate::{
    islands::parts::{
        format::Noun,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::base_path::{address, escape},
};

/// Where a page of a list stands among the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Position {
    /// Which page this is, from 1.
    pub(crate) page: u64,
    /// How many there are.
    pub(crate) pages: u64,
    /// How many entries they have together.
    pub(crate) total: u64,
    /// Whether there are others besides, which are not counted.
    pub(crate) has_more: bool,
}

/// Links to the page before and the page after; with a single page it only counts.
#[component]
pub(crate) fn Pagination(
    /// Where this page stands.
    position: Position,
    /// What one entry is called.
    noun: Noun,
    /// Returns the path of a page.
    href: impl Fn(u64) -> String,
) -> impl IntoView {
    let Position {
        page,
        pages,
        total,
        has_more,
    } = position;
    let t = use_locale();
    let count = if has_more {
        t.counted_at_least(total, noun)
    } else {
        t.counted(total, noun)
    };
    if pages <= 1 {
        return view! { <p class="pagination">{count}</p> }.into_any();
    }
    let before = (page > 1).then(|| address(&href(page - 1)));
    let after = (page < pages).then(|| address(&href(page + 1)));
    view! {
        <nav class="pagination" aria-label=t.say("Pages", "Seiten")>
            <span>{count}</span>
            <span class="pagination-place">
                {t.say("Page", "Seite")} " " {t.count(page)} " " {t.say("of", "von")} " "
                {t.count(pages)}
            </span>
            <Step href=before rel="prev">
                <Icon glyph=Glyph::ChevronLeft />
                {t.say("Previous", "Zurück")}
            </Step>
            <Step href=after rel="next">
                {t.say("Next", "Weiter")}
                <Icon glyph=Glyph::ChevronRight />
            </Step>
        </nav>
    }
    .into_any()
}

/// Links to the older entries of a list, newest first, that is gone through from one entry on.
#[component]
pub(crate) fn OlderEntries(
    /// The path of the list.
    path: String,
    /// The entry behind which the older ones begin; nothing is shown without.
    after: Option<String>,
    /// What the link says.
    text: &'static str,
) -> impl IntoView {
    let t = use_locale();
    after.map(|after| {
        let href = address(&format!("{path}?after={}", escape(&after)));
        view! {
            <nav class="pagination" aria-label=t.say("Pages", "Seiten")>
                <a class="button button-quiet" href=href rel="next">
                    {text}
                    <Icon glyph=Glyph::ChevronRight />
                </a>
            </nav>
        }
    })
}

/// A link that keeps its place when there is nowhere to go.
#[component]
fn Step(href: Option<String>, rel: &'static str, children: Children) -> impl IntoView {
    let disabled = href.is_none().then_some("true");
    view! {
        <a class="button button-quiet" href=href rel=rel aria-disabled=disabled>
            {children()}
        </a>
    }
}
