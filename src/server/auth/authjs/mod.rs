//! Session cookies of an Auth.js 5 or NextAuth 4 installation on the same domain (CONTRACT section
//! 7): who holds one that its secret sealed is signed in here too.
//!
//! `cookies` finds the token, `keys` derives what opens it, `jwe` opens it, `claims` reads it. All of
//! it is pure; only [`AuthJs::identify`] is given the time.

mod claims;
mod cookies;
mod jwe;
mod keys;

use axum::http::HeaderMap;
use secrecy::SecretString;

pub use self::claims::Identity;
pub(super) use self::cookies::names_in;
use self::{cookies::Candidate, jwe::Compact, keys::KeyRing};

/// Reads the session cookies of one installation.
#[derive(Clone, Debug)]
pub struct AuthJs(KeyRing);

impl AuthJs {
    /// Derives the keys of an installation with these secrets, the newest first. Without secrets no
    /// cookie is ever taken.
    #[must_use]
    pub fn new(secrets: &[SecretString]) -> Self {
        Self(KeyRing::derive(secrets))
    }

    /// Returns who the request's cookies speak of at `now` (seconds since 1970), if one of them is
    /// sealed by a secret of the installation and valid.
    #[must_use]
    pub fn identify(&self, headers: &HeaderMap, now: i64) -> Option<Identity> {
        cookies::candidates(headers)
            .into_iter()
            .find_map(|Candidate { cookie, token }| {
                let token = Compact::parse(&token)?;
                let payload = self.0.of(cookie).iter().find_map(|key| token.open(key))?;
                claims::read(&payload, now)
            })
    }
}
