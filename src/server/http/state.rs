//! State shared by all request handlers.

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

/// State shared by all request handlers; a pointer, because the dozen layers and futures of a request each clone it.
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

/// The parts of [`AppState`].
#[derive(Debug)]
pub struct AppParts {
    /// Settings.
    pub config: Arc<Config>,
    /// Database.
    pub store: Store,
    /// Authentication.
    pub auth: Auth,
    /// Imports that users may see and change.
    pub imports: Imports,
    pub(crate) notifications: Notifications,
    pub(crate) share_links: ShareLinks,
    pub(crate) sources: Sources,
    /// Progress streams.
    pub relay: Relay,
    /// Product files from URLs.
    pub remote_files: RemoteFiles,
    /// Slots of uploads.
    pub uploads: UploadSlots,
    /// Space for product files.
    pub space: Space,
    /// Metrics.
    pub metrics: Metrics,
    /// Leptos' options for pages.
    pub leptos: LeptosOptions,
}

impl AppState {
    /// Returns whether the embedded price monitor has the products.
    #[must_use]
    pub fn has_products(&self) -> bool {
        matches!(self.config.monitor, Monitor::Embedded { .. })
    }
}

impl AppState {
    /// Rejects requests for products of an external service.
    pub(crate) fn require_products(&self) -> Result<(), ApiError> {
        if self.has_products() {
            Ok(())
        } else {
            Err(ApiError::Unavailable(ErrorCode::ProductsElsewhere.into()))
        }
    }

    /// Returns whether imports can be limited to some products and values: the embedded price monitor can.
    #[must_use]
    pub fn offers_options(&self) -> bool {
        self.offers_checks()
    }

    /// Returns whether files can be checked without an import: the embedded price monitor can.
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
