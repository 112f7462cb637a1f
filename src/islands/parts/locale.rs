//! The language of the page.

#[cfg(feature = "ssr")]
use leptos::prelude::use_context;

use crate::{api::language::page_language, i18n::locale::Locale};

/// Returns the page's language. It never changes within a document.
pub(crate) fn use_locale() -> Locale {
    #[cfg(feature = "ssr")]
    if let Some(locale) = use_context() {
        return locale;
    }
    page_language()
}
