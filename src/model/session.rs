//! The signed-in user, and how to sign in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{error::Elsewhere, role::Role, secret::Secret};

/// The signed-in user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CurrentUser {
    /// Name.
    pub name: String,
    /// Email address.
    pub email: String,
    /// Role.
    pub role: Role,
}

/// The state of the sign-in page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum SignInState {
    /// There is no owner yet, and this visitor may create the owner's account.
    NeedsOwner {
        /// Name of the OpenID Connect provider, if any.
        provider: Option<String>,
        /// The setup secret.
        setup: Option<Secret>,
    },
    /// There is no account yet; the owner's is created by the link that the server printed.
    NeedsLink {
        /// Name of the OpenID Connect provider, if any.
        provider: Option<String>,
    },
    /// There are accounts to sign in with.
    SignedOut {
        /// Whether passwords are accepted.
        passwords: bool,
        /// Whether any account has a passkey that is accepted.
        passkeys: bool,
        /// Name of the OpenID Connect provider, if any.
        provider: Option<String>,
        /// Why a session of Auth.js or NextAuth gives no access, if there is one.
        elsewhere: Option<Elsewhere>,
        /// Contact for access, if set.
        contact: Option<String>,
    },
    /// The visitor is signed in.
    SignedIn,
}

/// How a signed-in user can confirm their identity.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfirmState {
    /// With their password.
    pub password: bool,
    /// With a passkey.
    pub passkey: bool,
    /// At the OpenID Connect provider with this name.
    pub provider: Option<String>,
}

/// The page for it, with `next` like the server function `sign_in`.
pub const CONFIRM_PATH: &str = "/confirm";

/// The route to the OpenID Connect provider, with `next` like the server function `sign_in`.
pub const PROVIDER_PATH: &str = "/sign-in/oidc";

/// Why a visitor returns from an OpenID Connect provider without being signed in. The URL of the sign-in page has it as
/// `problem`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignInProblem {
    /// The provider cannot be reached.
    Unreachable,
    /// The provider refused them, or they took too long, or used another browser.
    Refused,
    /// They have no role here.
    Stranger,
    /// Too many failed attempts.
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

    /// Parses the value of the parameter.
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
