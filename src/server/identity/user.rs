//! Accounts, for the rest of the server.

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
    /// Returns the account's label for the owner. External addresses are marked, because they prove nothing here.
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

/// An account's ID, required by queries about its data.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct UserId(String);

impl UserId {
    /// Returns the ID for pages and logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For IDs found by the store.
    pub(in crate::server) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
}
