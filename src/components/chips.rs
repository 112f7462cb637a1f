//! What a list is narrowed by, each with the way to take it away.

use leptos::prelude::*;

use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::base_path::address,
};

/// A part of a filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Chip {
    /// What it says.
    pub(crate) text: String,
    /// The address of the list without it.
    pub(crate) href: String,
}

/// Shows the parts of a filter, and the way to the whole list.
#[component]
pub(crate) fn Chips(
    /// The parts.
    chips: Vec<Chip>,
    /// The path of the whole list.
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
