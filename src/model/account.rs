//! A user's account and its sessions.

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

/// The account page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccountState {
    /// Name.
    pub name: String,
    /// Email address.
    pub email: String,
    /// Role.
    pub role: Role,
    /// Whether they can sign in with a password.
    pub has_password: bool,
    /// Which emails they get; `None` if the server sends none.
    pub mail: Option<MailWish>,
    /// Whether they sign in through Auth.js or the provider.
    pub is_external: bool,
    /// Their passkeys, if passkeys are on.
    pub passkeys: Option<PasskeyList>,
    /// Their sessions, the last used first.
    pub sessions: Vec<OpenSession>,
}

/// Which emails about their imports a user gets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailWish {
    /// None.
    #[default]
    None,
    /// Failed imports, and those that need an answer.
    Trouble,
    /// Ended imports, and those that need an answer.
    All,
}

impl MailWish {
    /// All choices, the fewest emails first.
    pub const ALL: [Self; 3] = [Self::None, Self::Trouble, Self::All];

    /// Returns the choice's name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Trouble => "trouble",
            Self::All => "all",
        }
    }

    /// Returns the choice's name for display.
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

    /// Returns whether an email is sent for an event of an import with a status.
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
    /// ID. It grants nothing.
    pub id: String,
    /// Whether it is the current one.
    pub is_current: bool,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last used, to the minute.
    pub last_seen_at: UnixMillis,
    /// IP address that created it.
    pub address: Option<String>,
    /// The browser's name.
    pub browser: Option<String>,
}
