//! Sessions: a random token in a cookie, its hash in the database.

use axum::http::{HeaderMap, header};

use super::{authjs, cookie, cookie::OwnCookie, request::Caller, secret};
use crate::{
    model::error::ApiError,
    server::{
        http::state::AppState,
        store::{
            StoreError,
            sessions::{NewSession, SessionId},
            users::User,
        },
    },
};

/// Maximum bytes of a stored `User-Agent`.
const MAX_AGENT: usize = 300;

/// Finds the user of the session cookie.
pub(super) async fn find(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<Option<(User, SessionId)>, StoreError> {
    match token(state, headers) {
        Some(token) => {
            let lifetime = state.config.auth.sessions;
            state
                .store
                .find_session(&secret::hash(&token), lifetime)
                .await
        }
        None => Ok(None),
    }
}

/// Opens a session and sets its cookie on a server function's response.
pub(super) async fn open(state: &AppState, caller: &Caller, user: &User) -> Result<(), ApiError> {
    let token = start(state, caller, user).await?;
    OwnCookie::Session.set(state, token, max_age(state))
}

/// Opens a session and returns its `Set-Cookie` header.
pub(super) async fn open_with_header(
    state: &AppState,
    caller: &Caller,
    user: &User,
) -> Result<String, ApiError> {
    let token = start(state, caller, user).await?;
    Ok(OwnCookie::Session.header(state, token, max_age(state)))
}

fn max_age(state: &AppState) -> i64 {
    i64::try_from(state.config.auth.sessions.absolute.as_secs()).unwrap_or(i64::MAX)
}

/// Creates a session with a new token and ends the previous one, to prevent session fixation.
async fn start(state: &AppState, caller: &Caller, user: &User) -> Result<String, ApiError> {
    if let Some(before) = token(state, &caller.headers) {
        state.store.delete_session(&secret::hash(&before)).await?;
    }
    let token = secret::generate()?;
    let agent = caller
        .headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .map(|agent| agent.chars().take(MAX_AGENT).collect());
    let mut lifetime = state.config.auth.sessions;
    if user.issuer.is_some() {
        // The provider may revoke access meanwhile.
        lifetime.absolute = lifetime.absolute.min(state.config.auth.provider_session);
    }
    let new = NewSession {
        token_hash: secret::hash(&token),
        user: &user.id,
        address: caller.address.map(|address| address.to_string()),
        agent,
    };
    state.store.create_session(new, lifetime).await?;
    Ok(token)
}

/// Ends the session and removes its cookie and those of Auth.js, which would sign in again.
pub(super) async fn close(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    if let Some(token) = token(state, headers) {
        state.store.delete_session(&secret::hash(&token)).await?;
    }
    OwnCookie::Session.set(state, String::new(), 0)?;
    authjs::names_in(headers)
        .iter()
        .try_for_each(|name| cookie::remove_foreign(state, name))
}

fn token(state: &AppState, headers: &HeaderMap) -> Option<String> {
    OwnCookie::Session
        .get(state, headers)
        .filter(|token| token.len() == secret::LENGTH)
}
