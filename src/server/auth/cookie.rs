//! The cookies of our own, as careful as the public address allows.

use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use crate::{
    model::error::ApiError,
    server::{config::PublicUrl, http::state::AppState},
};

/// A cookie of our own.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) enum OwnCookie {
    /// The session's token.
    Session,
    /// The mark of a browser that has signed in before.
    Known,
    /// What is to be shown once, where a form was sent without script.
    Once,
    /// What a browser is sent to an OpenID Connect provider with.
    Visit,
    /// Why the last upload of a form was refused.
    UploadError,
}

impl OwnCookie {
    /// On https the browser itself guards the cookie's origin (RFC 6265bis, section 4.1.3), as far as it lets a cookie
    /// have a path.
    fn name(self, public_url: &PublicUrl) -> String {
        let name = match self {
            Self::Session => "session",
            Self::Known => "known",
            Self::Once => "once",
            Self::Visit => "visit",
            Self::UploadError => "upload-error",
        };
        let prefix = match (public_url.is_https(), public_url.base().as_str()) {
            (true, "") => "__Host-",
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        format!("{prefix}import-relay.{name}")
    }

    /// Reads the cookie from a request.
    pub(in crate::server) fn get(self, state: &AppState, headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        Some(
            jar.get(&self.name(&state.config.public_url))?
                .value()
                .to_owned(),
        )
    }

    /// Sets the cookie on the server function's response, for so many seconds.
    pub(in crate::server) fn set(
        self,
        state: &AppState,
        value: String,
        max_age: i64,
    ) -> Result<(), ApiError> {
        append(&self.with(state, value, max_age))
    }

    /// Returns the header that sets the cookie, for so many seconds.
    pub(in crate::server) fn header(self, state: &AppState, value: String, max_age: i64) -> String {
        self.with(state, value, max_age).to_string()
    }

    fn with(self, state: &AppState, value: String, max_age: i64) -> Cookie<'static> {
        let public_url = &state.config.public_url;
        Cookie::build((self.name(public_url), value))
            .path(public_url.base().address("/"))
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(public_url.is_https())
            .max_age(time::Duration::seconds(max_age))
            .build()
    }
}

/// Takes a cookie of another installation on this domain back. It may be one of this host alone, or of a
/// domain that the host is in: a browser keeps those apart, so all are named.
pub(super) fn remove_foreign(state: &AppState, name: &str) -> Result<(), ApiError> {
    let is_secure = name.starts_with("__Secure-");
    let gone = || {
        Cookie::build((name, ""))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(is_secure)
            .max_age(time::Duration::ZERO)
    };
    append(&gone().build())?;
    for domain in domains(state.config.public_url.host()) {
        append(&gone().domain(domain.to_owned()).build())?;
    }
    Ok(())
}

/// Lists the domains that a host is in, itself first, down to two labels; an address is in none.
fn domains(host: &str) -> Vec<&str> {
    if host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
        return Vec::new();
    }
    std::iter::successors(Some(host), |domain| Some(domain.split_once('.')?.1))
        .take_while(|domain| domain.contains('.'))
        .collect()
}

fn append(cookie: &Cookie<'_>) -> Result<(), ApiError> {
    let value = HeaderValue::from_str(&cookie.to_string()).map_err(|_| ApiError::Internal)?;
    expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_as_much_of_the_origin_as_a_browser_will_guard() {
        let name = |text: &str| OwnCookie::Session.name(&PublicUrl::parse(text).unwrap());
        assert_eq!(name("https://shop.example"), "__Host-import-relay.session");
        assert_eq!(
            name("https://shop.example/import"),
            "__Secure-import-relay.session"
        );
        assert_eq!(name("http://shop.example/import"), "import-relay.session");
    }

    #[test]
    fn a_host_is_in_each_domain_above_it() {
        assert_eq!(
            domains("relay.shop.example"),
            ["relay.shop.example", "shop.example"]
        );
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            assert!(domains(host).is_empty(), "{host}");
        }
    }
}
