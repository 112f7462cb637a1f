//! URLs of the settings: the app's own, other origins, the trace collector.

use std::fmt;

use url::Url;

use super::form::where_it_leads;
use crate::model::base_path::BasePath;

/// The URL of a collector. It may have a password, which `Debug` omits.
#[derive(Clone)]
pub struct CollectorUrl(Url);

impl CollectorUrl {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Self(url))
    }

    pub(in crate::server) fn expose(&self) -> &Url {
        &self.0
    }

    pub(super) fn shown(&self) -> String {
        where_it_leads(&self.0)
    }
}

impl fmt::Debug for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The public URL of this app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl {
    pub(super) origin: String,
    pub(super) base: BasePath,
}

impl PublicUrl {
    /// Parses a URL. Auth.js installations on other paths name the URL of its routes, whose path is not the app's
    /// (<https://next-auth.js.org/configuration/options#nextauth_url>).
    pub(in crate::server) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let path = url.path().trim_end_matches('/');
        Some(Self {
            origin: is_web.then(|| url.origin().ascii_serialization())?,
            base: BasePath::parse(path.strip_suffix("/api/auth").unwrap_or(path))?,
        })
    }

    /// Returns the origin, as in the `Origin` header.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the base path of the app.
    #[must_use]
    pub fn base(&self) -> &BasePath {
        &self.base
    }

    /// Returns the URL of a path of the app.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{}", self.origin, self.base.address(path))
    }

    /// Returns the host without port.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.origin.split_once("://").map_or("", |(_, rest)| rest);
        match authority.rfind(':') {
            Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
            _ => authority,
        }
    }

    /// Returns the host if browsers allow passkeys for it: a name, over https or on this machine (Web Authentication,
    /// section 5.1.2).
    #[must_use]
    pub fn passkey_host(&self) -> Option<&str> {
        let host = self.host();
        let is_address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
        let is_here = host == "localhost" || host.ends_with(".localhost");
        (!is_address && (self.is_https() || is_here)).then_some(host)
    }

    /// Returns whether cookies must be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

/// Other origins, as in the `Origin` header.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CorsOrigins(Vec<String>);

impl CorsOrigins {
    /// Parses comma-separated exact origins; rejects `*`, paths and patterns.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut origins: Vec<String> = Vec::new();
        for one in text.split(',').map(str::trim) {
            let origin = exact_origin(one)?;
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        Some(Self(origins))
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether an `Origin` is one of them.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|known| known == origin)
    }

    /// Lists the origins.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Parses a bare origin as browsers write it, without the default port.
fn exact_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    let is_web = matches!(url.scheme(), "http" | "https");
    // For known schemes `Url` tolerates missing slashes and a `*` in the host.
    let is_written_out = text
        .to_ascii_lowercase()
        .starts_with(&format!("{}://", url.scheme()));
    let names_a_host = url.host_str().is_some_and(|host| !host.contains('*'));
    (is_bare && is_web && is_written_out && names_a_host)
        .then(|| url.origin().ascii_serialization())
}

impl fmt::Display for CorsOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}
