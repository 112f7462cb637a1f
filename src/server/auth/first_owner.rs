//! Creates the first owner, by a link that the server prints at its start or `import-relay owner-link`
//! creates.

use std::time::Duration;

use secrecy::SecretString;

use super::{accounts, request::Caller, secret, sign_in};
use crate::{
    model::{error::ApiError, secret::Secret},
    server::{
        config::Config,
        http::{
            middleware::hosts,
            state::{AppState, app_state},
        },
        http_client::is_loopback,
        store::Store,
    },
};

/// Validity of a link.
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

/// Returns whether the request may create the owner, if there is none.
pub(super) async fn may_be_made(
    state: &AppState,
    caller: &Caller,
    token: Option<&Secret>,
) -> Result<bool, ApiError> {
    if let Some(token) = token {
        let hash = secret::hash(token.expose());
        return Ok(state.store.has_setup_link(&hash).await?);
    }
    Ok(needs_no_link(&state.config, caller) && !state.store.has_users().await?)
}

/// Returns whether the app is local and requested locally. Whoever can do that could read the link too;
/// scripts that set up a local app need none.
fn needs_no_link(config: &Config, caller: &Caller) -> bool {
    let is_for_here = !config.is_public_url_set || is_loopback(config.public_url.host());
    is_for_here && hosts::is_from_here(caller.peer, &caller.uri, &caller.headers)
}

/// Creates the owner, opens a session and redirects.
pub(crate) async fn create(
    name: &str,
    email: &str,
    password: SecretString,
    token: Option<Secret>,
    next: Option<&str>,
) -> Result<(), ApiError> {
    let state = app_state()?;
    let caller = Caller::of_server_fn()?;
    if state.store.has_owner().await? {
        return Err(accounts::has_owner());
    }
    if !may_be_made(&state, &caller, token.as_ref()).await? {
        return Err(ApiError::Invalid(
            "To create the owner account, open the link the server printed at startup.".to_owned(),
        ));
    }
    let user = accounts::create_owner(&state.store, name, email, password).await?;
    state.store.delete_setup_links().await?;
    sign_in::enter_new(&state, &caller, &user, next).await
}
