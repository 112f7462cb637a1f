//! Signing in and out, and who is signed in.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    secret::Secret,
    session::{ConfirmState, CurrentUser, SignInState},
};

/// Says whether anybody is signed in, and whether there is an owner. `setup` is the secret of the link that
/// makes the owner's account.
#[server(name = GetSignInState, prefix = "/api", endpoint = "sign_in_state", input = server_fn::codec::GetUrl)]
pub async fn sign_in_state(setup: Option<Secret>) -> Result<SignInState, ApiError> {
    crate::server::auth::sign_in::state(setup).await
}

/// Says who is signed in.
///
/// # Errors
///
/// [`ApiError::SignedOut`] when nobody is.
#[server(name = GetCurrentUser, prefix = "/api", endpoint = "current_user", input = server_fn::codec::GetUrl)]
pub async fn current_user() -> Result<CurrentUser, ApiError> {
    crate::server::auth::sign_in::current_user()
}

/// Signs in, sets the session cookie and goes on to `next`, or to the imports.
///
/// # Errors
///
/// [`ApiError::Invalid`] when no account has this address and password, [`ApiError::Throttled`]
/// after too many tries.
#[server(prefix = "/api", endpoint = "sign_in")]
pub async fn sign_in(
    email: String,
    password: Secret,
    next: Option<String>,
) -> Result<(), ApiError> {
    crate::server::auth::sign_in::sign_in(&email, password.into(), next.as_deref()).await
}

/// Makes the owner's account, while there is none, signs in with it and goes on to `next`, or to the
/// imports. `setup` is the secret of the link that the server printed; on the machine of an app that is
/// for it alone it is not needed.
///
/// # Errors
///
/// [`ApiError::Invalid`] when there is an owner already, the secret is missing or wrong, or the address or
/// password will not do.
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

/// Says how whoever is signed in can show that it is still them.
///
/// # Errors
///
/// [`ApiError::SignedOut`] when nobody is.
#[server(name = GetConfirmState, prefix = "/api", endpoint = "confirm_state", input = server_fn::codec::GetUrl)]
pub async fn confirm_state() -> Result<ConfirmState, ApiError> {
    crate::server::auth::confirm::state().await
}

/// Takes the password once more, begins a new session and goes on to `next`, or to the imports.
///
/// # Errors
///
/// [`ApiError::Invalid`] when the password is wrong or there is none, [`ApiError::Throttled`] after too many tries.
#[server(prefix = "/api", endpoint = "confirm")]
pub async fn confirm(password: Secret, next: Option<String>) -> Result<(), ApiError> {
    crate::server::auth::confirm::by_password(password.into(), next.as_deref()).await
}

/// Ends the session and goes to the sign-in page.
#[server(prefix = "/api", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), ApiError> {
    crate::server::auth::sign_in::sign_out().await
}
