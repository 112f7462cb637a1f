//! The head of a form at the door.

use leptos::prelude::*;

use crate::islands::parts::icons::Mark;

/// Shows the product's mark, what the form is for and why.
#[component]
pub(crate) fn Welcome(
    /// What the form is for.
    #[prop(into)]
    title: String,
    /// Why.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <header class="welcome">
            <Mark />
            <h1>{title}</h1>
            <p>{text}</p>
        </header>
    }
}
