//! Signing in and out, and who is signed in.

use std::fmt;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, Elsewhere, secret::Secret};
use crate::role::Role;

/// The person who is signed in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CurrentUser {
    /// What they are called.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
}

/// What the sign-in page must know.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum SignInState {
    /// There is no owner yet, and whoever asks may make the owner's account.
    NeedsOwner {
        /// What the OpenID Connect provider is called at which one can sign in too.
        provider: Option<String>,
        /// What lets them.
        setup: Option<Secret>,
    },
    /// There is no account yet, and only who has the link that the server printed may make the owner's.
    NeedsLink {
        /// What the OpenID Connect provider is called at which one can sign in too.
        provider: Option<String>,
    },
    /// There are accounts: sign in with one.
    SignedOut {
        /// What the OpenID Connect provider is called at which one can sign in too.
        provider: Option<String>,
        /// Why a session elsewhere does not let in, where there is one.
        elsewhere: Option<Elsewhere>,
        /// Whom to ask for access, where that is said.
        contact: Option<String>,
    },
    /// Somebody is signed in already.
    SignedIn,
}

/// Where one is sent to an OpenID Connect provider, with `next` as in [`sign_in`].
pub const PROVIDER_PATH: &str = "/sign-in/oidc";

/// Why somebody comes back from an OpenID Connect provider and is not signed in. The sign-in page is told
/// in its address, as `problem`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignInProblem {
    /// The provider cannot be asked.
    Unreachable,
    /// The provider does not let them in, or they took too long, or came by another browser.
    Refused,
    /// They are known there, and have no role here.
    Stranger,
    /// Too many tries that failed.
    TooMany,
}

impl SignInProblem {
    const ALL: [Self; 4] = [
        Self::Unreachable,
        Self::Refused,
        Self::Stranger,
        Self::TooMany,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Stranger => "stranger",
            Self::TooMany => "too-many",
        }
    }

    /// Reads what an address says.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for SignInProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

/// Ends the session and goes to the sign-in page.
#[server(prefix = "/api", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), ApiError> {
    crate::server::auth::sign_in::sign_out().await
}
