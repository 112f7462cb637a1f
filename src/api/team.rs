//! Who belongs here: for the owner to say.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    role::Role,
    secret::Secret,
    team::{LinkState, NewLink, TeamState},
};

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
