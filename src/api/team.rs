//! Who belongs here: for the owner to say.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, secret::Secret};
use crate::{job::UnixMillis, role::Role};

/// What the team's page shows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TeamState {
    /// Everybody who has an account, the oldest first.
    pub members: Vec<TeamMember>,
    /// The links that have not been used, the newest first.
    pub links: Vec<OpenLink>,
    /// The link that this browser has just made, where it was made without script.
    pub fresh: Option<Secret>,
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
    /// When it ends.
    pub expires_at: UnixMillis,
}

/// A link that was just made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewLink {
    /// The link. It is told never again.
    pub url: Secret,
}

/// What a link is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum LinkState {
    /// To make an account.
    Invitation {
        /// What the account may do.
        role: Role,
    },
    /// To give an account a new password.
    PasswordReset {
        /// The account's address.
        email: String,
    },
    /// It has been used, has expired or never was.
    Gone,
}

/// Says what the team's page shows.
///
/// # Errors
///
/// [`ApiError::Forbidden`] to all but the owner.
#[server(name = GetTeam, prefix = "/api", endpoint = "team", input = server_fn::codec::GetUrl)]
pub async fn team() -> Result<TeamState, ApiError> {
    crate::server::auth::team::team_state().await
}

/// Makes a link by which somebody makes an account with this role.
///
/// # Errors
///
/// [`ApiError::Forbidden`] to all but the owner, [`ApiError::Invalid`] when the note is too long.
#[server(prefix = "/api", endpoint = "invite")]
pub async fn invite(role: Role, note: String) -> Result<NewLink, ApiError> {
    crate::server::auth::team::invite(role, &note).await
}

/// Makes a link by which an account is given a new password.
///
/// # Errors
///
/// [`ApiError::Forbidden`] to all but the owner, [`ApiError::Invalid`] when there is no such
/// account or it has no password here.
#[server(prefix = "/api", endpoint = "make_reset_link")]
pub async fn make_reset_link(member: String) -> Result<NewLink, ApiError> {
    crate::server::auth::team::make_reset_link(&member).await
}

/// Takes a link back.
///
/// # Errors
///
/// [`ApiError::Forbidden`] to all but the owner.
#[server(prefix = "/api", endpoint = "revoke_link")]
pub async fn revoke_link(id: String) -> Result<(), ApiError> {
    crate::server::auth::team::revoke_link(&id).await
}

/// Gives an account another role.
///
/// # Errors
///
/// [`ApiError::Forbidden`] to all but the owner, [`ApiError::Invalid`] when there is no such
/// account or it is the last owner's.
#[server(prefix = "/api", endpoint = "set_role")]
pub async fn set_role(member: String, role: Role) -> Result<(), ApiError> {
    crate::server::auth::team::set_role(&member, role).await
}

/// Lets an account sign in, or no longer.
///
/// # Errors
///
/// [`ApiError::Forbidden`] to all but the owner, [`ApiError::Invalid`] when there is no such
/// account or it is the last owner's.
#[server(prefix = "/api", endpoint = "set_access")]
pub async fn set_access(member: String, allowed: bool) -> Result<(), ApiError> {
    crate::server::auth::team::set_access(&member, allowed).await
}

/// Says what a link is for. Whoever has the link may ask.
#[server(name = GetLinkState, prefix = "/api", endpoint = "link_state", input = server_fn::codec::GetUrl)]
pub async fn link_state(token: Secret) -> Result<LinkState, ApiError> {
    crate::server::auth::team::link_state(token.expose()).await
}

/// Makes the account that an invitation is for and signs in with it.
///
/// # Errors
///
/// [`ApiError::Invalid`] when the link is gone, or the name, address or password will not do.
#[server(prefix = "/api", endpoint = "accept_invitation")]
pub async fn accept_invitation(
    token: Secret,
    name: String,
    email: String,
    password: Secret,
) -> Result<(), ApiError> {
    crate::server::auth::team::accept_invitation(token.expose(), &name, &email, password.into())
        .await
}

/// Gives the account that a link is for a new password, ends its sessions and signs in with it.
///
/// # Errors
///
/// [`ApiError::Invalid`] when the link is gone or the password will not do.
#[server(prefix = "/api", endpoint = "reset_password")]
pub async fn reset_password(token: Secret, password: Secret) -> Result<(), ApiError> {
    crate::server::auth::team::reset_password(token.expose(), password.into()).await
}
