//! Sessions: a random token in the browser's cookie, its hash in the database.

use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;
use sha2::{Digest, Sha256};

use crate::{
    api::ApiError,
    server::{
        state::AppState,
        store::{StoreError, users::User},
    },
};

const COOKIE: &str = "import-relay.session";
/// On https the browser itself guards the cookie's origin (RFC 6265bis, section 4.1.3.2).
const HOST_COOKIE: &str = "__Host-import-relay.session";
const TOKEN_BYTES: usize = 32;

/// Finds who is signed in by the request's cookie.
///
/// # Errors
///
/// When the database does not answer.
pub async fn find_user(state: &AppState, headers: &HeaderMap) -> Result<Option<User>, StoreError> {
    match token(state, headers) {
        Some(token) => state.store.find_session_user(&hash(&token)).await,
        None => Ok(None),
    }
}

/// Opens a session for the user and sets its cookie on the server function's response. The token is
/// new, so a session that somebody planted before is worth nothing.
pub(super) async fn open(state: &AppState, user: &User) -> Result<(), ApiError> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no randomness for a session token");
        ApiError::Internal
    })?;
    let token = hex::encode(bytes);
    let max_age = state.config.session_max_age;
    state
        .store
        .create_session(hash(&token), &user.id, max_age)
        .await?;
    let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    set_cookie(state, token, seconds)
}

/// Ends the session of the request's cookie and takes the cookie back.
pub(super) async fn close(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    if let Some(token) = token(state, headers) {
        state.store.delete_session(&hash(&token)).await?;
    }
    set_cookie(state, String::new(), 0)
}

fn set_cookie(state: &AppState, token: String, max_age: i64) -> Result<(), ApiError> {
    let cookie = Cookie::build((cookie_name(state), token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.config.public_url.is_https())
        .max_age(time::Duration::seconds(max_age))
        .build();
    let value = HeaderValue::from_str(&cookie.to_string()).map_err(|_| ApiError::Internal)?;
    expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, value);
    Ok(())
}

fn cookie_name(state: &AppState) -> &'static str {
    if state.config.public_url.is_https() {
        HOST_COOKIE
    } else {
        COOKIE
    }
}

fn token(state: &AppState, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let token = jar.get(cookie_name(state))?.value();
    (token.len() == 2 * TOKEN_BYTES).then(|| token.to_owned())
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}
