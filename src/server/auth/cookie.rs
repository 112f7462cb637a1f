//! Cookies of this app.

use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use crate::{
    model::error::ApiError,
    server::{auth::Auth, config::PublicUrl},
};

#[derive(Clone, Copy, Debug)]
pub(in crate::server) enum OwnCookie {
    Session,
    Known,
    Flash,
    Visit,
    Passkey,
    Failed,
}

impl OwnCookie {
    /// Over https the prefix binds the cookie to its origin (RFC 6265bis, section 4.1.3), as far as a path allows.
    fn name(self, public_url: &PublicUrl) -> String {
        let name = match self {
            Self::Session => "session",
            Self::Known => "known",
            Self::Flash => "once",
            Self::Visit => "visit",
            Self::Passkey => "passkey",
            Self::Failed => "failed",
        };
        let prefix = match (public_url.is_https(), public_url.base().as_str()) {
            (true, "") => "__Host-",
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        format!("{prefix}import-relay.{name}")
    }

    pub(in crate::server) fn get(self, auth: &Auth, headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        Some(
            jar.get(&self.name(&auth.config.public_url))?
                .value()
                .to_owned(),
        )
    }

    /// `max_age` is in seconds.
    pub(in crate::server) fn set(
        self,
        auth: &Auth,
        value: String,
        max_age: i64,
    ) -> Result<(), ApiError> {
        append(&self.with(auth, value, max_age))
    }

    /// `max_age` is in seconds.
    pub(in crate::server) fn header(self, auth: &Auth, value: String, max_age: i64) -> String {
        self.with(auth, value, max_age).to_string()
    }

    fn with(self, auth: &Auth, value: String, max_age: i64) -> Cookie<'static> {
        let public_url = &auth.config.public_url;
        Cookie::build((self.name(public_url), value))
            .path(public_url.base().address("/"))
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(public_url.is_https())
            .max_age(time::Duration::seconds(max_age))
            .build()
    }
}

/// Removes another installation's cookie on this domain, and on each parent domain, which has a cookie of its own.
pub(super) fn remove_foreign(auth: &Auth, name: &str) -> Result<(), ApiError> {
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
    for domain in domains(auth.config.public_url.host()) {
        append(&gone().domain(domain.to_owned()).build())?;
    }
    Ok(())
}

/// Lists a host and its parent domains down to two labels; an IP address has none.
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
