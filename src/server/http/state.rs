//! What every request handler has at hand.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use leptos::{config::LeptosOptions, prelude::use_context};

use crate::server::{
    auth::Auth,
    config::{Config, Monitor},
    imports::Imports,
    notifications::Notifications,
    relay::Relay,
    share_links::ShareLinks,
    sources::Sources,
    store::Store,
    telemetry::Metrics,
    uploads::{limits::UploadSlots, remote_file::RemoteFiles, space::Space},
};
use crate::{i18n::messages::ErrorCode, model::error::ApiError};

/// What every request handler has at hand. Each of the dozen layers and futures of a request holds a clone, so it is
/// a pointer.
#[derive(Clone, Debug)]
pub struct AppState(Arc<AppParts>);

impl AppState {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}

/// The parts of the [`AppState`].
#[derive(Debug)]
pub struct AppParts {
    /// The settings.
    pub config: Arc<Config>,
    /// What is kept.
    pub store: Store,
    /// Who is there.
    pub auth: Auth,
    /// The imports that users may see and change.
    pub imports: Imports,
    /// What is told about imports.
    pub(crate) notifications: Notifications,
    /// Links to imports for people without an account.
    pub(crate) share_links: ShareLinks,
    /// Places that product files come from.
    pub(crate) sources: Sources,
    /// The progress streams.
    pub relay: Relay,
    /// The product files that are fetched.
    pub remote_files: RemoteFiles,
    /// The uploads that come in.
    pub uploads: UploadSlots,
    /// The room for product files.
    pub space: Space,
    /// What is counted.
    pub metrics: Metrics,
    /// What the pages need.
    pub leptos: LeptosOptions,
}

impl AppState {
    /// Returns whether the products in the shop are ours to show.
    #[must_use]
    pub fn has_products(&self) -> bool {
        matches!(self.config.monitor, Monitor::Embedded { .. })
    }
}

impl AppState {
    /// Refuses where the products are another service's.
    pub(crate) fn require_products(&self) -> Result<(), ApiError> {
        if self.has_products() {
            Ok(())
        } else {
            Err(ApiError::Unavailable(ErrorCode::ProductsElsewhere.into()))
        }
    }

    /// Returns whether it can be said which products and values of a file are written: the embedded price monitor
    /// heeds it.
    #[must_use]
    pub fn offers_options(&self) -> bool {
        self.offers_checks()
    }

    /// Returns whether a file can be checked without being imported: the embedded price monitor does it.
    #[must_use]
    pub fn offers_checks(&self) -> bool {
        matches!(self.config.monitor, Monitor::Embedded { .. })
    }
}

impl FromRef<AppState> for Auth {
    fn from_ref(state: &AppState) -> Self {
        state.auth.clone()
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

/// Finds the state inside a server function.
///
/// # Errors
///
/// [`ApiError::Internal`] outside of one.
pub fn app_state() -> Result<AppState, ApiError> {
    use_context().ok_or(ApiError::Internal)
}
