//! The head of a column that a list can be sorted by.

use leptos::prelude::*;

use super::icons::{Glyph, Icon};

/// A link that sorts by the column, or reverses the order.
#[component]
pub(crate) fn SortableHead(
    name: &'static str,
    /// Name of the column in URLs.
    column: &'static str,
    #[prop(optional)] numeric: bool,
    /// Whether the list is sorted by it now, and in descending order.
    descending: Option<bool>,
    /// Where the link leads; none while the list cannot be sorted.
    href: Option<String>,
) -> impl IntoView {
    let glyph = match descending {
        Some(false) => Glyph::SortUp,
        _ => Glyph::SortDown,
    };
    let order = descending.map(|descending| match descending {
        true => "descending",
        false => "ascending",
    });
    let head = match href {
        Some(href) => view! {
            <a
                class="sort"
                href=href
                data-sorted=descending.map(|_| "")
                data-testid=format!("sort-{column}")
            >
                {name}
                <Icon glyph />
            </a>
        }
        .into_any(),
        None => name.into_any(),
    };
    view! {
        <th role="columnheader" scope="col" class:numeric=numeric aria-sort=order>
            {head}
        </th>
    }
}
