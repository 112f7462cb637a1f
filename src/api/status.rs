//! The server's status, for the owner.

use leptos::prelude::*;

use crate::model::{error::ApiError, status::ServerStatus};

/// Returns the server's status.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] for everyone but the owner.
#[server(name = GetServerStatus, prefix = "/api", endpoint = "server_status", input = server_fn::codec::GetUrl)]
pub async fn server_status() -> Result<ServerStatus, ApiError> {
    let user = crate::server::auth::require_user().await?;
    let state = crate::server::http::state::app_state()?;
    crate::server::http::server_status::status(&state, &user.user).await
}
