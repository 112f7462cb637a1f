//! Passkeys: adding and managing one's own, and signing in with them.
//!
//! A form's script asks the functions that begin what to ask of the browser, as JSON of Web Authentication; the form
//! then sends the browser's answer.

use leptos::prelude::*;

use crate::model::{error::ApiError, passkey::PasskeyDuty};

/// Says what whoever is signed in has to do with a passkey before anything else.
///
/// # Errors
///
/// [`ApiError::SignedOut`] when nobody is.
#[server(name = GetPasskeyDuty, prefix = "/api", endpoint = "passkey_duty", input = server_fn::codec::GetUrl)]
pub async fn passkey_duty() -> Result<PasskeyDuty, ApiError> {
    crate::server::auth::passkeys::own::duty().await
}

/// Begins to sign in with a passkey.
///
/// # Errors
///
/// [`ApiError::Invalid`] where passkeys are turned off, [`ApiError::TooMany`] after too many calls.
#[server(prefix = "/api", endpoint = "begin_passkey_sign_in")]
pub async fn begin_passkey_sign_in() -> Result<String, ApiError> {
    crate::server::auth::passkeys::prove::begin_sign_in().await
}

/// Signs in with a passkey, sets the session cookie and goes on to `next`, or to the imports.
///
/// # Errors
///
/// [`ApiError::PasskeyRefused`] when it is not accepted, [`ApiError::Throttled`] after too many tries.
#[server(prefix = "/api", endpoint = "sign_in_with_passkey")]
pub async fn sign_in_with_passkey(
    credential: String,
    next: Option<String>,
) -> Result<(), ApiError> {
    crate::server::auth::passkeys::prove::sign_in(&credential, next.as_deref()).await
}

/// Begins to confirm by a passkey who is behind the session.
///
/// # Errors
///
/// As [`begin_passkey_sign_in`], and [`ApiError::PasskeyRefused`] when there is none.
#[server(prefix = "/api", endpoint = "begin_passkey_confirmation")]
pub async fn begin_passkey_confirmation() -> Result<String, ApiError> {
    crate::server::auth::passkeys::prove::begin_confirmation().await
}

/// Confirms by a passkey who is behind the session, begins a new one and goes on to `next`, or to the imports.
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
/// As [`begin_passkey_sign_in`], [`ApiError::Unconfirmed`] when it is not certain who it is, and
/// [`ApiError::PasskeyDue`] when a passkey is required and has not been used.
#[server(prefix = "/api", endpoint = "begin_new_passkey")]
pub async fn begin_new_passkey() -> Result<String, ApiError> {
    crate::server::auth::passkeys::own::begin_to_add().await
}

/// Adds a passkey, begins a new session and goes on to `next`, or to the account.
///
/// # Errors
///
/// As [`begin_new_passkey`], [`ApiError::PasskeyRefused`] when it is not accepted, and [`ApiError::Invalid`] for a
/// name that will not do.
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
/// [`ApiError::Invalid`] when there is none, or the name will not do.
#[server(prefix = "/api", endpoint = "rename_passkey")]
pub async fn rename_passkey(id: String, name: String) -> Result<(), ApiError> {
    crate::server::auth::passkeys::own::rename(&id, &name).await
}

/// Removes a passkey and ends the other sessions that it opened.
///
/// # Errors
///
/// [`ApiError::Invalid`] when there is none, or it is the only way in; [`ApiError::Unconfirmed`] when it is not
/// certain who it is.
#[server(prefix = "/api", endpoint = "remove_passkey")]
pub async fn remove_passkey(id: String) -> Result<(), ApiError> {
    crate::server::auth::passkeys::own::remove(&id).await
}
