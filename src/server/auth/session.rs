//! Sessions: a random token in a cookie, its hash in the database.

use axum::http::{HeaderMap, header};

use super::{cookie, cookie::OwnCookie, request::Caller, secret};
use crate::{
    model::{clock::now, error::ApiError, job::UnixMillis},
    server::{
        auth::Auth,
        identity::user::User,
        store::{
            StoreError,
            sessions::{FoundSession, NewSession},
        },
    },
};

const MAX_AGENT: usize = 300;

/// How the user of a session was authenticated.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// When the user proved their identity; 0 if unknown.
    pub(super) confirmed_at: UnixMillis,
    pub(super) passkey: Option<String>,
}

impl Evidence {
    /// A password or link, just now.
    pub(super) fn password() -> Self {
        Self::without_passkey(now())
    }

    /// A provider that authenticated the user at this time.
    pub(super) fn without_passkey(confirmed_at: UnixMillis) -> Self {
        Self {
            confirmed_at,
            passkey: None,
        }
    }
}

pub(super) async fn find(
    auth: &Auth,
    headers: &HeaderMap,
) -> Result<Option<FoundSession>, StoreError> {
    match token(auth, headers) {
        Some(token) => {
            let lifetime = auth.config.auth.sessions;
            auth.store
                .find_session(&secret::hash(&token), lifetime)
                .await
        }
        None => Ok(None),
    }
}

pub(super) async fn open(
    auth: &Auth,
    caller: &Caller,
    user: &User,
    evidence: Evidence,
) -> Result<(), ApiError> {
    let token = start(auth, caller, user, evidence).await?;
    OwnCookie::Session.set(auth, token, max_age(auth))
}

/// Opens a session and returns its `Set-Cookie` header.
pub(super) async fn open_with_header(
    auth: &Auth,
    caller: &Caller,
    user: &User,
    evidence: Evidence,
) -> Result<String, ApiError> {
    let token = start(auth, caller, user, evidence).await?;
    Ok(OwnCookie::Session.header(auth, token, max_age(auth)))
}

fn max_age(auth: &Auth) -> i64 {
    i64::try_from(auth.config.auth.sessions.absolute.as_secs()).unwrap_or(i64::MAX)
}

/// Creates a session with a new token and ends the previous one, to prevent session fixation.
async fn start(
    auth: &Auth,
    caller: &Caller,
    user: &User,
    evidence: Evidence,
) -> Result<String, ApiError> {
    if let Some(before) = token(auth, &caller.headers) {
        auth.store.delete_session(&secret::hash(&before)).await?;
    }
    let token = secret::generate()?;
    let agent = caller
        .headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .map(|agent| agent.chars().take(MAX_AGENT).collect());
    let mut lifetime = auth.config.auth.sessions;
    if user.issuer.is_some() {
        // The provider may revoke access meanwhile.
        lifetime.absolute = lifetime.absolute.min(auth.config.auth.provider_session);
    }
    let new = NewSession {
        token_hash: secret::hash(&token),
        user: &user.id,
        address: caller.address.map(|address| address.to_string()),
        agent,
        confirmed_at: evidence.confirmed_at,
        passkey: evidence.passkey,
    };
    auth.store.create_session(new, lifetime).await?;
    Ok(token)
}

/// Ends the session and removes its cookie and those of Auth.js, which would sign in again.
pub(super) async fn close(auth: &Auth, headers: &HeaderMap) -> Result<(), ApiError> {
    if let Some(token) = token(auth, headers) {
        auth.store.delete_session(&secret::hash(&token)).await?;
    }
    OwnCookie::Session.set(auth, String::new(), 0)?;
    authjs_session::names_in(headers)
        .iter()
        .try_for_each(|name| cookie::remove_foreign(auth, name))
}

fn token(auth: &Auth, headers: &HeaderMap) -> Option<String> {
    OwnCookie::Session
        .get(auth, headers)
        .filter(|token| token.len() == secret::LENGTH)
}
