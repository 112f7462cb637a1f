//! The team and open invitations.

use serde::{Deserialize, Serialize};

use crate::model::{job::UnixMillis, role::Role, secret::Secret};

/// The team page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TeamState {
    /// All accounts, the oldest first.
    pub members: Vec<TeamMember>,
    /// Unused links, the newest first.
    pub links: Vec<OpenLink>,
    /// Whether passwords are accepted, so that people can be invited by a link.
    pub passwords: bool,
    /// The link that this browser has just created without JavaScript.
    pub fresh: Option<NewLink>,
    /// Whether invitations can be sent by email.
    pub mails: bool,
}

/// An account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TeamMember {
    /// ID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Email address.
    pub email: String,
    /// The Auth.js installation or provider they sign in through, if any.
    pub issuer: Option<String>,
    /// Role.
    pub role: Role,
    /// Whether their role comes from there and cannot be changed here.
    pub role_is_claimed: bool,
    /// When the account was created.
    pub created_at: UnixMillis,
    /// Whether their role was withdrawn there.
    pub is_withdrawn: bool,
    /// Whether their access was revoked.
    pub is_disabled: bool,
    /// Whether they sign in with a password here.
    pub has_password: bool,
    /// Whether they have passkeys.
    pub has_passkeys: bool,
    /// Whether it is the current user.
    pub is_self: bool,
}

/// An unused link.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OpenLink {
    /// ID. It grants nothing.
    pub id: String,
    /// Role of the new account; `None` for a new password.
    pub role: Option<Role>,
    /// The owner's note.
    pub note: String,
    /// Email address of the invited person, if given.
    pub email: Option<String>,
    /// When it expires.
    pub expires_at: UnixMillis,
}

/// A link that was just created.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewLink {
    /// The link, which is shown once.
    pub url: Secret,
    /// Result of the email, if one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<LinkMail>,
}

/// Result of the email with a new link.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkMail {
    /// The mail server accepted it for this address.
    Sent(String),
    /// It could not be sent to this address.
    Failed(String),
}

/// What a link is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum LinkState {
    /// Creating an account.
    Invitation {
        /// Role of the account.
        role: Role,
        /// Email address of the invited person, if given.
        email: Option<String>,
    },
    /// Setting a new password.
    PasswordReset {
        /// Email address of the account.
        email: String,
    },
    /// It was used, has expired or does not exist.
    Gone,
}
