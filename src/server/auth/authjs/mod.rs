//! Accepts session cookies of an Auth.js 5 or NextAuth 4 installation on the same domain (CONTRACT section
//! 7).
//!
//! `cookies` finds the token, `keys` derives its key, `jwe` decrypts it, `claims` parses it. All of it is
//! pure.

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
    /// Derives the keys of secrets, newest first. Without secrets no cookie is accepted.
    #[must_use]
    pub fn new(secrets: &[SecretString]) -> Self {
        Self(KeyRing::derive(secrets))
    }

    /// Returns the user of a valid session cookie at `now` (seconds since 1970).
    ///
    /// # Errors
    ///
    /// Why a cookie was rejected, if none was accepted. Without secrets cookies are ignored.
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
