//! The imports of the person who is signed in.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, Page};
use crate::job::{JobId, ProductImportJob};

/// Where the upload form is sent: `multipart/form-data` with the file in the field `file`.
///
/// A form is answered by a redirect, to the import's page or back to the form; a request that
/// accepts `application/json` by an [`UploadAnswer`].
pub const UPLOAD_PATH: &str = "/imports";

/// The answer to an upload made by script.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum UploadAnswer {
    /// The import has begun.
    Started {
        /// The import.
        id: JobId,
    },
    /// The file was not taken.
    Refused {
        /// Why, for the user to read.
        error: String,
    },
}

/// What the upload form must know.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UploadFormState {
    /// The largest file that is taken, in bytes.
    pub max_bytes: u64,
    /// Why the last upload of this browser was refused, where it was made without script.
    pub last_error: Option<String>,
}

/// Says what the upload form must know.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "upload_form", input = server_fn::codec::GetUrl)]
pub async fn upload_form() -> Result<UploadFormState, ApiError> {
    crate::server::auth::require_user().await?;
    let state = crate::server::state::app_state()?;
    Ok(UploadFormState {
        max_bytes: state.config.max_upload,
        last_error: crate::server::upload::take_last_error(),
    })
}

/// Lists the user's imports, newest first, 20 a page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session.
#[server(prefix = "/api", endpoint = "list_imports", input = server_fn::codec::GetUrl)]
pub async fn list_imports(page: u64) -> Result<Page<ProductImportJob>, ApiError> {
    let user = crate::server::auth::require_user().await?;
    let state = crate::server::state::app_state()?;
    let mut jobs = state.store.list_jobs(&user.id, page).await?;
    state.relay.freshen(&mut jobs.items).await;
    Ok(jobs)
}

/// Gives one import of the user, in its newest known state.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such import
/// or it is somebody else's.
#[server(prefix = "/api", endpoint = "get_import", input = server_fn::codec::GetUrl)]
pub async fn get_import(id: JobId) -> Result<ProductImportJob, ApiError> {
    let user = crate::server::auth::require_user().await?;
    let state = crate::server::state::app_state()?;
    let mut job = state
        .store
        .find_job(&user.id, &id)
        .await?
        .ok_or(ApiError::NotFound)?;
    state.relay.freshen(std::slice::from_mut(&mut job)).await;
    Ok(job)
}
