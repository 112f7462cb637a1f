//! Signing in and out, and the current user.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    secret::Secret,
    session::{ConfirmState, CurrentUser, SignInState},
};

/// Returns the state of the sign-in page. `setup` is the secret of the link that creates the owner's account.
#[server(name = GetSignInState, prefix = "/api", endpoint = "sign_in_state", input = server_fn::codec::GetUrl)]
pub async fn sign_in_state(setup: Option<Secret>) -> Result<SignInState, ApiError> {
    crate::server::auth::sign_in::state(setup).await
}

/// Returns the current user.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetCurrentUser, prefix = "/api", endpoint = "current_user", input = server_fn::codec::GetUrl)]
pub async fn current_user() -> Result<CurrentUser, ApiError> {
    crate::server::auth::sign_in::current_user()
}

/// Signs in, sets the session cookie and redirects to `next`, or to the imports.
///
/// # Errors
///
/// [`ApiError::Invalid`] if no account has this address and password, [`ApiError::Throttled`] after too many attempts.
#[server(prefix = "/api", endpoint = "sign_in")]
pub async fn sign_in(
    email: String,
    password: Secret,
    next: Option<String>,
) -> Result<(), ApiError> {
    crate::server::auth::sign_in::sign_in(&email, password.into(), next.as_deref()).await
}

/// Creates the owner's account if there is none, signs in with it and redirects to `next`, or to the
/// imports. `setup` is the secret of the link that the server printed. It is not needed on the server's
/// own machine if the app listens there only.
///
/// # Errors
///
/// [`ApiError::Invalid`] if there is an owner, the secret is missing or wrong, or the address or password is invalid.
#[server(prefix = "/api", endpoint = "create_owner")]
pub async fn create_owner(
    name: String,
    email: String,
    password: Secret,
    setup: Option<Secret>,
    next: Option<String>,
) -> Result<(), ApiError> {
    let (password, next) = (password.into(), next.as_deref());
    crate::server::auth::first_owner::create(&name, &email, password, setup, next).await
}

/// Returns how the user can confirm their identity.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetConfirmState, prefix = "/api", endpoint = "confirm_state", input = server_fn::codec::GetUrl)]
pub async fn confirm_state() -> Result<ConfirmState, ApiError> {
    crate::server::auth::confirm::state().await
}

/// Confirms the user's identity with the password, starts a new session and redirects to `next`, or to the imports.
///
/// # Errors
///
/// [`ApiError::Invalid`] if the password is wrong or there is none, [`ApiError::Throttled`] after too many attempts.
#[server(prefix = "/api", endpoint = "confirm")]
pub async fn confirm(password: Secret, next: Option<String>) -> Result<(), ApiError> {
    crate::server::auth::confirm::by_password(password.into(), next.as_deref()).await
}

/// Ends the session and redirects to the sign-in page.
#[server(prefix = "/api", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), ApiError> {
    crate::server::auth::sign_in::sign_out().await
}
