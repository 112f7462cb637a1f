//! Links to an import for people without an account.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    job::JobId,
    secret::Secret,
    share_link::{LinkLifetime, ShareLink, ShareLinks, SharedPage},
};

/// Lists the links to an import.
///
/// # Errors
///
/// [`ApiError::Forbidden`] if the user may not change the import, [`ApiError::NotFound`] if it does not exist.
#[server(name = GetShareLinks, prefix = "/api", endpoint = "share_links", input = server_fn::codec::GetUrl)]
pub async fn share_links(id: JobId) -> Result<ShareLinks, ApiError> {
    crate::server::share_links::list(&id).await
}

/// Creates a link to an import, and redirects to the import's page.
///
/// # Errors
///
/// As [`share_links`]; [`ApiError::Invalid`] if there are too many.
#[server(prefix = "/api", endpoint = "share_import")]
pub async fn share_import(id: JobId, lifetime: LinkLifetime) -> Result<ShareLink, ApiError> {
    crate::server::share_links::create(&id, lifetime).await
}

/// Revokes a link to an import, and redirects to the import's page.
///
/// # Errors
///
/// As [`share_links`].
#[server(prefix = "/api", endpoint = "revoke_share")]
pub async fn revoke_share(id: JobId, link: String) -> Result<(), ApiError> {
    crate::server::share_links::revoke(&id, &link).await
}

/// Returns the content of a link. Needs no session.
///
/// # Errors
///
/// [`ApiError::NotFound`] if the link is not valid, [`ApiError::TooMany`] after too many requests.
#[server(name = GetShared, prefix = "/api", endpoint = "shared_import", input = server_fn::codec::GetUrl)]
pub async fn shared_import(token: Secret) -> Result<SharedPage, ApiError> {
    crate::server::share_links::shared(token.expose()).await
}
