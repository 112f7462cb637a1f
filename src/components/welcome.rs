//! The head of sign-in forms.

use leptos::prelude::*;

use crate::islands::parts::icons::Mark;

/// Shows the logo, a title and a text.
#[component]
pub(crate) fn Welcome(#[prop(into)] title: String, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <header class="welcome">
            <Mark />
            <h1>{title}</h1>
            <p>{text}</p>
        </header>
    }
}
