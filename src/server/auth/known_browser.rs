//! Browsers that have signed in to an account before: what strangers fail at does not slow them.

use axum::http::HeaderMap;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::cookie::OwnCookie;
use crate::{
    api::ApiError,
    server::{state::AppState, store::users::Login},
};

const ONE_YEAR: i64 = 365 * 24 * 3600;

/// Returns whether the browser has signed in to this account before, with its present password.
pub(super) fn is_known(state: &AppState, headers: &HeaderMap, login: &Login) -> bool {
    let mark = OwnCookie::Known
        .get(state, headers)
        .and_then(|mark| hex::decode(mark).ok());
    match (mark, mac(login)) {
        (Some(mark), Some(mac)) => mac.verify_slice(&mark).is_ok(),
        _ => false,
    }
}

/// Marks the browser on the server function's response.
pub(super) fn remember(state: &AppState, login: &Login) -> Result<(), ApiError> {
    let Some(mac) = mac(login) else { return Ok(()) };
    let mark = hex::encode(mac.finalize().into_bytes());
    OwnCookie::Known.set(state, mark, ONE_YEAR)
}

/// The password's hash, salted and never shown, is the key: a new password voids every mark.
fn mac(login: &Login) -> Option<Hmac<Sha256>> {
    use hmac::KeyInit as _;
    let key = login.password_hash.as_ref()?;
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    Some(
        mac.chain_update("a browser known to ")
            .chain_update(login.user.id.as_str()),
    )
}
