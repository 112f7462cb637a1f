//! One's own account: its password and its sessions.

use leptos::prelude::*;

use crate::model::{account::AccountState, error::ApiError, secret::Secret};

/// Says what the account's page shows.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetAccount, prefix = "/api", endpoint = "account", input = server_fn::codec::GetUrl)]
pub async fn account() -> Result<AccountState, ApiError> {
    crate::server::auth::account::account_state().await
}

/// Gives the account a new password, ends every other session of it and voids its API tokens.
///
/// # Errors
///
/// [`ApiError::Invalid`] when the current password is wrong or the new one will not do,
/// [`ApiError::Throttled`] after too many tries.
#[server(prefix = "/api", endpoint = "change_password")]
pub async fn change_password(current: Secret, password: Secret) -> Result<(), ApiError> {
    crate::server::auth::account::change_password(current.into(), password.into()).await
}

/// Ends one of the account's sessions.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "end_session")]
pub async fn end_session(id: String) -> Result<(), ApiError> {
    crate::server::auth::account::end_session(&id).await
}

/// Ends every session of the account, voids its API tokens and goes to the sign-in page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "sign_out_everywhere")]
pub async fn sign_out_everywhere() -> Result<(), ApiError> {
    crate::server::auth::account::sign_out_everywhere().await
}
