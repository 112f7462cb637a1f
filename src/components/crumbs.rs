//! The link to the page above.

use leptos::prelude::*;

use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::base_path::address,
};

/// Links to the page above.
#[component]
pub(crate) fn Crumbs(
    /// Its path.
    #[prop(into)]
    path: String,
    /// Its name.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <nav class="crumbs" aria-label=t.say("Breadcrumb", "Navigationspfad")>
            <a href=address(&path)>
                <Icon glyph=Glyph::ChevronLeft />
                {name}
            </a>
        </nav>
    }
}
