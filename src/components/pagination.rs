//! Links between the pages of a list.

use leptos::prelude::*;

use crate::{
    islands::parts::{
        format::Noun,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::base_path::{address, escape},
};

/// The position of a page in a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Position {
    /// Number of this page, from 1.
    pub(crate) page: u64,
    pub(crate) pages: u64,
    /// Number of entries on all pages.
    pub(crate) total: u64,
    /// Whether there are further entries, which are not counted.
    pub(crate) has_more: bool,
}

/// Links to the previous and next page; a single page only shows the count.
#[component]
pub(crate) fn Pagination(
    position: Position,
    /// Word for an entry.
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

/// Links to older entries of a list that continues after an entry.
#[component]
pub(crate) fn OlderEntries(
    /// Path of the list.
    path: String,
    /// The last entry of this page; `None` on the last page.
    after: Option<String>,
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

/// Links to the first and next page of a list that continues after an entry.
#[component]
pub(crate) fn CursorPages(
    /// URL of the first page; `None` on that page.
    first: Option<String>,
    /// URL of the next page; `None` on the last one.
    next: Option<String>,
    testid: &'static str,
    /// The number of entries.
    #[prop(optional)]
    count: Option<String>,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <nav class="pagination" aria-label=t.say("Pages", "Seiten")>
            {count.map(|count| view! { <span>{count}</span> })}
            {first
                .map(|href| {
                    view! {
                        <a class="button button-quiet" rel="first" href=href>
                            <Icon glyph=Glyph::ChevronLeft />
                            {t.say("First page", "Erste Seite")}
                        </a>
                    }
                })}
            {next
                .map(|href| {
                    view! {
                        <a class="button button-quiet" rel="next" href=href data-testid=testid>
                            {t.say("Next", "Weiter")}
                            <Icon glyph=Glyph::ChevronRight />
                        </a>
                    }
                })}
        </nav>
    }
}

/// A link that keeps its space when there is no target.
#[component]
fn Step(href: Option<String>, rel: &'static str, children: Children) -> impl IntoView {
    let disabled = href.is_none().then_some("true");
    view! {
        <a class="button button-quiet" href=href rel=rel aria-disabled=disabled>
            {children()}
        </a>
    }
}
