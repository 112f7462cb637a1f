//! Who makes a request, and by what they are known.

use axum::http::{HeaderMap, header};

use super::{secret, session};
use crate::{
    api::tokens::TokenScope,
    role::Permission,
    server::{
        state::AppState,
        store::{
            StoreError, now,
            sessions::SessionId,
            users::{ExternalUser, User},
        },
    },
};

/// What every API token begins with, so that scanners for leaked secrets know one.
pub(super) const TOKEN_PREFIX: &str = "irt_";

/// Somebody who is known.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who it is.
    pub user: User,
    /// By what they are known.
    pub credential: Credential,
}

/// By what somebody is known.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A session of our own.
    Session(SessionId),
    /// The session cookie of an Auth.js or NextAuth installation.
    AuthJs,
    /// A token that a program acts with.
    Token(TokenScope),
}

impl Principal {
    /// Returns whether this request may do something: the user's role allows it, and so does the
    /// token it was made with.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.user.role.may(permission)
            && match self.credential {
                Credential::Token(scope) => scope.allows(permission),
                Credential::Session(_) | Credential::AuthJs => true,
            }
    }
}

/// Finds who makes a request. One that brings a token is judged by that alone.
///
/// # Errors
///
/// When the database does not answer.
pub(in crate::server) async fn identify(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<Option<Principal>, StoreError> {
    if headers.contains_key(header::AUTHORIZATION) {
        let Some(token) = bearer(headers) else {
            return Ok(None);
        };
        let found = state.store.find_token(&secret::hash(token)).await?;
        return Ok(found.map(|(user, scope)| Principal {
            user,
            credential: Credential::Token(scope),
        }));
    }
    if let Some((user, session)) = session::find(state, headers).await? {
        return Ok(Some(Principal {
            user,
            credential: Credential::Session(session),
        }));
    }
    by_authjs(state, headers).await
}

/// RFC 6750, section 2.1.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let is_ours = scheme.eq_ignore_ascii_case("bearer")
        && token
            .strip_prefix(TOKEN_PREFIX)
            .is_some_and(|rest| rest.len() == secret::LENGTH);
    is_ours.then_some(token)
}

async fn by_authjs(state: &AppState, headers: &HeaderMap) -> Result<Option<Principal>, StoreError> {
    let Some(identity) = state.auth.authjs.identify(headers, now() / 1000) else {
        return Ok(None);
    };
    let seen = state
        .store
        .see_external_user(ExternalUser {
            issuer: "authjs",
            subject: &identity.subject,
            email: identity.email.as_deref(),
            name: identity.name.as_deref(),
            role: identity.role,
        })
        .await?;
    Ok(seen
        // Signing out everywhere voids what was sealed before.
        .filter(|login| {
            let issued_at = identity.issued_at.unwrap_or(i64::MAX).saturating_mul(1000);
            login.signed_out_at == 0 || issued_at > login.signed_out_at
        })
        .map(|login| Principal {
            user: login.user,
            credential: Credential::AuthJs,
        }))
}
