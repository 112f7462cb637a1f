//! The user's imports.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    imports_filter::ImportsFilter,
    job::{JobId, ProductImportJob},
    page::Page,
    upload::UploadFormState,
};

/// Returns the state of the upload form.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::Forbidden`] with read-only access.
#[server(prefix = "/api", endpoint = "upload_form", input = server_fn::codec::GetUrl)]
pub async fn upload_form() -> Result<UploadFormState, ApiError> {
    crate::server::auth::require(crate::model::role::Permission::Import)?;
    let state = crate::server::http::state::app_state()?;
    Ok(UploadFormState {
        max_bytes: state.config.max_upload,
        offers_checks: state.offers_checks(),
        fetches: state.remote_files.is_on(),
        last_error: crate::server::http::routes::uploads::receive::take_last_error(),
    })
}

/// Lists visible imports, 20 per page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "list_imports", input = server_fn::codec::GetUrl)]
pub async fn list_imports(
    page: u64,
    #[server(default)] filter: ImportsFilter,
) -> Result<Page<ProductImportJob>, ApiError> {
    let who = crate::server::auth::require_user().await?;
    let state = crate::server::http::state::app_state()?;
    let mut jobs = state.store.find_imports(&who.jobs(), &filter, page).await?;
    state.relay.refresh(&mut jobs.items).await;
    Ok(jobs)
}

/// Returns a visible import in its newest state.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] if the import does not exist or is not
/// visible.
#[server(prefix = "/api", endpoint = "get_import", input = server_fn::codec::GetUrl)]
pub async fn get_import(id: JobId) -> Result<ProductImportJob, ApiError> {
    let who = crate::server::auth::require_user().await?;
    let state = crate::server::http::state::app_state()?;
    Ok(state.imports.find_visible(&who, &id).await?.into())
}
