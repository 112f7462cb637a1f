//! Who is signed in, and how one signs in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{error::Elsewhere, role::Role, secret::Secret};

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
        /// Whether one can sign in with a password.
        passwords: bool,
        /// Whether anyone can sign in with a passkey.
        passkeys: bool,
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

/// How somebody who is signed in shows that it is still them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfirmState {
    /// By their password.
    pub password: bool,
    /// By one of their passkeys.
    pub passkey: bool,
    /// At the OpenID Connect provider that is called this.
    pub provider: Option<String>,
}

/// Where they do so, with `next` as the server function `sign_in` takes it.
pub const CONFIRM_PATH: &str = "/confirm";

/// Where one is sent to an OpenID Connect provider, with `next` as the server function `sign_in` takes it.
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
