//! The language of the interface.

use leptos::prelude::*;

use crate::i18n::locale::Locale;
use crate::model::error::ApiError;

/// Returns the language of the page: on the server from the request, in the browser from `<html lang>`.
#[must_use]
pub fn page_language() -> Locale {
    #[cfg(feature = "ssr")]
    {
        crate::server::http::middleware::language::of_request()
    }
    #[cfg(not(feature = "ssr"))]
    {
        let root = document().document_element();
        let tag = root.and_then(|root| root.get_attribute("lang"));
        tag.and_then(|tag| Locale::of_tag(&tag)).unwrap_or_default()
    }
}

/// Sets the language of this browser.
#[server(prefix = "/api", endpoint = "set_language")]
pub async fn set_language(language: Locale) -> Result<(), ApiError> {
    crate::server::http::middleware::language::choose(language);
    Ok(())
}
