//! Creates the first owner, by a link that the server prints at its start or `import-relay owner-link` creates.

use std::time::Duration;

use secrecy::SecretString;

use super::{accounts, request::Caller, require_passwords, secret, sign_in};
use crate::{
    i18n::messages::ErrorCode,
    model::{error::ApiError, secret::Secret},
    server::{
        auth::Auth,
        config::Config,
        identity::host::{self, is_loopback},
        store::Store,
    },
};

const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Creates an owner link below an origin; `None` if there is an owner.
///
/// # Errors
///
/// If the database fails or the system has no randomness.
pub async fn make_link(store: &Store, origin: &str) -> Result<Option<String>, ApiError> {
    if store.has_owner().await? {
        store.delete_setup_links().await?;
        return Ok(None);
    }
    let token = secret::generate()?;
    store
        .create_setup_link(secret::hash(&token), LIFETIME)
        .await?;
    Ok(Some(format!("{origin}{}?setup={token}", super::SIGN_IN)))
}

pub(super) async fn may_be_made(
    auth: &Auth,
    caller: &Caller,
    token: Option<&Secret>,
) -> Result<bool, ApiError> {
    if let Some(token) = token {
        let hash = secret::hash(token.expose());
        return Ok(auth.store.has_setup_link(&hash).await?);
    }
    Ok(needs_no_link(&auth.config, caller) && !auth.store.has_users().await?)
}

/// Returns whether the app is local and requested from this machine, whose users could read the link anyway. Setup scripts
/// need no link then.
fn needs_no_link(config: &Config, caller: &Caller) -> bool {
    let is_for_here = !config.is_public_url_set || is_loopback(config.public_url.host());
    is_for_here && host::is_from_here(caller.peer, &caller.uri, &caller.headers)
}

pub(crate) async fn create(
    name: &str,
    email: &str,
    password: SecretString,
    token: Option<Secret>,
    next: Option<&str>,
) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    require_passwords(&auth)?;
    if auth.store.has_owner().await? {
        return Err(accounts::has_owner());
    }
    if !may_be_made(&auth, &caller, token.as_ref()).await? {
        return Err(ApiError::invalid(ErrorCode::OwnerNeedsLink));
    }
    let user = accounts::create_owner(&auth.store, name, email, password).await?;
    auth.store.delete_setup_links().await?;
    sign_in::enter_new(&auth, &caller, &user, next).await
}
