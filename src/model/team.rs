//! The people of this installation, and open invitations.

use serde::{Deserialize, Serialize};

use crate::model::{job::UnixMillis, role::Role, secret::Secret};

/// What the team's page shows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TeamState {
    /// Everybody who has an account, the oldest first.
    pub members: Vec<TeamMember>,
    /// The links that have not been used, the newest first.
    pub links: Vec<OpenLink>,
    /// Whether people sign in with passwords here, so that they can be invited by a link.
    pub passwords: bool,
    /// The link that this browser has just made, where it was made without script.
    pub fresh: Option<NewLink>,
    /// Whether invitations can be sent by e-mail.
    pub mails: bool,
}

/// Somebody who has an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TeamMember {
    /// What the account is named by.
    pub id: String,
    /// What they are called.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// By which installation they are known, where they sign in elsewhere.
    pub issuer: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether their role is given where they sign in, and cannot be changed here.
    pub role_is_claimed: bool,
    /// Since when they belong here.
    pub created_at: UnixMillis,
    /// Whether they have no role any more where they sign in.
    pub is_withdrawn: bool,
    /// Whether they may not sign in.
    pub is_disabled: bool,
    /// Whether they have a password here, and do not sign in elsewhere.
    pub has_password: bool,
    /// Whether they have passkeys.
    pub has_passkeys: bool,
    /// Whether it is the one who asks.
    pub is_self: bool,
}

/// A link that has not been used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OpenLink {
    /// What it is named by. It opens nothing.
    pub id: String,
    /// The role of the account to be made; none for a new password.
    pub role: Option<Role>,
    /// Whom it is for, in the owner's words.
    pub note: String,
    /// The e-mail address that it is for, where one was given.
    pub email: Option<String>,
    /// When it ends.
    pub expires_at: UnixMillis,
}

/// A link that was just made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewLink {
    /// The link. It is told never again.
    pub url: Secret,
    /// How the e-mail with it went, where there was one to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<LinkMail>,
}

/// How the e-mail with a new link went.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkMail {
    /// The mail server has taken it, for this address.
    Sent(String),
    /// It could not be sent to this address.
    Failed(String),
}

/// What a link is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum LinkState {
    /// To make an account.
    Invitation {
        /// What the account may do.
        role: Role,
        /// The address that the invitation is for, where the owner gave one.
        email: Option<String>,
    },
    /// To give an account a new password.
    PasswordReset {
        /// The account's address.
        email: String,
    },
    /// It has been used, has expired or never was.
    Gone,
}
