//! The tokens with which programs act for a user.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    token::{NewApiToken, TokenLifetime, TokenScope, TokensState},
};

/// Says what the page of tokens shows.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetTokens, prefix = "/api", endpoint = "tokens", input = server_fn::codec::GetUrl)]
pub async fn tokens() -> Result<TokensState, ApiError> {
    crate::server::auth::tokens::tokens_state().await
}

/// Makes a token.
///
/// # Errors
///
/// [`ApiError::Forbidden`] when it would allow more than the user may do, [`ApiError::Invalid`]
/// when its name will not do or there are too many.
#[server(prefix = "/api", endpoint = "create_token")]
pub async fn create_token(
    name: String,
    scope: TokenScope,
    lifetime: TokenLifetime,
) -> Result<NewApiToken, ApiError> {
    crate::server::auth::tokens::create(&name, scope, lifetime).await
}

/// Revokes a token: no request with it is answered any more.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "revoke_token")]
pub async fn revoke_token(id: String) -> Result<(), ApiError> {
    crate::server::auth::tokens::revoke(&id).await
}
