//! The cookies of our own, as careful as the public address allows.

use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use crate::{api::ApiError, server::state::AppState};

/// A cookie of our own.
#[derive(Clone, Copy, Debug)]
pub(super) enum OwnCookie {
    /// The session's token.
    Session,
    /// The mark of a browser that has signed in before.
    Known,
    /// What is to be shown once, where a form was sent without script.
    Once,
}

impl OwnCookie {
    /// On https the browser itself guards the cookie's origin (RFC 6265bis, section 4.1.3.2).
    fn name(self, state: &AppState) -> &'static str {
        match (self, state.config.public_url.is_https()) {
            (Self::Session, true) => "__Host-import-relay.session",
            (Self::Session, false) => "import-relay.session",
            (Self::Known, true) => "__Host-import-relay.known",
            (Self::Known, false) => "import-relay.known",
            (Self::Once, true) => "__Host-import-relay.once",
            (Self::Once, false) => "import-relay.once",
        }
    }

    /// Reads the cookie from a request.
    pub(super) fn get(self, state: &AppState, headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        Some(jar.get(self.name(state))?.value().to_owned())
    }

    /// Sets the cookie on the server function's response, for so many seconds.
    pub(super) fn set(self, state: &AppState, value: String, max_age: i64) -> Result<(), ApiError> {
        let cookie = Cookie::build((self.name(state), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(state.config.public_url.is_https())
            .max_age(time::Duration::seconds(max_age))
            .build();
        append(&cookie)
    }
}

/// Takes a cookie of another installation on this domain back.
pub(super) fn remove_foreign(name: String) -> Result<(), ApiError> {
    let is_secure = name.starts_with("__Secure-");
    let cookie = Cookie::build((name, ""))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure)
        .max_age(time::Duration::ZERO)
        .build();
    append(&cookie)
}

fn append(cookie: &Cookie<'_>) -> Result<(), ApiError> {
    let value = HeaderValue::from_str(&cookie.to_string()).map_err(|_| ApiError::Internal)?;
    expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, value);
    Ok(())
}
