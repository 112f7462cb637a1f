//! Passkeys: adding, managing and signing in with them.
//!
//! A form's script calls a function `begin_…`, passes the answer, JSON of Web Authentication, to the browser, and sends the
//! browser's answer with the form.

use leptos::prelude::*;

use crate::model::{error::ApiError, passkey::PasskeyDuty};

/// Returns what the user has to do with a passkey first.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetPasskeyDuty, prefix = "/api", endpoint = "passkey_duty", input = server_fn::codec::GetUrl)]
pub async fn passkey_duty() -> Result<PasskeyDuty, ApiError> {
    crate::server::auth::passkeys::own::duty().await
}

/// Begins to sign in with a passkey.
///
/// # Errors
///
/// [`ApiError::Invalid`] if passkeys are off, [`ApiError::TooMany`] after too many calls.
#[server(prefix = "/api", endpoint = "begin_passkey_sign_in")]
pub async fn begin_passkey_sign_in() -> Result<String, ApiError> {
    crate::server::auth::passkeys::prove::begin_sign_in().await
}

/// Signs in with a passkey, sets the session cookie and redirects to `next`, or to the imports.
///
/// # Errors
///
/// [`ApiError::PasskeyRefused`] if it is not accepted, [`ApiError::Throttled`] after too many attempts.
#[server(prefix = "/api", endpoint = "sign_in_with_passkey")]
pub async fn sign_in_with_passkey(
    credential: String,
    next: Option<String>,
) -> Result<(), ApiError> {
    crate::server::auth::passkeys::prove::sign_in(&credential, next.as_deref()).await
}

/// Begins to confirm the user's identity with a passkey.
///
/// # Errors
///
/// As [`begin_passkey_sign_in`], and [`ApiError::PasskeyRefused`] if there is none.
#[server(prefix = "/api", endpoint = "begin_passkey_confirmation")]
pub async fn begin_passkey_confirmation() -> Result<String, ApiError> {
    crate::server::auth::passkeys::prove::begin_confirmation().await
}

/// Confirms the user's identity with a passkey, starts a new session and redirects to `next`, or to the imports.
///
/// # Errors
///
/// As [`sign_in_with_passkey`].
#[server(prefix = "/api", endpoint = "confirm_with_passkey")]
pub async fn confirm_with_passkey(
    credential: String,
    next: Option<String>,
) -> Result<(), ApiError> {
    crate::server::auth::passkeys::prove::confirm(&credential, next.as_deref()).await
}

/// Begins to add a passkey.
///
/// # Errors
///
/// As [`begin_passkey_sign_in`], [`ApiError::Unconfirmed`] if the user has to confirm their identity, and
/// [`ApiError::PasskeyDue`] if a passkey is required and has not been used.
#[server(prefix = "/api", endpoint = "begin_new_passkey")]
pub async fn begin_new_passkey() -> Result<String, ApiError> {
    crate::server::auth::passkeys::own::begin_to_add().await
}

/// Adds a passkey, starts a new session and redirects to `next`, or to the account.
///
/// # Errors
///
/// As [`begin_new_passkey`], [`ApiError::PasskeyRefused`] if it is not accepted, and [`ApiError::Invalid`] for an
/// invalid name.
#[server(prefix = "/api", endpoint = "add_passkey")]
pub async fn add_passkey(
    credential: String,
    name: String,
    next: Option<String>,
) -> Result<(), ApiError> {
    crate::server::auth::passkeys::own::add(&credential, &name, next.as_deref()).await
}

/// Renames a passkey.
///
/// # Errors
///
/// [`ApiError::Invalid`] if there is none, or the name is invalid.
#[server(prefix = "/api", endpoint = "rename_passkey")]
pub async fn rename_passkey(id: String, name: String) -> Result<(), ApiError> {
    crate::server::auth::passkeys::own::rename(&id, &name).await
}

/// Removes a passkey and ends the other sessions that were started with it.
///
/// # Errors
///
/// [`ApiError::Invalid`] if there is none, or it is the only way to sign in; [`ApiError::Unconfirmed`] if the user has to
/// confirm their identity.
#[server(prefix = "/api", endpoint = "remove_passkey")]
pub async fn remove_passkey(id: String) -> Result<(), ApiError> {
    crate::server::auth::passkeys::own::remove(&id).await
}
