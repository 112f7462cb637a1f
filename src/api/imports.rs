//! The user's imports.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    imports_filter::{ImportsFilter, ImportsOverview},
    job::{JobId, ProductImportJob},
    page::Page,
    upload::UploadFormState,
};

/// Maximum imports to delete at once.
#[cfg(feature = "ssr")]
const MOST_DELETED: usize = 100;

/// Returns the state of the upload form.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::Forbidden`] with read-only access.
#[server(prefix = "/api", endpoint = "upload_form", input = server_fn::codec::GetUrl)]
pub async fn upload_form() -> Result<UploadFormState, ApiError> {
    use crate::model::{
        job::ImportMode,
        refused_form::RefusedForm,
        upload::{ADDRESS_PATH, MODE_FIELD, UPLOAD_PATH},
    };
    crate::server::auth::require(crate::model::role::Permission::Import)?;
    let state = crate::server::http::state::app_state()?;
    let sent = RefusedForm::sent_to(UPLOAD_PATH);
    let error = sent.error.clone();
    let error = error.or_else(|| RefusedForm::sent_to(ADDRESS_PATH).error);
    Ok(UploadFormState {
        max_bytes: state.config.imports.max_upload,
        accept: product_feed::ACCEPT.to_owned(),
        offers_checks: state.offers_checks(),
        fetches: state.remote_files.is_on(),
        was_check: sent.has(MODE_FIELD, ImportMode::Check.as_str(), false),
        last_error: error.map(|error| error.reason()),
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

/// Returns what the list can be filtered by, who started the imports of a page, and their notes.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(name = GetImportsOverview, prefix = "/api", endpoint = "imports_overview", input = server_fn::codec::GetUrl)]
pub async fn imports_overview(
    #[server(default)] ids: Vec<JobId>,
) -> Result<ImportsOverview, ApiError> {
    let who = crate::server::auth::require_user().await?;
    let state = crate::server::http::state::app_state()?;
    let (store, scope) = (&state.store, who.jobs());
    let notes = if state.offers_checks() {
        let imports = crate::server::imports::of_server_fn()?;
        imports.notes(&who, &ids).await?
    } else {
        Vec::new()
    };
    Ok(ImportsOverview {
        notes,
        counts: store.count_by_status(&scope).await?,
        starters: store.starters(&scope).await?,
        started: store.started_by(&scope, &ids).await?,
        may_delete: who.may(crate::model::role::Permission::Import),
    })
}

/// Returns the newest states of those of some imports that may be deleted.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::Forbidden`] with read-only access.
#[server(prefix = "/api", endpoint = "imports_to_delete", input = server_fn::codec::GetUrl)]
pub async fn imports_to_delete(
    #[server(default)] ids: Vec<JobId>,
) -> Result<Vec<ProductImportJob>, ApiError> {
    let who = crate::server::auth::require(crate::model::role::Permission::Import)?;
    let state = crate::server::http::state::app_state()?;
    let ids = &ids[..ids.len().min(MOST_DELETED)];
    let mut jobs = state.store.find_jobs(&who.jobs(), ids).await?;
    state.relay.refresh(&mut jobs).await;
    Ok(jobs)
}

/// Deletes ended imports, and redirects to the list. Their products stay.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] if one of them does not exist, is not
/// visible or still runs. Those before it are deleted then.
#[server(prefix = "/api", endpoint = "delete_imports")]
pub async fn delete_imports(#[server(default)] ids: Vec<JobId>) -> Result<(), ApiError> {
    for id in ids.iter().take(MOST_DELETED) {
        let change = crate::server::imports::find_changeable(id).await?;
        change.imports.forget(&change.who, &change.job).await?;
    }
    leptos_axum::redirect("/imports");
    Ok(())
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
