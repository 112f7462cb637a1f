//! Passkeys of accounts.

use serde::{Deserialize, Serialize};

use crate::model::job::UnixMillis;

/// The page for using a required passkey, or adding the first one.
pub const PASSKEY_PATH: &str = "/passkey";

/// Maximum characters of a passkey's name.
pub const MAX_PASSKEY_NAME: usize = 60;

/// A passkey of the current user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OwnPasskey {
    /// Its ID. It grants nothing.
    pub id: String,
    /// Name.
    pub name: String,
    /// When it was added.
    pub created_at: UnixMillis,
    /// When it was last used.
    pub last_used_at: Option<UnixMillis>,
    /// Whether its provider keeps a copy for the user's other devices.
    pub is_synced: bool,
}

/// The passkeys on the account page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PasskeyList {
    /// The passkeys, oldest first.
    pub passkeys: Vec<OwnPasskey>,
    /// Whether another one can be added.
    pub may_add: bool,
    /// Whether the last one can be removed.
    pub may_have_none: bool,
    /// Suggested name: that of the browser.
    pub suggested_name: String,
}

/// What a signed-in user has to do with a passkey.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum PasskeyDuty {
    /// None.
    None,
    /// Use one.
    Use,
    /// Add the first.
    Add {
        /// Suggested name: that of the browser.
        suggested_name: String,
    },
}
