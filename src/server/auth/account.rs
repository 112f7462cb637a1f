//! Actions of users on their own account.

use axum::http::header;
use secrecy::SecretString;

use super::{
    SIGN_IN, accounts, audit, passkeys, passwords, request::Caller, require_passwords, session,
    trusted_device,
};
use crate::{
    i18n::{locale::Locale, messages::ErrorCode},
    model::{
        account::{AccountState, MailWish, OpenSession},
        audit::AuditAction,
        error::ApiError,
    },
    server::{
        auth::Auth,
        identity::{
            credential::{Credential, SessionId},
            user::User,
        },
        store::users::Login,
    },
};

pub(crate) async fn account_state() -> Result<AccountState, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    let current = current_session(&caller);
    let sessions = auth
        .store
        .list_sessions(&user.id, auth.config.auth.sessions)
        .await?
        .into_iter()
        .map(|session| OpenSession {
            is_current: Some(&session.id) == current,
            id: session.id.as_str().to_owned(),
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            address: session.address,
            browser: session.agent.as_deref().map(browser),
        })
        .collect();
    Ok(AccountState {
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role,
        has_password: has_own_password(&auth, user).await?,
        is_external: user.issuer.is_some(),
        passkeys: passkeys::own::list(&auth, &caller, user).await?,
        mail: match auth.config.mail {
            Some(_) => Some(auth.store.mail_wish(&user.id).await?),
            None => None,
        },
        sessions,
    })
}

pub(crate) async fn change_password(
    current: SecretString,
    new: SecretString,
) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    require_passwords(&auth)?;
    let user = &caller.in_person()?.user;
    let login = find_login(&auth, user).await?;
    let address = caller.address.ok_or(ApiError::Internal)?;
    // Guessing the password at an unlocked browser is throttled too.
    let attempt = auth
        .throttle
        .begin(
            address.network(),
            user.id.as_str(),
            Some(current_session(&caller).map_or("", SessionId::as_str)),
        )
        .map_err(|wait| ApiError::Throttled {
            seconds: wait.as_secs() + 1,
        })?;
    let hash = login.and_then(|login| login.password_hash);
    if !passwords::matches(current, hash).await? {
        return Err(ApiError::invalid(ErrorCode::WrongCurrentPassword));
    }
    attempt.succeeded();
    accounts::set_password(&auth.store, user, new).await?;
    auth.store
        .revoke_all_of(&user.id, current_session(&caller))
        .await?;
    auth.relay.end_streams_of(&user.id);
    audit::record(&auth, &caller, user, AuditAction::PasswordChanged, "").await;
    if let Some(login) = find_login(&auth, user).await? {
        trusted_device::remember(&auth, &login)?;
    }
    leptos_axum::redirect("/account?saved=password");
    Ok(())
}

pub(crate) async fn set_mail(wish: MailWish, language: Locale) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    auth.store.set_mail_wish(&user.id, wish, language).await?;
    leptos_axum::redirect("/account?saved=mail");
    Ok(())
}

pub(crate) async fn end_session(id: &str) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    if auth.store.delete_session_of(&user.id, id).await? {
        auth.relay.end_streams_of(&user.id);
        audit::record(&auth, &caller, user, AuditAction::SessionEnded, "").await;
    }
    Ok(())
}

pub(crate) async fn sign_out_everywhere() -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    auth.store.revoke_all_of(&user.id, None).await?;
    auth.relay.end_streams_of(&user.id);
    session::close(&auth, &caller.headers).await?;
    audit::record(&auth, &caller, user, AuditAction::SignedOutEverywhere, "").await;
    leptos_axum::redirect(SIGN_IN);
    Ok(())
}

/// Returns whether the user has a local password that grants access.
pub(super) async fn has_own_password(auth: &Auth, user: &User) -> Result<bool, ApiError> {
    let login = find_login(auth, user).await?;
    Ok(auth.config.auth.passwords && login.is_some_and(|login| login.password_hash.is_some()))
}

pub(super) fn current_session(caller: &Caller) -> Option<&SessionId> {
    match &caller.principal.as_ref()?.credential {
        Credential::Session(id) => Some(id),
        Credential::AuthJs { .. } | Credential::Token(..) | Credential::Link(_) => None,
    }
}

async fn find_login(auth: &Auth, user: &User) -> Result<Option<Login>, ApiError> {
    let login = auth.store.find_login(&user.email).await?;
    // An Auth.js account may have the address of a local one.
    Ok(login.filter(|login| login.user.id == user.id))
}

pub(super) fn browser_of(caller: &Caller) -> String {
    let agent = caller.headers.get(header::USER_AGENT);
    browser(
        agent
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default(),
    )
}

fn browser(agent: &str) -> String {
    let name = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]
    .into_iter()
    .find(|(mark, _)| agent.contains(mark));
    let system = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]
    .into_iter()
    .find(|(mark, _)| agent.contains(mark));
    match (name, system) {
        (Some((_, name)), Some((_, system))) => format!("{name} on {system}"),
        (Some((_, name)), None) => name.to_owned(),
        _ => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_what_its_user_calls_it() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("curl/8.9.1", "curl"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
