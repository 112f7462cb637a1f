//! Requires a recent password or passkey for actions by which a stranger at an open browser could stay: links for
//! accounts and passwords, roles, long-lived tokens.

use std::time::Duration;

use secrecy::SecretString;

use super::{
    accounts, audit, passwords,
    request::Caller,
    require_passwords,
    session::{self, Evidence},
    sign_in::local_path,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        audit::AuditAction,
        clock::now,
        error::ApiError,
        job::UnixMillis,
        session::{CONFIRM_PATH, ConfirmState},
    },
    server::{auth::Auth, identity::credential::Credential},
};

const CERTAIN: Duration = Duration::from_secs(5 * 60);

pub(super) fn is_certain(confirmed_at: UnixMillis) -> bool {
    let age = now().saturating_sub(confirmed_at);
    u128::try_from(age).is_ok_and(|age| age <= CERTAIN.as_millis())
}

/// Passes if the session was recently confirmed, else redirects to the confirmation and from there to `back`.
///
/// An Auth.js session passes: it cannot be renewed here and has no time of sign-in.
pub(in crate::server) async fn require(
    auth: &Auth,
    caller: &Caller,
    back: &str,
) -> Result<(), ApiError> {
    let Credential::Session(session) = &caller.in_person()?.credential else {
        return Ok(());
    };
    if is_certain(auth.store.session_confirmed_at(session).await?) {
        return Ok(());
    }
    leptos_axum::redirect(&format!("{CONFIRM_PATH}?next={back}"));
    Err(ApiError::Unconfirmed)
}

pub(crate) async fn state() -> Result<ConfirmState, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    let provider = auth.provider.as_ref();
    Ok(ConfirmState {
        password: user.issuer.is_none() && auth.config.auth.passwords,
        passkey: auth.passkeys.is_some() && auth.store.has_passkeys(&user.id).await?,
        provider: provider
            .filter(|_| user.issuer.is_some())
            .map(|provider| provider.name().to_owned()),
    })
}

/// Verifies the password and replaces the session.
pub(crate) async fn by_password(
    password: SecretString,
    next: Option<&str>,
) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    require_passwords(&auth)?;
    let principal = caller.in_person()?;
    let user = &principal.user;
    let Credential::Session(session) = &principal.credential else {
        return Err(accounts::has_no_password());
    };
    let address = caller.address.ok_or(ApiError::Internal)?;
    // Guessing the password at an open browser is throttled too.
    let attempt = auth
        .throttle
        .begin(address.network(), user.id.as_str(), Some(session.as_str()))
        .map_err(|wait| ApiError::Throttled {
            seconds: wait.as_secs() + 1,
        })?;
    let login = auth.store.find_login(&user.email).await?;
    let hash = login
        .filter(|login| login.user.id == user.id)
        .and_then(|login| login.password_hash);
    if !passwords::matches(password, hash).await? {
        audit::record(&auth, &caller, user, AuditAction::ConfirmFailed, "").await;
        return Err(ApiError::invalid(ErrorCode::WrongPassword));
    }
    attempt.succeeded();
    // The password neither replaces a passkey nor removes one.
    let evidence = Evidence {
        confirmed_at: now(),
        passkey: principal.passkey.clone(),
    };
    session::open(&auth, &caller, user, evidence).await?;
    audit::record(&auth, &caller, user, AuditAction::Confirmed, "").await;
    leptos_axum::redirect(local_path(next));
    Ok(())
}
