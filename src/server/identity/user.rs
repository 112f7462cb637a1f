//! Accounts as the rest of the server names them.

use crate::model::role::Role;

/// An account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// Its ID.
    pub id: UserId,
    /// The address to sign in with, in lower case.
    pub email: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// The issuer of an external account.
    pub issuer: Option<String>,
}

impl User {
    /// Returns the account's label for the owner. An external address is marked, because it proves nothing
    /// here.
    #[must_use]
    pub fn called(&self) -> String {
        let name = if self.email.is_empty() {
            &self.name
        } else {
            &self.email
        };
        match &self.issuer {
            Some(issuer) => format!("{name} (by {issuer})"),
            None => name.clone(),
        }
    }
}

/// An account's ID, which queries about its data require.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct UserId(String);

impl UserId {
    /// Returns the ID as pages and the log show it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names an account that the store has found.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
}
