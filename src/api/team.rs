//! Manages users and links, for the owner.

use leptos::prelude::*;

use crate::{
    i18n::locale::Locale,
    model::{
        error::ApiError,
        role::Role,
        secret::Secret,
        team::{LinkState, NewLink, TeamState},
    },
};

/// Returns the state of the team page.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner.
#[server(name = GetTeam, prefix = "/api", endpoint = "team", input = server_fn::codec::GetUrl)]
pub async fn team() -> Result<TeamState, ApiError> {
    crate::server::auth::team::team_state().await
}

/// Creates an invitation link with a role, and sends it to the address if there is one and emails can be sent.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner, [`ApiError::Invalid`] if the note is too long or the address is
/// none.
#[server(prefix = "/api", endpoint = "invite")]
pub async fn invite(
    role: Role,
    note: String,
    #[server(default)] email: String,
    #[server(default)] language: Locale,
) -> Result<NewLink, ApiError> {
    crate::server::auth::team::invite(role, &note, &email, language).await
}

/// Creates a password link for an account.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner, [`ApiError::Invalid`] if there is no such account, or it has no
/// local password.
#[server(prefix = "/api", endpoint = "make_reset_link")]
pub async fn make_reset_link(member: String) -> Result<NewLink, ApiError> {
    crate::server::auth::team::make_reset_link(&member).await
}

/// Removes the passkeys of an account that is not one's own, and ends the sessions they opened.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner, and for their own account; [`ApiError::Invalid`] if there is no
/// such account.
#[server(prefix = "/api", endpoint = "remove_passkeys")]
pub async fn remove_passkeys(member: String) -> Result<(), ApiError> {
    crate::server::auth::team::remove_passkeys(&member).await
}

/// Revokes a link.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner.
#[server(prefix = "/api", endpoint = "revoke_link")]
pub async fn revoke_link(id: String) -> Result<(), ApiError> {
    crate::server::auth::team::revoke_link(&id).await
}

/// Changes a role.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner, [`ApiError::Invalid`] if there is no such account, or it is the
/// last owner.
#[server(prefix = "/api", endpoint = "set_role")]
pub async fn set_role(member: String, role: Role) -> Result<(), ApiError> {
    crate::server::auth::team::set_role(&member, role).await
}

/// Allows or blocks an account.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner, [`ApiError::Invalid`] if there is no such account, or it is the
/// last owner.
#[server(prefix = "/api", endpoint = "set_access")]
pub async fn set_access(member: String, allowed: bool) -> Result<(), ApiError> {
    crate::server::auth::team::set_access(&member, allowed).await
}

/// Returns the purpose of a link, for anyone who has it.
#[server(name = GetLinkState, prefix = "/api", endpoint = "link_state", input = server_fn::codec::GetUrl)]
pub async fn link_state(token: Secret) -> Result<LinkState, ApiError> {
    crate::server::auth::team::link_state(token.expose()).await
}

/// Creates the account of an invitation and signs in.
///
/// # Errors
///
/// [`ApiError::Invalid`] if the link is not valid, or name, address or password are not accepted.
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

/// Sets a password by a link, ends the account's sessions and signs in.
///
/// # Errors
///
/// [`ApiError::Invalid`] if the link is not valid, or the password is not accepted.
#[server(prefix = "/api", endpoint = "reset_password")]
pub async fn reset_password(token: Secret, password: Secret) -> Result<(), ApiError> {
    crate::server::auth::team::reset_password(token.expose(), password.into()).await
}
