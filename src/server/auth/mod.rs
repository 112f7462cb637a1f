//! Who is there: accounts with passwords, sessions in a cookie, tokens of programs, those who sign in at
//! an OpenID Connect provider, and the session cookies of an Auth.js installation on the same domain.
//!
//! `principal` finds out who makes a request; the gate before the routes asks it once. What the
//! server functions of [`api`](crate::api) do is in `sign_in`, `account`, `tokens` and `team`.

pub(crate) mod account;
pub mod accounts;
pub(crate) mod audit;
pub mod authjs;
mod claim;
pub(in crate::server) mod cookie;
pub mod first_owner;
mod known_browser;
pub(in crate::server) mod oidc;
mod once;
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

use std::{net::IpAddr, num::NonZeroU32};

use self::{
    authjs::{AuthJs, Seldom},
    oidc::{Provider, ProviderError},
    principal::Principal,
    request::Caller,
    throttle::Throttle,
};
use crate::{
    model::{error::ApiError, role::Permission},
    server::{
        config::{AuthConfig, PublicUrl},
        http::{last_event_id::last_event_id, middleware::rate_limit::Rate},
        identity::client_address::ClientAddress,
    },
};

/// How many answers of the provider an address may bring in a minute.
const ARRIVALS: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// What finding out who is there needs, and remembers.
#[derive(Clone, Debug)]
pub struct Auth {
    authjs: AuthJs,
    seldom: Seldom,
    throttle: Throttle,
    /// How often an address may bring an answer of the provider, each of which has the provider asked.
    arrivals: Rate<IpAddr>,
    provider: Option<Provider>,
}

impl Auth {
    /// Derives the keys of the installations whose cookies are accepted.
    ///
    /// # Errors
    ///
    /// When the OpenID Connect provider that is set cannot be used.
    pub fn new(config: &AuthConfig, public_url: &PublicUrl) -> Result<Self, ProviderError> {
        passwords::make_decoy();
        let provider = config.oidc.clone();
        Ok(Self {
            authjs: AuthJs::new(&config.authjs_secrets),
            seldom: Seldom::default(),
            throttle: Throttle::default(),
            arrivals: Rate::a_minute(ARRIVALS),
            provider: provider
                .map(|provider| Provider::new(provider, public_url))
                .transpose()?,
        })
    }
}

/// Finds who made the request that a server function answers: a person, for programs have the REST
/// API.
///
/// # Errors
///
/// [`ApiError::SignedOut`] when nobody is signed in, [`ApiError::Forbidden`] to a program's token.
#[allow(clippy::unused_async)] // what it asks may come to need waiting
pub async fn require_user() -> Result<Principal, ApiError> {
    Ok(Caller::of_server_fn()?.in_person()?.clone())
}

/// Finds who made the request that a server function answers, if they may do this.
///
/// # Errors
///
/// As [`require_user`], and [`ApiError::Forbidden`] when their role does not allow it.
pub fn require(permission: Permission) -> Result<Principal, ApiError> {
    let caller = Caller::of_server_fn()?;
    caller.in_person()?;
    Ok(caller.with(permission)?.clone())
}

/// Returns the last event that the client has seen whose stream a server function opens.
pub(crate) fn request_last_event_id() -> Option<String> {
    let caller = Caller::of_server_fn().ok()?;
    last_event_id(&caller.headers, &caller.uri)
}

/// Returns where the request comes from that a server function answers.
///
/// # Errors
///
/// [`ApiError::Internal`] outside of one.
pub(crate) fn request_address() -> Result<ClientAddress, ApiError> {
    Caller::of_server_fn()?.address.ok_or(ApiError::Internal)
}

/// Where one lands after signing in.
pub(in crate::server) const HOME: &str = "/imports";
/// Where one signs in.
pub(in crate::server) const SIGN_IN: &str = "/sign-in";
