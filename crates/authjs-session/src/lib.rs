//! Reads the session cookies of an Auth.js 5 or NextAuth 4 installation, whose secret the reader shares.
//!
//! ```text
//! Cookie headers ─► cookies (whole or in chunks) ─► jwe (decrypted with keys) ─► claims ─► Identity
//! ```
//!
//! The crate is pure: it opens no connection and has no clock.
//!
//! # Example
//!
//! ```
//! use authjs_session::{AuthJs, Rejected};
//! use http::{HeaderMap, HeaderValue, header};
//!
//! let authjs = AuthJs::new(&["the installation's AUTH_SECRET".into()]);
//! let cookie = HeaderValue::from_static("authjs.session-token=a-session-in-the-database");
//! let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
//! assert_eq!(authjs.identify(&headers, 1_800_000_000), Err(Rejected::NotEncrypted));
//! ```

mod claims;
mod cookies;
mod jwe;
mod keys;

use http::HeaderMap;
use secrecy::SecretString;
use thiserror::Error;

pub use self::{
    claims::{Identity, MAX_ID, MAX_NAME, clean},
    cookies::names_in,
};
use self::{cookies::Candidate, jwe::Compact, keys::KeyRing};

/// Why a session cookie was rejected, without its content.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Rejected {
    /// It has no token in the form of RFC 7516, section 7.1: sessions are stored in a database or encoded in another
    /// way.
    #[error("an Auth.js session cookie contains no encrypted token")]
    NotEncrypted,
    /// It is encrypted with another secret.
    #[error("an Auth.js session cookie is encrypted with another secret")]
    OtherSecret,
}

/// Reads the session cookies of one installation.
#[derive(Clone, Debug)]
pub struct AuthJs(KeyRing);

impl AuthJs {
    /// Derives the keys of secrets, newest first. Without secrets no cookie is accepted.
    #[must_use]
    pub fn new(secrets: &[SecretString]) -> Self {
        Self(KeyRing::derive(secrets))
    }

    /// Returns the user of a valid session cookie at `now` (seconds since 1970); `None` if there is none or it has
    /// expired.
    ///
    /// # Errors
    ///
    /// Why a cookie was rejected, if none was accepted. Without secrets cookies are ignored.
    pub fn identify(&self, headers: &HeaderMap, now: i64) -> Result<Option<Identity>, Rejected> {
        let mut rejected = None;
        for Candidate { cookie, token } in cookies::candidates(headers) {
            let keys = self.0.of(cookie);
            if keys.is_empty() {
                continue;
            }
            let Some(token) = Compact::parse(&token) else {
                rejected.get_or_insert(Rejected::NotEncrypted);
                continue;
            };
            let Some(payload) = keys.iter().find_map(|key| token.open(key)) else {
                rejected.get_or_insert(Rejected::OtherSecret);
                continue;
            };
            if let Some(identity) = claims::read(&payload, now) {
                return Ok(Some(identity));
            }
        }
        rejected.map_or(Ok(None), Err)
    }
}
