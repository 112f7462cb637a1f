//! The language of the interface.

use leptos::prelude::*;
use server_fn::ServerFn;

use crate::{
    api::language::SetLanguage, i18n::locale::Locale, islands::parts::locale::use_locale,
    model::base_path::address,
};

/// Switches the language. A plain form: it works without a script, and a new document never mixes languages.
#[component]
pub(crate) fn LanguageSwitch() -> impl IntoView {
    let current = use_locale();
    let choices = Locale::ALL
        .into_iter()
        .map(|locale| {
            let is_current = locale == current;
            view! {
                <button
                    class="language"
                    name="language"
                    value=locale.tag()
                    lang=locale.tag()
                    aria-current=is_current.then_some("true")
                    data-testid=format!("language-{}", locale.tag())
                >
                    {locale.name()}
                </button>
            }
        })
        .collect_view();
    view! {
        <form
            class="languages"
            method="post"
            action=address(SetLanguage::url())
            aria-label=current.say("Language", "Sprache")
        >
            {choices}
        </form>
    }
}

#[component]
pub(crate) fn SiteFooter() -> impl IntoView {
    view! {
        <footer class="site-footer">
            <LanguageSwitch />
        </footer>
    }
}
