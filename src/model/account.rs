//! A person's own account and its sessions.

use serde::{Deserialize, Serialize};

use crate::model::{job::UnixMillis, passkey::PasskeyList, role::Role};

/// What the account's page shows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccountState {
    /// What the person is called.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have a password here that lets them in.
    pub has_password: bool,
    /// Whether they sign in elsewhere.
    pub is_external: bool,
    /// Their passkeys, where they may have some.
    pub passkeys: Option<PasskeyList>,
    /// Where they are signed in, the session last used first.
    pub sessions: Vec<OpenSession>,
}

/// A signed-in browser.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OpenSession {
    /// What it is named by. It opens nothing.
    pub id: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// When it was opened.
    pub created_at: UnixMillis,
    /// When it was last used, to the minute.
    pub last_seen_at: UnixMillis,
    /// The address it was opened from.
    pub address: Option<String>,
    /// The browser's name.
    pub browser: Option<String>,
}
