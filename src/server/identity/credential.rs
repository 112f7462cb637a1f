//! By what somebody is known.

use super::user::UserId;
use crate::model::{role::Role, token::TokenScope};

/// A credential.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Credential {
    /// A local session.
    Session(SessionId),
    /// A session cookie of Auth.js or NextAuth.
    AuthJs {
        /// Time of issue, in seconds since 1970.
        issued_at: i64,
        /// Time of expiry.
        expires_at: i64,
    },
    /// An API token.
    Token(TokenId, TokenScope),
    /// A link to one import.
    Link(LinkId),
}

/// What a long-lived stream was opened with, for rechecks.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Pass {
    /// The user.
    pub user: UserId,
    /// The role at that time.
    pub role: Role,
    /// The credential.
    pub credential: Credential,
}

/// A session's ID for its user. It grants nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SessionId(String);

impl SessionId {
    /// Names a session that the store has found.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the ID as pages show it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The ID of a link to an import. It grants nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LinkId(String);

impl LinkId {
    /// Names a link that the store has found.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the ID as pages show it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token's ID for its user. It grants nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TokenId(String);

impl TokenId {
    /// Names a token that the store has found.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the ID as pages show it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
