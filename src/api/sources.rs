//! Sources of product files. They are created and changed by plain forms.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    source::{SourceState, SourcesState},
};

/// Returns whether there are sources that the user may see.
#[server(prefix = "/api", endpoint = "has_sources", input = server_fn::codec::GetUrl)]
pub async fn has_sources() -> Result<bool, ApiError> {
    Ok(crate::server::sources::service::are_offered())
}

/// Returns the state of the page of all sources.
///
/// # Errors
///
/// [`ApiError::Forbidden`] with read-only access, [`ApiError::Unavailable`] with an external price monitor.
#[server(name = GetSources, prefix = "/api", endpoint = "sources_state", input = server_fn::codec::GetUrl)]
pub async fn sources_state() -> Result<SourcesState, ApiError> {
    crate::server::sources::service::state().await
}

/// Returns the state of the page of one source, with the runs after `after`.
///
/// # Errors
///
/// As [`sources_state`], and [`ApiError::NotFound`] if there is no such source.
#[server(name = GetSource, prefix = "/api", endpoint = "source_state", input = server_fn::codec::GetUrl)]
pub async fn source_state(id: String, after: Option<String>) -> Result<SourceState, ApiError> {
    crate::server::sources::service::state_of(&id, after.as_deref()).await
}

/// Pauses or resumes a source.
///
/// # Errors
///
/// [`ApiError::Forbidden`] with read-only access, [`ApiError::NotFound`] if there is no such source.
#[server(prefix = "/api", endpoint = "enable_source")]
pub async fn enable_source(id: String, enabled: bool) -> Result<(), ApiError> {
    crate::server::sources::service::enable(&id, enabled).await
}

/// Runs a source now.
///
/// # Errors
///
/// As [`enable_source`].
#[server(prefix = "/api", endpoint = "run_source")]
pub async fn run_source(id: String) -> Result<(), ApiError> {
    crate::server::sources::service::run_now(&id).await
}

/// Deletes a source with its runs.
///
/// # Errors
///
/// As [`enable_source`].
#[server(prefix = "/api", endpoint = "delete_source")]
pub async fn delete_source(id: String) -> Result<(), ApiError> {
    crate::server::sources::service::delete(&id).await
}
