//! From one page of a list to the next.

use leptos::prelude::*;

use super::{
    format,
    icons::{Glyph, Icon},
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
}

/// Links to the page before and the page after; with a single page it only counts.
#[component]
pub(crate) fn Pagination(
    /// Where this page stands.
    position: Position,
    /// What one entry is called.
    noun: &'static str,
    /// Returns the address of a page.
    href: impl Fn(u64) -> String,
) -> impl IntoView {
    let Position { page, pages, total } = position;
    let count = format::counted(total, noun);
    if pages <= 1 {
        return view! { <p class="pagination">{count}</p> }.into_any();
    }
    let before = (page > 1).then(|| href(page - 1));
    let after = (page < pages).then(|| href(page + 1));
    view! {
        <nav class="pagination" aria-label="Pages">
            <span>{count}</span>
            <span class="pagination-place">
                "Page " {format::count(page)} " of " {format::count(pages)}
            </span>
            <Step href=before rel="prev">
                <Icon glyph=Glyph::ChevronLeft />
                "Previous"
            </Step>
            <Step href=after rel="next">
                "Next"
                <Icon glyph=Glyph::ChevronRight />
            </Step>
        </nav>
    }
    .into_any()
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
