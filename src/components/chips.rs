//! Active filters of a list, each with a link that removes it.

use leptos::prelude::*;

use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::base_path::address,
};

/// An active filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Chip {
    pub(crate) text: String,
    /// URL of the list without this filter.
    pub(crate) href: String,
}

/// Shows the active filters and a link that removes all.
#[component]
pub(crate) fn Chips(
    chips: Vec<Chip>,
    /// Path of the unfiltered list.
    all: &'static str,
) -> impl IntoView {
    let t = use_locale();
    if chips.is_empty() {
        return None;
    }
    let chips = chips
        .into_iter()
        .map(|Chip { text, href }| {
            view! {
                <li>
                    <a class="filter-chip" href=href data-testid="filter-chip">
                        <span class="visually-hidden">{t.say("Remove", "Entfernen:")} " "</span>
                        {text}
                        <Icon glyph=Glyph::Cross />
                    </a>
                </li>
            }
        })
        .collect_view();
    Some(view! {
        <ul class="filter-chips" aria-label=t.say("Active filters", "Aktive Filter")>
            {chips}
            <li>
                <a class="filter-clear" href=address(all)>{t.say("Clear", "Zurücksetzen")}</a>
            </li>
        </ul>
    })
}
