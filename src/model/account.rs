//! A person's own account and its sessions.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    i18n::locale::Locale,
    model::{
        job::{ImportStatus, UnixMillis},
        passkey::PasskeyList,
        role::Role,
        webhook::ImportEvent,
    },
};

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
    /// What they are told by e-mail; `None` where the server sends none.
    pub mail: Option<MailWish>,
    /// Whether they sign in elsewhere.
    pub is_external: bool,
    /// Their passkeys, where they may have some.
    pub passkeys: Option<PasskeyList>,
    /// Where they are signed in, the session last used first.
    pub sessions: Vec<OpenSession>,
}

/// What a person wants to be told of their imports by e-mail.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailWish {
    /// Nothing.
    #[default]
    None,
    /// Which fail, or need them.
    Trouble,
    /// Which end, or need them.
    All,
}

impl MailWish {
    /// All wishes, the smallest first.
    pub const ALL: [Self; 3] = [Self::None, Self::Trouble, Self::All];

    /// Returns the wish's name, as it is stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Trouble => "trouble",
            Self::All => "all",
        }
    }

    /// Returns the wish in words.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::None => t.say("No emails", "Keine E-Mails"),
            Self::Trouble => t.say(
                "When an import fails or needs me",
                "Wenn ein Import fehlschlägt oder mich braucht",
            ),
            Self::All => t.say(
                "When an import ends or needs me",
                "Wenn ein Import endet oder mich braucht",
            ),
        }
    }

    /// Returns whether an event is told of an import in a status.
    #[must_use]
    pub fn wants(self, event: ImportEvent, status: ImportStatus) -> bool {
        match (self, event) {
            (Self::None, _) | (_, ImportEvent::Started | ImportEvent::Undone) => false,
            (
                _,
                ImportEvent::NeedsInput | ImportEvent::NeedsApproval | ImportEvent::SourceFailing,
            )
            | (Self::All, ImportEvent::Finished) => true,
            (Self::Trouble, ImportEvent::Finished) => {
                matches!(status, ImportStatus::Error | ImportStatus::PartialSuccess)
            }
        }
    }
}

impl FromStr for MailWish {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|wish| wish.as_str() == text)
            .ok_or(())
    }
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
