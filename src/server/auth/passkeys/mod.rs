//! Passkeys (Web Authentication): sign-in without a password, and confirmation of a session's user.
//!
//! `ceremony` verifies answers; `own` manages a user's passkeys, `prove` accepts them.

mod ceremony;
pub(crate) mod own;
pub(crate) mod prove;

use std::time::Duration;

use axum::http::HeaderMap;

pub(super) use self::ceremony::RelyingParty;
use super::{cookie::OwnCookie, request::Caller, secret};
use crate::{
    i18n::messages::ErrorCode,
    model::error::ApiError,
    server::{
        auth::Auth,
        config::PasskeyPolicy,
        identity::user::{User, UserId},
        store::passkey_challenges::NewChallenge,
    },
};

const LIFETIME: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Purpose {
    SignIn,
    Confirm,
    Add,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Confirm => "confirm",
            Self::Add => "add",
        }
    }
}

fn relying_party(auth: &Auth) -> Result<&RelyingParty, ApiError> {
    auth.passkeys
        .as_ref()
        .ok_or_else(|| ApiError::invalid(ErrorCode::PasskeysOff))
}

/// Returns whether this user's sessions need a passkey.
pub(super) fn is_required(auth: &Auth, user: &User) -> bool {
    auth.config.auth.passkeys == PasskeyPolicy::Required && user.issuer.is_none()
}

/// Stores a challenge and sets its cookie.
async fn keep(
    auth: &Auth,
    purpose: Purpose,
    user: Option<&UserId>,
    state: String,
) -> Result<(), ApiError> {
    let token = secret::generate()?;
    let new = NewChallenge {
        token_hash: secret::hash(&token),
        purpose: purpose.as_str(),
        user,
        state,
    };
    auth.store.create_passkey_challenge(new, LIFETIME).await?;
    let max_age = i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX);
    OwnCookie::Passkey.set(auth, token, max_age)
}

/// Takes a browser's challenge. Returns [`ApiError::PasskeyRefused`] if there is none for this purpose and user, it has
/// expired, or it was already taken.
async fn take(
    auth: &Auth,
    headers: &HeaderMap,
    purpose: Purpose,
    user: Option<&UserId>,
) -> Result<String, ApiError> {
    let token = OwnCookie::Passkey
        .get(auth, headers)
        .filter(|token| token.len() == secret::LENGTH)
        .ok_or(ApiError::PasskeyRefused)?;
    auth.store
        .take_passkey_challenge(&secret::hash(&token), purpose.as_str(), user)
        .await?
        .ok_or(ApiError::PasskeyRefused)
}

/// Limits challenges per address, because each one is stored.
fn admit(auth: &Auth, caller: &Caller) -> Result<(), ApiError> {
    let address = caller.address.ok_or(ApiError::Internal)?;
    let admitted = auth.challenges.admit(&address.network());
    admitted.map_err(|_| ApiError::TooMany)
}
