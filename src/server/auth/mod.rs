//! Who is there: accounts with passwords, and sessions in a cookie.

pub mod accounts;
pub mod session;

use axum::http::request::Parts;
use leptos::prelude::use_context;
use secrecy::SecretString;

use crate::{
    api::{ApiError, session::SignInState},
    server::{state::app_state, store::users::User},
};

/// Finds who made the request that a server function answers.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a valid session.
pub async fn require_user() -> Result<User, ApiError> {
    find_user().await?.ok_or(ApiError::SignedOut)
}

/// Returns a header of the request that a server function answers.
pub(crate) fn request_header(name: &str) -> Option<String> {
    let parts = use_context::<Parts>()?;
    parts.headers.get(name)?.to_str().ok().map(str::to_owned)
}

async fn find_user() -> Result<Option<User>, ApiError> {
    // The gate before the routes has looked already.
    let parts = use_context::<Parts>().ok_or(ApiError::Internal)?;
    Ok(parts.extensions.get::<User>().cloned())
}

/// Says whether anybody is signed in, and whether there is an account at all.
pub(crate) async fn sign_in_state() -> Result<SignInState, ApiError> {
    if find_user().await?.is_some() {
        return Ok(SignInState::SignedIn);
    }
    let has_users = app_state()?.store.has_users().await?;
    Ok(if has_users {
        SignInState::SignedOut
    } else {
        SignInState::NeedsOwner
    })
}

/// Checks the password, opens a session and redirects.
pub(crate) async fn sign_in(
    email: &str,
    password: SecretString,
    next: Option<&str>,
) -> Result<(), ApiError> {
    let state = app_state()?;
    let user = accounts::verify(&state.store, email, password).await?;
    session::open(&state, &user).await?;
    leptos_axum::redirect(local_path(next));
    Ok(())
}

/// Makes the first account, opens a session and redirects.
pub(crate) async fn create_owner(
    name: &str,
    email: &str,
    password: SecretString,
) -> Result<(), ApiError> {
    let state = app_state()?;
    let user = accounts::create_owner(&state.store, name, email, password).await?;
    session::open(&state, &user).await?;
    leptos_axum::redirect(HOME);
    Ok(())
}

/// Closes the session and redirects.
pub(crate) async fn sign_out() -> Result<(), ApiError> {
    let state = app_state()?;
    let parts = use_context::<Parts>().ok_or(ApiError::Internal)?;
    session::close(&state, &parts.headers).await?;
    leptos_axum::redirect(SIGN_IN);
    Ok(())
}

/// Where one lands after signing in.
pub(in crate::server) const HOME: &str = "/imports";
/// Where one signs in.
pub(in crate::server) const SIGN_IN: &str = "/sign-in";

/// Lets only a path of ours through: a redirect to elsewhere would lend our name to a stranger.
fn local_path(next: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path[1..].starts_with(['/', '\\'])
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    next.filter(is_local).unwrap_or(HOME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_this_host() {
        assert_eq!(local_path(Some("/imports/7?x=1")), "/imports/7?x=1");
        for elsewhere in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a\r\nb",
        ] {
            assert_eq!(local_path(Some(elsewhere)), HOME, "{elsewhere:?}");
        }
        assert_eq!(local_path(None), HOME);
    }
}
