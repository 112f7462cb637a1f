//! The request of a server function.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Uri, header, request::Parts};
use leptos::prelude::use_context;

use crate::{
    model::{
        error::{ApiError, Elsewhere},
        role::Permission,
    },
    server::identity::{client_address::ClientAddress, peer::Peer, principal::Principal},
};

#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(super) headers: HeaderMap,
    pub(super) uri: Uri,
    pub(super) address: Option<ClientAddress>,
    pub(super) principal: Option<Principal>,
    /// Why an external session was rejected.
    pub(super) elsewhere: Option<Elsewhere>,
    pub(super) peer: Option<SocketAddr>,
}

impl Caller {
    pub(crate) fn of_server_fn() -> Result<Self, ApiError> {
        use_context::<Parts>()
            .map(|parts| Self::of(&parts))
            .ok_or(ApiError::Internal)
    }

    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            address: parts.extensions.get().copied(),
            principal: parts.extensions.get().cloned(),
            elsewhere: parts.extensions.get().copied(),
            peer: parts.extensions.get().map(|Peer(peer)| *peer),
        }
    }

    /// Returns whether the request is a plain form without JavaScript.
    pub(super) fn is_form(&self) -> bool {
        wants_page(&self.headers)
    }

    pub(super) fn signed_in(&self) -> Result<&Principal, ApiError> {
        let unknown = || {
            self.elsewhere
                .map_or(ApiError::SignedOut, ApiError::Elsewhere)
        };
        self.principal.as_ref().ok_or_else(unknown)
    }

    pub(super) fn with(&self, permission: Permission) -> Result<&Principal, ApiError> {
        let principal = self.signed_in()?;
        if principal.may(permission) {
            Ok(principal)
        } else {
            Err(ApiError::Forbidden)
        }
    }

    pub(super) fn in_person(&self) -> Result<&Principal, ApiError> {
        let principal = self.signed_in()?;
        if principal.is_in_person() {
            Ok(principal)
        } else {
            Err(ApiError::Forbidden)
        }
    }
}

/// Returns whether a browser requests a page, not a script data.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
