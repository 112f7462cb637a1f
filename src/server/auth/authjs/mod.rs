//! Session cookies of an Auth.js 5 or NextAuth 4 installation on the same domain (CONTRACT section
//! 7): who holds one that its secret sealed is signed in here too.
//!
//! `cookies` finds the token, `keys` derives what opens it, `jwe` opens it, `claims` reads it. All of
//! it is pure; only [`AuthJs::identify`] is given the time.

mod claims;
mod cookies;
mod jwe;
mod keys;
mod unread;

use axum::http::HeaderMap;
use secrecy::SecretString;

pub(super) use self::cookies::names_in;
pub(super) use self::unread::Seldom;
pub use self::{claims::Identity, unread::Unread};
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
    ///
    /// # Errors
    ///
    /// Why a cookie cannot be read, where none speaks of anybody. Without secrets none is looked at.
    pub fn identify(&self, headers: &HeaderMap, now: i64) -> Result<Option<Identity>, Unread> {
        let mut unread = None;
        for Candidate { cookie, token } in cookies::candidates(headers) {
            let keys = self.0.of(cookie);
            if keys.is_empty() {
                continue;
            }
            let Some(token) = Compact::parse(&token) else {
                unread.get_or_insert(Unread::NoToken);
                continue;
            };
            let Some(payload) = keys.iter().find_map(|key| token.open(key)) else {
                unread.get_or_insert(Unread::OtherSecret);
                continue;
            };
            if let Some(identity) = claims::read(&payload, now) {
                return Ok(Some(identity));
            }
        }
        unread.map_or(Ok(None), Err)
    }
}
