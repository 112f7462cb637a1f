//! Sets and reads our cookies.

use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use crate::{
    model::error::ApiError,
    server::{auth::Auth, config::PublicUrl},
};

/// A cookie of ours.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) enum OwnCookie {
    /// The session token.
    Session,
    /// Marks a trusted device.
    Known,
    /// A flash message for forms without JavaScript.
    Flash,
    /// The state of an OpenID Connect sign-in.
    Visit,
    /// The token of a challenge for a passkey.
    Passkey,
    /// Why the last form upload was rejected.
    UploadError,
}

impl OwnCookie {
    /// Over https the prefix binds the cookie to its origin (RFC 6265bis, section 4.1.3), as far as it allows
    /// a path.
    fn name(self, public_url: &PublicUrl) -> String {
        let name = match self {
            Self::Session => "session",
            Self::Known => "known",
            Self::Flash => "once",
            Self::Visit => "visit",
            Self::Passkey => "passkey",
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
    pub(in crate::server) fn get(self, auth: &Auth, headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        Some(
            jar.get(&self.name(&auth.config.public_url))?
                .value()
                .to_owned(),
        )
    }

    /// Sets the cookie on a server function's response, for a number of seconds.
    pub(in crate::server) fn set(
        self,
        auth: &Auth,
        value: String,
        max_age: i64,
    ) -> Result<(), ApiError> {
        append(&self.with(auth, value, max_age))
    }

    /// Returns the `Set-Cookie` header, for a number of seconds.
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

/// Removes a cookie of an installation on this domain. Host and parent domains are separate cookies, so all
/// are removed.
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

/// Lists a host and its parent domains down to two labels; addresses have none.
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
