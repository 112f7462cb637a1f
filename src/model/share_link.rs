//! Links to an import for people without an account.

use serde::{Deserialize, Serialize};

use crate::{
    i18n::locale::Locale,
    model::{
        job::{ImportMode, ImportProgress, ImportStatus, UnixMillis},
        reason::Reason,
        secret::Secret,
    },
};

/// How long a link is valid.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum LinkLifetime {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// 30 days.
    Month,
}

impl LinkLifetime {
    /// All lifetimes, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Returns the lifetime's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Returns the lifetime in days.
    #[must_use]
    pub fn days(self) -> u16 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
        }
    }

    /// Returns the lifetime in words.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::Day => t.say("1 day", "1 Tag"),
            Self::Week => t.say("7 days", "7 Tage"),
            Self::Month => t.say("30 days", "30 Tage"),
        }
    }
}

/// A link to an import, for users who may change the import.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ShareLink {
    /// Its ID.
    pub id: String,
    /// The link.
    pub url: Secret,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it expires.
    pub expires_at: UnixMillis,
}

/// The links to an import.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ShareLinks {
    /// The links, the newest first.
    pub links: Vec<ShareLink>,
    /// Whether links can be created: the server has a key to sign them.
    pub available: bool,
}

/// An import as shown to people with a link: without names and file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SharedImport {
    /// The counts.
    pub progress: ImportProgress,
    /// The status.
    pub status: ImportStatus,
    /// Why it failed.
    pub error: Option<Reason>,
    /// Import, or dry run.
    pub mode: ImportMode,
    /// When it was started.
    pub created_at: UnixMillis,
    /// When it ended.
    pub completed_at: Option<UnixMillis>,
}

/// The page of a link.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SharedPage {
    /// The import.
    pub import: SharedImport,
    /// The first products that failed.
    pub failures: Vec<SharedFailure>,
}

/// A product that failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SharedFailure {
    /// Its SKU.
    pub sku: String,
    /// Why it failed, if known.
    pub reason: Option<Reason>,
}
