//! One's own account: its password and its sessions.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, secret::Secret};
use crate::{job::UnixMillis, role::Role};

/// What the account's page shows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccountState {
    /// What the person is called.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have a password here, and do not sign in elsewhere.
    pub has_password: bool,
    /// Where they are signed in, the session last used first.
    pub sessions: Vec<OpenSession>,
}

/// A signed-in browser.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OpenSession {
    /// What it is named by. It opens nothing.
    pub id: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// When it was opened.
    pub created_at: UnixMillis,
    /// When it was last used, to the minute.
    pub last_seen_at: UnixMillis,
    /// The address it was opened from.
    pub address: Option<String>,
    /// The browser's name.
    pub browser: Option<String>,
}

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
