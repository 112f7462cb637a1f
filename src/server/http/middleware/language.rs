//! The language of a request.

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use crate::server::http::state::app_state;
use crate::{
    i18n::locale::{COOKIE, Locale},
    model::base_path::address,
};

const YEAR: u32 = 365 * 24 * 3_600;

pub(crate) const VARY: HeaderValue = HeaderValue::from_static("accept-language, cookie");

pub(crate) fn of_request() -> Locale {
    use_context::<Parts>()
        .map(|parts| of_headers(&parts.headers))
        .unwrap_or_default()
}

pub(crate) fn of_headers(headers: &HeaderMap) -> Locale {
    let chosen = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    Locale::negotiate(chosen, accepted)
}

/// Stores a choice in a cookie, which is not secret.
pub(crate) fn choose(language: Locale) {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    let is_https = app_state().is_ok_and(|state| state.config.public_url.is_https());
    let secure = if is_https { "; Secure" } else { "" };
    let path = address("/");
    let cookie = format!(
        "{COOKIE}={}; Path={path}; Max-Age={YEAR}; SameSite=Lax; HttpOnly{secure}",
        language.tag()
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cookies: &[&'static str], accepted: &'static str) -> Locale {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_static(cookie));
        }
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
        of_headers(&headers)
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(of(&[], "de"), Locale::German);
        assert_eq!(of(&["session=1; language=en"], "de"), Locale::English);
        assert_eq!(of(&["session=1", "language=de"], "en"), Locale::German);
        assert_eq!(of(&["languages=en; my-language=en"], "de"), Locale::German);
    }
}
