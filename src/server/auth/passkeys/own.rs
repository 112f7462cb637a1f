//! A user's own passkeys.

use super::{Purpose, admit, is_required, keep, relying_party, take};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        audit::AuditAction,
        clock::now,
        error::ApiError,
        passkey::{MAX_PASSKEY_NAME, OwnPasskey, PasskeyDuty, PasskeyList},
    },
    server::{
        auth::{
            Auth,
            account::{browser_of, current_session, has_own_password},
            audit, confirm,
            request::Caller,
            session::{self, Evidence},
            sign_in::local_path,
        },
        identity::user::User,
        store::passkeys::NewPasskey,
    },
};

const MAX: usize = 20;
const PAGE: &str = "/account";

/// Returns `None` if the user can have none.
pub(in crate::server::auth) async fn list(
    auth: &Auth,
    caller: &Caller,
    user: &User,
) -> Result<Option<PasskeyList>, ApiError> {
    if auth.passkeys.is_none() || user.issuer.is_some() {
        return Ok(None);
    }
    let passkeys = auth.store.list_passkeys(&user.id).await?;
    Ok(Some(PasskeyList {
        may_add: passkeys.len() < MAX,
        may_have_none: may_have_none(auth, user).await?,
        suggested_name: browser_of(caller),
        passkeys: passkeys
            .into_iter()
            .map(|passkey| OwnPasskey {
                id: passkey.id,
                name: passkey.name,
                created_at: passkey.created_at,
                last_used_at: passkey.last_used_at,
                is_synced: passkey.is_synced,
            })
            .collect(),
    }))
}

pub(crate) async fn duty() -> Result<PasskeyDuty, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let principal = caller.in_person()?;
    if !principal.passkey_due {
        return Ok(PasskeyDuty::None);
    }
    Ok(if auth.store.has_passkeys(&principal.user.id).await? {
        PasskeyDuty::Use
    } else {
        PasskeyDuty::Add {
            suggested_name: browser_of(&caller),
        }
    })
}

pub(crate) async fn begin_to_add() -> Result<String, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = may_add(&auth, &caller).await?;
    admit(&auth, &caller)?;
    let known = auth.store.list_passkeys(&user.id).await?;
    let challenge = relying_party(&auth)?
        .ask_for_new(&user, &known)
        .map_err(|error| {
            tracing::error!(%error, "cannot ask for a passkey");
            ApiError::Internal
        })?;
    keep(&auth, Purpose::Add, Some(&user.id), challenge.state).await?;
    Ok(challenge.options)
}

pub(crate) async fn add(credential: &str, name: &str, next: Option<&str>) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = may_add(&auth, &caller).await?;
    let name = checked(name)?;
    let state = take(&auth, &caller.headers, Purpose::Add, Some(&user.id)).await?;
    let new = relying_party(&auth)?
        .accept_new(credential, &state)
        .map_err(|error| {
            tracing::warn!(%error, "a new passkey was refused");
            ApiError::PasskeyRefused
        })?;
    let stored = auth.store.create_passkey(NewPasskey {
        credential_id: &new.id,
        user: &user.id,
        name,
        credential: new.stored,
        is_synced: new.is_synced,
    });
    let id = stored.await?.ok_or(ApiError::PasskeyRefused)?;
    let evidence = Evidence {
        confirmed_at: now(),
        passkey: Some(id),
    };
    session::open(&auth, &caller, &user, evidence).await?;
    audit::record(&auth, &caller, &user, AuditAction::PasskeyAdded, name).await;
    leptos_axum::redirect(next.map_or(PAGE, |next| local_path(Some(next))));
    Ok(())
}

/// Returns the user if they are recently confirmed and below the maximum.
async fn may_add(auth: &Auth, caller: &Caller) -> Result<User, ApiError> {
    relying_party(auth)?;
    let principal = caller.in_person()?;
    let user = &principal.user;
    if user.issuer.is_some() {
        return Err(ApiError::Forbidden);
    }
    let count = auth.store.list_passkeys(&user.id).await?.len();
    if principal.passkey_due && count > 0 {
        // Otherwise the password alone would suffice.
        return Err(ApiError::PasskeyDue);
    }
    if count >= MAX {
        return Err(ApiError::invalid(ErrorCode::MostPasskeys));
    }
    let back = if principal.passkey_due {
        crate::model::passkey::PASSKEY_PATH
    } else {
        PAGE
    };
    confirm::require(auth, caller, back).await?;
    Ok(user.clone())
}

pub(crate) async fn rename(id: &str, name: &str) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    let name = checked(name)?;
    if !auth.store.rename_passkey(&user.id, id, name).await? {
        return Err(not_found());
    }
    audit::record(&auth, &caller, user, AuditAction::PasskeyRenamed, name).await;
    Ok(())
}

/// Removes a passkey and ends the other sessions it opened, unless it is the only way to sign in.
pub(crate) async fn remove(id: &str) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    let own = auth.store.list_passkeys(&user.id).await?;
    let passkey = own.iter().find(|passkey| passkey.id == id);
    let name = passkey.ok_or_else(not_found)?.name.clone();
    confirm::require(&auth, &caller, PAGE).await?;
    let one_stays = !may_have_none(&auth, user).await?;
    let but = current_session(&caller);
    let removed = auth.store.remove_passkey(&user.id, id, one_stays, but);
    if !removed.await? {
        return Err(ApiError::invalid(ErrorCode::OnlyPasskey));
    }
    auth.relay.end_streams_of(&user.id);
    audit::record(&auth, &caller, user, AuditAction::PasskeyRemoved, &name).await;
    Ok(())
}

async fn may_have_none(auth: &Auth, user: &User) -> Result<bool, ApiError> {
    Ok(!is_required(auth, user) && has_own_password(auth, user).await?)
}

fn checked(name: &str) -> Result<&str, ApiError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_PASSKEY_NAME || name.contains(char::is_control)
    {
        return Err(ApiError::invalid(ErrorCode::NameLength { limit: 60 }));
    }
    Ok(name)
}

fn not_found() -> ApiError {
    ApiError::invalid(ErrorCode::NoPasskey)
}
