//! API tokens.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    token::{NewApiToken, TokenLifetime, TokenScope, TokensState},
};

/// Returns the state of the token page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetTokens, prefix = "/api", endpoint = "tokens", input = server_fn::codec::GetUrl)]
pub async fn tokens() -> Result<TokensState, ApiError> {
    crate::server::auth::tokens::tokens_state().await
}

/// Creates a token.
///
/// # Errors
///
/// [`ApiError::Forbidden`] if the user lacks its permissions, [`ApiError::Invalid`] if its name is not accepted or
/// there are too many.
#[server(prefix = "/api", endpoint = "create_token")]
pub async fn create_token(
    name: String,
    scope: TokenScope,
    lifetime: TokenLifetime,
) -> Result<NewApiToken, ApiError> {
    crate::server::auth::tokens::create(&name, scope, lifetime).await
}

/// Revokes a token.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "revoke_token")]
pub async fn revoke_token(id: String) -> Result<(), ApiError> {
    crate::server::auth::tokens::revoke(&id).await
}
