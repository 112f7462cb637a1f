//! API tokens.

use super::{audit, confirm, flash, principal::TOKEN_PREFIX, request::Caller, secret};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        audit::AuditAction,
        clock::now,
        error::ApiError,
        token::{NewApiToken, TokenLifetime, TokenScope, TokensState},
    },
    server::{auth::Auth, store::api_tokens::NewToken},
};

const MAX_NAME: usize = 100;
const MAX_TOKENS: usize = 50;
const PAGE: &str = "/tokens";
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

pub(crate) async fn tokens_state() -> Result<TokensState, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    let scopes = TokenScope::ALL.into_iter().filter(|scope| {
        let mut needed = scope.permissions().iter();
        needed.all(|permission| user.role.may(*permission))
    });
    Ok(TokensState {
        tokens: auth.store.list_tokens(&user.id).await?,
        scopes: scopes.collect(),
        fresh: flash::take(&auth, &caller)?,
    })
}

/// Creates a token, which is returned once.
pub(crate) async fn create(
    name: &str,
    scope: TokenScope,
    lifetime: TokenLifetime,
) -> Result<NewApiToken, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
        return Err(ApiError::invalid(ErrorCode::NameLength { limit: 100 }));
    }
    if scope
        .permissions()
        .iter()
        .any(|permission| !user.role.may(*permission))
    {
        return Err(ApiError::Forbidden);
    }
    if auth.store.list_tokens(&user.id).await?.len() >= MAX_TOKENS {
        return Err(ApiError::invalid(ErrorCode::MostTokens {
            limit: MAX_TOKENS as u64,
        }));
    }
    if lifetime.is_long() {
        confirm::require(&auth, &caller, PAGE).await?;
    }
    let token = format!("{TOKEN_PREFIX}{}", secret::generate()?);
    let lifetime = i64::from(lifetime.days()) * DAY_MILLIS;
    auth.store
        .create_token(NewToken {
            token_hash: secret::hash(&token),
            user: &user.id,
            name,
            scope,
            expires_at: now().saturating_add(lifetime),
        })
        .await?;
    audit::record(&auth, &caller, user, AuditAction::TokenCreated, name).await;
    flash::keep(&auth, &caller, &token)?;
    Ok(NewApiToken {
        token: token.into(),
    })
}

pub(crate) async fn revoke(id: &str) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    if let Some(name) = auth.store.delete_token_of(&user.id, id).await? {
        auth.relay.end_streams_of(&user.id);
        audit::record(&auth, &caller, user, AuditAction::TokenRevoked, &name).await;
    }
    Ok(())
}
