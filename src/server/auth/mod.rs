//! Authentication: passwords, session cookies, API tokens, passkeys, OpenID Connect, and cookies of an Auth.js
//! installation on the same domain.
//!
//! The middleware authenticates each request once, by `principal`. The server functions of `api` are implemented in
//! `sign_in`, `account`, `tokens` and `team`.

pub(crate) mod account;
pub mod accounts;
pub(crate) mod audit;
mod authjs;
mod claim;
pub(crate) mod confirm;
pub(in crate::server) mod cookie;
pub mod first_owner;
pub(in crate::server) mod flash;
mod invitation;
pub(in crate::server) mod oidc;
pub(crate) mod passkeys;
mod passwords;
pub mod principal;
pub(in crate::server) mod recheck;
pub(crate) mod request;
mod secret;
mod session;
pub(crate) mod sign_in;
pub(in crate::server) mod sign_in_elsewhere;
pub(crate) mod team;
mod throttle;
pub(crate) mod tokens;
mod trusted_device;

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use authjs_session::AuthJs;
use leptos::prelude::use_context;

use self::{
    authjs::AccessLog,
    oidc::{Provider, ProviderError},
    passkeys::RelyingParty,
    request::Caller,
    throttle::Throttle,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{error::ApiError, role::Permission},
    server::{
        config::Config,
        identity::{client_address::ClientAddress, principal::Principal},
        limits::rate::Rate,
        relay::Relay,
        store::Store,
    },
};

const CALLBACKS: NonZeroU32 = NonZeroU32::new(60).unwrap();

const CHALLENGES: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// Authentication. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth {
    config: Arc<Config>,
    store: Store,
    relay: Relay,
    authjs: AuthJs,
    access_log: AccessLog,
    throttle: Throttle,
    /// Limited because each callback sends a request to the provider.
    callbacks: Rate<IpAddr>,
    challenges: Rate<IpAddr>,
    provider: Option<Provider>,
    passkeys: Option<RelyingParty>,
}

impl Auth {
    /// Derives keys and prepares the provider.
    ///
    /// # Errors
    ///
    /// If the OpenID Connect provider cannot be used.
    pub fn new(config: Arc<Config>, store: Store, relay: Relay) -> Result<Self, ProviderError> {
        passwords::make_decoy();
        let provider = config.auth.oidc.clone();
        Ok(Self {
            authjs: AuthJs::new(&config.auth.authjs_secrets),
            access_log: AccessLog::default(),
            throttle: Throttle::default(),
            callbacks: Rate::a_minute(CALLBACKS),
            challenges: Rate::a_minute(CHALLENGES),
            passkeys: RelyingParty::of(&config),
            provider: provider
                .map(|provider| Provider::new(provider, &config.public_url))
                .transpose()?,
            config,
            store,
            relay,
        })
    }

    pub(in crate::server) fn of_server_fn() -> Result<Self, ApiError> {
        use_context().ok_or(ApiError::Internal)
    }
}

/// Returns the user of a server function's request. API tokens are for the REST API only.
///
/// # Errors
///
/// [`ApiError::SignedOut`] if nobody is signed in, [`ApiError::Forbidden`] for an API token.
#[allow(clippy::unused_async)] // what it asks may come to need waiting
pub async fn require_user() -> Result<Principal, ApiError> {
    Ok(Caller::of_server_fn()?.in_person()?.clone())
}

/// Returns the user of a server function's request if they have a permission.
///
/// # Errors
///
/// Like [`require_user`]; [`ApiError::Forbidden`] without the permission.
pub fn require(permission: Permission) -> Result<Principal, ApiError> {
    let caller = Caller::of_server_fn()?;
    caller.in_person()?;
    Ok(caller.with(permission)?.clone())
}

pub(crate) fn request_address() -> Result<ClientAddress, ApiError> {
    Caller::of_server_fn()?.address.ok_or(ApiError::Internal)
}

fn require_passwords(auth: &Auth) -> Result<(), ApiError> {
    if auth.config.auth.passwords {
        return Ok(());
    }
    Err(ApiError::invalid(ErrorCode::PasswordsOff))
}

pub(in crate::server) const HOME: &str = "/imports";
pub(in crate::server) const SIGN_IN: &str = "/sign-in";
