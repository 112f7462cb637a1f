//! Passkeys of accounts.

use serde::{Deserialize, Serialize};

use crate::model::job::UnixMillis;

/// The page on which a person uses a passkey, or adds the first, where one is required.
pub const PASSKEY_PATH: &str = "/passkey";

/// The most characters of a passkey's name.
pub const MAX_PASSKEY_NAME: usize = 60;

/// A passkey of the person who asks.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OwnPasskey {
    /// Its ID. It grants nothing.
    pub id: String,
    /// The name its user gave it.
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
    /// Whether there is room for another one.
    pub may_add: bool,
    /// Whether the last one can be removed.
    pub may_have_none: bool,
    /// A name for a new one: the browser that asks.
    pub suggested_name: String,
}

/// What a signed-in person has to do with a passkey.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum PasskeyDuty {
    /// Nothing.
    None,
    /// Use one.
    Use,
    /// Add the first.
    Add {
        /// A name for it: the browser that asks.
        suggested_name: String,
    },
}
