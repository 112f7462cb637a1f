//! Trusted devices: browsers that have signed in to an account are not throttled by others' failures.

use axum::http::HeaderMap;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::cookie::OwnCookie;
use crate::{
    model::error::ApiError,
    server::{auth::Auth, store::users::Login},
};

const ONE_YEAR: i64 = 365 * 24 * 3600;
const NUMBER: usize = 16;

/// Returns the device ID if the browser has signed in to this account with its present password.
pub(super) fn known(auth: &Auth, headers: &HeaderMap, login: &Login) -> Option<String> {
    let mark = hex::decode(OwnCookie::Known.get(auth, headers)?).ok()?;
    let (number, proof) = mark.split_at_checked(NUMBER)?;
    mac(login, number)?.verify_slice(proof).ok()?;
    Some(hex::encode(number))
}

pub(super) fn remember(auth: &Auth, login: &Login) -> Result<(), ApiError> {
    let mut mark = vec![0; NUMBER];
    getrandom::fill(&mut mark).map_err(|error| {
        tracing::error!(%error, "no randomness");
        ApiError::Internal
    })?;
    let Some(mac) = mac(login, &mark) else {
        return Ok(());
    };
    mark.extend_from_slice(&mac.finalize().into_bytes());
    OwnCookie::Known.set(auth, hex::encode(mark), ONE_YEAR)
}

/// Keyed by the salted password hash: a new password revokes all marks.
fn mac(login: &Login, number: &[u8]) -> Option<Hmac<Sha256>> {
    use hmac::KeyInit as _;
    let key = login.password_hash.as_ref()?;
    let mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).ok()?;
    Some(
        mac.chain_update("a browser known to ")
            .chain_update(login.user.id.as_str())
            .chain_update(number),
    )
}
