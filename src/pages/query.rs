//! What the address asks for.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// Returns the page of a list that the address asks for, from 1.
pub(super) fn use_page() -> Memo<u64> {
    let query = use_query_map();
    Memo::new(move |_| {
        let page = query.with(|query| query.get("page").and_then(|page| page.parse().ok()));
        page.unwrap_or(1).max(1)
    })
}

/// Returns what the address searches for.
pub(super) fn use_search() -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get("search")).unwrap_or_default())
}
