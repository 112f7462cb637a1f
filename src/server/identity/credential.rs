//! Credentials and passes.

use super::user::UserId;
use crate::model::{role::Role, token::TokenScope};

/// How a user is authenticated.
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

/// The credential of a long-lived stream, for rechecks.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Pass {
    /// The user.
    pub user: UserId,
    /// The role when the stream was opened.
    pub role: Role,
    /// The credential.
    pub credential: Credential,
}

/// The ID of a session. Grants nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SessionId(String);

impl SessionId {
    /// For IDs found by the store.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the ID for display.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The ID of a share link. Grants nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LinkId(String);

impl LinkId {
    /// For IDs found by the store.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the ID for display.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The ID of an API token. Grants nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TokenId(String);

impl TokenId {
    /// For IDs found by the store.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the ID for display.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
