//! The user's account: password and sessions.

use leptos::prelude::*;

use crate::{
    i18n::locale::Locale,
    model::{
        account::{AccountState, MailWish},
        error::ApiError,
        secret::Secret,
    },
};

/// Returns the state of the account page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetAccount, prefix = "/api", endpoint = "account", input = server_fn::codec::GetUrl)]
pub async fn account() -> Result<AccountState, ApiError> {
    crate::server::auth::account::account_state().await
}

/// Changes the password, ends all other sessions and revokes the API tokens.
///
/// # Errors
///
/// [`ApiError::Invalid`] if the current password is wrong or the new one is not accepted,
/// [`ApiError::Throttled`] after too many attempts.
#[server(prefix = "/api", endpoint = "change_password")]
pub async fn change_password(current: Secret, password: Secret) -> Result<(), ApiError> {
    crate::server::auth::account::change_password(current.into(), password.into()).await
}

/// Sets which emails the account gets, and their language.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "set_mail")]
pub async fn set_mail(wish: MailWish, language: Locale) -> Result<(), ApiError> {
    crate::server::auth::account::set_mail(wish, language).await
}

/// Ends a session of the account.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "end_session")]
pub async fn end_session(id: String) -> Result<(), ApiError> {
    crate::server::auth::account::end_session(&id).await
}

/// Ends all sessions of the account, revokes its API tokens and redirects to the sign-in page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "sign_out_everywhere")]
pub async fn sign_out_everywhere() -> Result<(), ApiError> {
    crate::server::auth::account::sign_out_everywhere().await
}
