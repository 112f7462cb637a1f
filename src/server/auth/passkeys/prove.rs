//! Sign-in and confirmation by a passkey.

use super::{
    Purpose, admit,
    ceremony::{Answer, CeremonyError},
    keep, relying_party, take,
};
use crate::{
    model::{audit::AuditAction, clock::now, error::ApiError},
    server::{
        auth::{
            Auth, audit,
            request::Caller,
            session::{self, Evidence},
            sign_in::{self, local_path},
        },
        identity::user::User,
        store::passkeys::StoredPasskey,
    },
};

pub(crate) async fn begin_sign_in() -> Result<String, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    begin(&auth, &caller, Purpose::SignIn, None).await
}

pub(crate) async fn begin_confirmation() -> Result<String, ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    begin(&auth, &caller, Purpose::Confirm, Some(user)).await
}

async fn begin(
    auth: &Auth,
    caller: &Caller,
    purpose: Purpose,
    user: Option<&User>,
) -> Result<String, ApiError> {
    let relying_party = relying_party(auth)?;
    admit(auth, caller)?;
    let known = match user {
        Some(user) => auth.store.list_passkeys(&user.id).await?,
        None => Vec::new(),
    };
    if user.is_some() && known.is_empty() {
        return Err(ApiError::PasskeyRefused);
    }
    let challenge = relying_party.ask_for(&known).map_err(|error| {
        tracing::error!(%error, "cannot ask for a passkey");
        ApiError::Internal
    })?;
    keep(auth, purpose, user.map(|user| &user.id), challenge.state).await?;
    Ok(challenge.options)
}

pub(crate) async fn sign_in(credential: &str, next: Option<&str>) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let (passkey, user) = verify(&auth, &caller, credential, None).await?;
    let evidence = Evidence {
        confirmed_at: now(),
        passkey: Some(passkey.id),
    };
    sign_in::enter(&auth, &caller, &user, evidence, next).await
}

/// Confirms the session's user, replaces the session and redirects.
pub(crate) async fn confirm(credential: &str, next: Option<&str>) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let user = &caller.in_person()?.user;
    let (passkey, user) = verify(&auth, &caller, credential, Some(user)).await?;
    let evidence = Evidence {
        confirmed_at: now(),
        passkey: Some(passkey.id),
    };
    session::open(&auth, &caller, &user, evidence).await?;
    audit::record(&auth, &caller, &user, AuditAction::Confirmed, &passkey.name).await;
    leptos_axum::redirect(local_path(next));
    Ok(())
}

/// Verifies a passkey's answer; of this user, if given.
async fn verify(
    auth: &Auth,
    caller: &Caller,
    credential: &str,
    user: Option<&User>,
) -> Result<(StoredPasskey, User), ApiError> {
    let relying_party = relying_party(auth)?;
    let address = caller.address.ok_or(ApiError::Internal)?;
    let answer = Answer::read(credential).map_err(|_| ApiError::PasskeyRefused)?;
    let found = auth.store.find_passkey(answer.credential_id()).await?;
    // Counted apart from passwords, so that a lost passkey does not slow down the password.
    let account = match &found {
        Some((_, owner)) => format!("passkey of {}", owner.id.as_str()),
        None => "passkey of nobody".to_owned(),
    };
    let attempt = auth
        .throttle
        .begin(address.network(), &account, None)
        .map_err(|wait| ApiError::Throttled {
            seconds: wait.as_secs() + 1,
        })?;
    let purpose = user.map_or(Purpose::SignIn, |_| Purpose::Confirm);
    let state = take(auth, &caller.headers, purpose, user.map(|user| &user.id)).await?;
    let Some((passkey, owner)) = found else {
        tracing::warn!(%address, "an unknown passkey was refused");
        return Err(ApiError::PasskeyRefused);
    };
    let is_theirs = match (user, answer.names(&owner.id)) {
        (Some(user), named) => user.id == owner.id && named != Some(false),
        // Without a known user, the authenticator must name one.
        (None, named) => named == Some(true),
    };
    let verified = if is_theirs && owner.issuer.is_none() {
        relying_party.accept(&answer, &state, &passkey)
    } else {
        Err(CeremonyError::AnotherUser)
    };
    let refused = match verified {
        Ok(new) => {
            let recorded = auth
                .store
                .record_passkey_use(&passkey, new.stored, new.is_synced);
            if recorded.await? {
                attempt.succeeded();
                return Ok((passkey, owner));
            }
            "it was used elsewhere at the same time".to_owned()
        }
        Err(error) => error.to_string(),
    };
    tracing::warn!(%address, reason = refused, "a passkey was refused");
    let action = AuditAction::PasskeyRefused;
    audit::record(auth, caller, user.unwrap_or(&owner), action, "").await;
    Err(ApiError::PasskeyRefused)
}
