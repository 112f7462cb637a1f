//! API tokens.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    i18n::locale::Locale,
    model::{job::UnixMillis, role::Permission, secret::Secret},
};

/// The scope of a token. It never allows more than its user's role.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum TokenScope {
    /// Read imports.
    #[serde(rename = "imports:read")]
    Read,
    /// Read, start and change imports.
    #[serde(rename = "imports:write")]
    Write,
    /// Read products.
    #[serde(rename = "products:read")]
    Products,
    /// Read products, and read, start and change imports.
    #[serde(rename = "imports:write products:read")]
    All,
    /// Manage webhooks.
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

    /// Returns the scope's name in the database and on the wire.
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

    /// Returns the scope's name for display.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::Read => t.say("Read imports", "Importe ansehen"),
            Self::Write => t.say("Read and manage imports", "Importe ansehen und verwalten"),
            Self::Products => t.say("Read products", "Produkte ansehen"),
            Self::All => t.say(
                "Manage imports, read products",
                "Importe verwalten, Produkte ansehen",
            ),
            Self::Webhooks => t.say("Manage webhooks", "Webhooks verwalten"),
        }
    }

    /// Returns the permissions that the scope includes.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Read => &[Permission::SeeImports],
            Self::Write => &[Permission::SeeImports, Permission::Import],
            Self::Products => &[Permission::SeeProducts],
            Self::All => &[
                Permission::SeeImports,
                Permission::Import,
                Permission::SeeProducts,
            ],
            Self::Webhooks => &[Permission::Webhooks],
        }
    }

    /// Returns whether the scope includes a permission.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

/// An unknown scope.
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

/// Lifetime of a token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenLifetime {
    /// 30 days.
    Month,
    /// 365 days, the maximum.
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

    /// Returns whether it requires a recent confirmation of the user's identity.
    #[must_use]
    pub fn is_long(self) -> bool {
        self.days() > 90
    }
}

/// A token without its secret, which is shown once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ApiToken {
    /// ID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Scope.
    pub scope: TokenScope,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last used, to the minute.
    pub last_used_at: Option<UnixMillis>,
    /// When it expires.
    pub expires_at: Option<UnixMillis>,
}

/// The page of tokens.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokensState {
    /// The user's tokens, the newest first.
    pub tokens: Vec<ApiToken>,
    /// Scopes that the user may give to a token.
    pub scopes: Vec<TokenScope>,
    /// The token that this browser has just created without JavaScript.
    pub fresh: Option<Secret>,
}

/// A token that was just created.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewApiToken {
    /// The token. It is not stored, and shown once.
    pub token: Secret,
}
