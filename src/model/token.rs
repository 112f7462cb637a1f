//! API tokens.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{job::UnixMillis, role::Permission, secret::Secret};

/// What a token may be used for. It never allows more than its user's role.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum TokenScope {
    /// To look at imports.
    #[serde(rename = "imports:read")]
    Read,
    /// To look at imports, start them and change them.
    #[serde(rename = "imports:write")]
    Write,
    /// To look at products.
    #[serde(rename = "products:read")]
    Products,
    /// To look at imports and products, start imports and change them.
    #[serde(rename = "imports:write products:read")]
    All,
    /// To manage webhooks.
    #[serde(rename = "webhooks:write")]
    Webhooks,
}

impl TokenScope {
    /// Every scope.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Write,
        Self::Products,
        Self::All,
        Self::Webhooks,
    ];

    /// Returns the scope's name as it is stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "imports:read",
            Self::Write => "imports:write",
            Self::Products => "products:read",
            Self::All => "imports:write products:read",
            Self::Webhooks => "webhooks:write",
        }
    }

    /// Returns what the scope allows.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Read => &[Permission::Watch],
            Self::Write => &[Permission::Watch, Permission::Import],
            Self::Products => &[Permission::SeeProducts],
            Self::All => &[
                Permission::Watch,
                Permission::Import,
                Permission::SeeProducts,
            ],
            Self::Webhooks => &[Permission::Webhooks],
        }
    }

    /// Returns whether the scope allows something.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

/// A text that names no scope.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "a scope must be imports:read, imports:write, products:read, \"imports:write products:read\" or \
     webhooks:write"
)]
pub struct UnknownScope;

impl FromStr for TokenScope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

/// How long a token is good for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenLifetime {
    /// 30 days.
    Month,
    /// 365 days, which is the most.
    #[serde(alias = "unlimited")]
    Year,
}

impl TokenLifetime {
    /// Returns the lifetime in days.
    #[must_use]
    pub fn days(self) -> u16 {
        match self {
            Self::Month => 30,
            Self::Year => 365,
        }
    }

    /// Returns whether it is so long that it must be certain who makes the token.
    #[must_use]
    pub fn is_long(self) -> bool {
        self.days() > 90
    }
}

/// A token, without what makes it one: that is told once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ApiToken {
    /// What it is named by.
    pub id: String,
    /// What its user calls it.
    pub name: String,
    /// What it may be used for.
    pub scope: TokenScope,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last used, to the minute.
    pub last_used_at: Option<UnixMillis>,
    /// When it ends.
    pub expires_at: Option<UnixMillis>,
}

/// What the page of tokens shows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokensState {
    /// The user's tokens, the newest first.
    pub tokens: Vec<ApiToken>,
    /// Whether the user could let a token start imports.
    pub may_import: bool,
    /// Whether the user could let a token manage webhooks.
    pub may_manage_webhooks: bool,
    /// The token that this browser has just made, where it was made without script.
    pub fresh: Option<Secret>,
}

/// A token that was just made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewApiToken {
    /// The token. It is kept nowhere and told never again.
    pub token: Secret,
}
