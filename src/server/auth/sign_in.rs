//! Signs in and out.

use secrecy::SecretString;

use super::{
    HOME, SIGN_IN, accounts, audit, first_owner,
    request::Caller,
    require_passwords,
    session::{self, Evidence},
    trusted_device,
};
use crate::{
    model::{
        audit::AuditAction,
        error::ApiError,
        secret::Secret,
        session::{CurrentUser, SignInState},
    },
    server::{auth::Auth, identity::user::User},
};

pub(crate) async fn state(setup: Option<Secret>) -> Result<SignInState, ApiError> {
    let caller = Caller::of_server_fn()?;
    if caller.principal.is_some() {
        return Ok(SignInState::SignedIn);
    }
    let auth = Auth::of_server_fn()?;
    let provider = auth.provider.as_ref();
    let provider = provider.map(|provider| provider.name().to_owned());
    let passkeys = auth.passkeys.is_some() && auth.store.has_any_passkey().await?;
    let signed_out = |provider| SignInState::SignedOut {
        provider,
        passkeys,
        passwords: auth.config.auth.passwords,
        contact: auth.config.auth.contact.clone(),
        elsewhere: caller.elsewhere,
    };
    let has_owner = auth.store.has_owner().await?;
    Ok(if has_owner || !auth.config.auth.passwords {
        signed_out(provider)
    } else if first_owner::may_be_made(&auth, &caller, setup.as_ref()).await? {
        SignInState::NeedsOwner { provider, setup }
    } else if auth.store.has_users().await? {
        signed_out(provider)
    } else {
        SignInState::NeedsLink { provider }
    })
}

pub(crate) fn current_user() -> Result<CurrentUser, ApiError> {
    let caller = Caller::of_server_fn()?;
    let user = &caller.signed_in()?.user;
    Ok(CurrentUser {
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role,
    })
}

pub(crate) async fn sign_in(
    email: &str,
    password: SecretString,
    next: Option<&str>,
) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    require_passwords(&auth)?;
    let email = accounts::normalised(email);
    let login = auth.store.find_login(&email).await?;
    let known = login
        .as_ref()
        .and_then(|login| trusted_device::known(&auth, &caller.headers, login));
    let address = caller.address.ok_or(ApiError::Internal)?;
    let attempt = auth
        .throttle
        .begin(address.network(), &email, known.as_deref())
        .map_err(|wait| {
            tracing::warn!(%address, "too many failed sign-ins");
            ApiError::Throttled {
                seconds: wait.as_secs() + 1,
            }
        })?;
    let user = match accounts::verify(login.clone(), password).await {
        Ok(user) => user,
        Err(error) => {
            tracing::warn!(%address, "a sign-in failed");
            // The input for an unknown account may be a password, so it is not recorded.
            if let Some(login) = login {
                let action = AuditAction::SignInFailed;
                audit::record(&auth, &caller, &login.user, action, "").await;
            }
            return Err(error);
        }
    };
    attempt.succeeded();
    enter(&auth, &caller, &user, Evidence::password(), next).await?;
    if let Some(login) = login {
        trusted_device::remember(&auth, &login)?;
    }
    Ok(())
}

pub(super) async fn enter_new(
    auth: &Auth,
    caller: &Caller,
    user: &User,
    next: Option<&str>,
) -> Result<(), ApiError> {
    enter(auth, caller, user, Evidence::password(), next).await?;
    match auth.store.find_login(&user.email).await? {
        Some(login) => trusted_device::remember(auth, &login),
        None => Ok(()),
    }
}

pub(super) async fn enter(
    auth: &Auth,
    caller: &Caller,
    user: &User,
    evidence: Evidence,
    next: Option<&str>,
) -> Result<(), ApiError> {
    session::open(auth, caller, user, evidence).await?;
    audit::record(auth, caller, user, AuditAction::SignedIn, "").await;
    leptos_axum::redirect(local_path(next));
    Ok(())
}

pub(crate) async fn sign_out() -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    session::close(&auth, &caller.headers).await?;
    if let Some(principal) = &caller.principal {
        auth.relay.end_streams_of(&principal.user.id);
        audit::record(&auth, &caller, &principal.user, AuditAction::SignedOut, "").await;
    }
    leptos_axum::redirect(SIGN_IN);
    Ok(())
}

/// Accepts local paths only, to prevent open redirects.
pub(super) fn local_path(next: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path[1..].starts_with(['/', '\\'])
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    next.filter(is_local).unwrap_or(HOME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_this_host() {
        assert_eq!(local_path(Some("/imports/7?x=1")), "/imports/7?x=1");
        for elsewhere in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a\r\nb",
        ] {
            assert_eq!(local_path(Some(elsewhere)), HOME, "{elsewhere:?}");
        }
        assert_eq!(local_path(None), HOME);
    }
}
