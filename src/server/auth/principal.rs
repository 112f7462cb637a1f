//! Authenticates requests.

use axum::http::{HeaderMap, header};

use super::{audit, authjs::NoAccess, claim, passkeys, secret, session};
use crate::{
    model::{audit::AuditAction, clock::now, error::Elsewhere, role::RoleClaim},
    server::{
        auth::Auth,
        identity::{
            client_address::ClientAddress,
            credential::Credential,
            principal::{Principal, Visitor},
            user::User,
        },
        store::{
            StoreError,
            users::{ExternalUser, Seen},
        },
    },
};

/// Prefix of API tokens, for secret scanners.
pub(super) const TOKEN_PREFIX: &str = "irt_";

/// Authenticates a request: by its token if it has one, else by its cookies.
pub(in crate::server) async fn identify(
    auth: &Auth,
    headers: &HeaderMap,
    address: Option<ClientAddress>,
) -> Result<Visitor, StoreError> {
    let mut elsewhere = None;
    let mut passkey = None;
    let found = match bearer(headers) {
        Some(token) if is_ours(token) => {
            let found = auth.store.find_token(&secret::hash(token)).await?;
            found.map(|(user, id, scope)| (user, Credential::Token(id, scope)))
        }
        Some(_) => None,
        None => match session::find(auth, headers).await? {
            Some(session) => {
                passkey = session.passkey;
                Some((session.user, Credential::Session(session.id)))
            }
            None => match by_authjs(auth, headers, address).await? {
                Ok(found) => found,
                Err(why) => {
                    elsewhere = Some(why);
                    None
                }
            },
        },
    };
    let Some((user, credential)) = found else {
        return Ok(Visitor::Unknown(elsewhere));
    };
    if !is_open(auth, &user, &credential, passkey.is_some()).await? {
        return Ok(Visitor::Unknown(elsewhere));
    }
    let is_session = matches!(credential, Credential::Session(_));
    Ok(Visitor::Known(Box::new(Principal {
        passkey_due: is_session && passkey.is_none() && passkeys::is_required(auth, &user),
        passkey,
        user,
        credential,
        address,
    })))
}

/// Returns whether an account grants access. With passwords disabled, local accounts need a session opened by a
/// passkey.
async fn is_open(
    auth: &Auth,
    user: &User,
    credential: &Credential,
    by_passkey: bool,
) -> Result<bool, StoreError> {
    if auth.config.auth.passwords || user.issuer.is_some() {
        return Ok(true);
    }
    if auth.passkeys.is_none() {
        return Ok(false);
    }
    match credential {
        Credential::Session(_) => Ok(by_passkey),
        Credential::Token(..) => auth.store.has_passkeys(&user.id).await,
        Credential::AuthJs { .. } | Credential::Link(_) => Ok(false),
    }
}

/// Extracts a bearer token (RFC 6750, section 2.1). Other schemes may be a proxy's and are ignored.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| {
            let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
            let is_bearer = scheme.eq_ignore_ascii_case("bearer");
            is_bearer.then(|| token.trim())
        })
}

fn is_ours(token: &str) -> bool {
    token
        .strip_prefix(TOKEN_PREFIX)
        .is_some_and(|rest| rest.len() == secret::LENGTH)
}

async fn by_authjs(
    auth: &Auth,
    headers: &HeaderMap,
    address: Option<ClientAddress>,
) -> Result<Result<Option<(User, Credential)>, Elsewhere>, StoreError> {
    let identity = match auth.authjs.identify(headers, now() / 1000) {
        Ok(Some(identity)) => identity,
        Ok(None) => return Ok(Ok(None)),
        Err(rejected) => {
            auth.access_log.warn(NoAccess::Rejected(rejected));
            return Ok(Err(Elsewhere::Unreadable));
        }
    };
    let idle = auth.config.auth.sessions.idle.as_millis();
    let role = claim::role(&identity.role);
    let seen = ExternalUser {
        issuer: "authjs",
        subject: &identity.subject,
        email: identity.email.as_deref(),
        name: identity.name.as_deref(),
        role,
        default_role: auth.config.auth.default_role,
    };
    let seen = auth
        .store
        .see_external_user(seen, i64::try_from(idle).unwrap_or(i64::MAX))
        .await?;
    let (login, is_back) = match seen {
        Seen::Known {
            login,
            role_changed,
            is_back,
        } => {
            if role_changed {
                auth.relay.end_streams_of(&login.user.id);
            }
            (login, is_back)
        }
        Seen::Refused { user, is_withdrawn } => {
            if is_withdrawn {
                tracing::warn!("an account lost its role at its sign-in service");
            }
            auth.relay.end_streams_of(&user);
            if role == RoleClaim::Unknown {
                auth.access_log.warn(NoAccess::UnknownRole);
            }
            return Ok(Err(Elsewhere::NoRole));
        }
        Seen::Stranger => {
            auth.access_log.warn(if role == RoleClaim::Unknown {
                NoAccess::UnknownRole
            } else {
                NoAccess::NoRole
            });
            return Ok(Err(Elsewhere::NoRole));
        }
    };
    // Signing out everywhere revokes older tokens.
    if !is_newer(identity.issued_at, login.signed_out_at) {
        return Ok(Ok(None));
    }
    if is_back {
        let action = AuditAction::SignedIn;
        audit::record_of(&auth.store, &login.user, address, action, "").await;
    }
    let credential = Credential::AuthJs {
        issued_at: identity.issued_at,
        expires_at: identity.expires_at,
    };
    Ok(Ok(Some((login.user, credential))))
}

/// Returns whether a token issued at `issued_at` (seconds) is newer than the last sign-out everywhere (milliseconds).
pub(super) fn is_newer(issued_at: i64, signed_out_at: i64) -> bool {
    signed_out_at == 0 || issued_at.saturating_mul(1000) > signed_out_at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn only_a_bearer_s_word_stands_for_the_cookies() {
        assert_eq!(of(&["Bearer x"]), Some("x".to_owned()));
        assert_eq!(of(&["bearer  x "]), Some("x".to_owned()));
        assert_eq!(of(&["Basic eDp5"]), None);
        assert_eq!(of(&["Basic eDp5", "Bearer x"]), Some("x".to_owned()));
        // An empty bearer token does not fall back to cookies.
        assert_eq!(of(&["Bearer"]), Some(String::new()));
        assert_eq!(of(&[]), None);
    }
}
