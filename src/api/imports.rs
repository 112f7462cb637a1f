//! The imports of the person who is signed in.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, Page};
use crate::job::{JobId, ProductImportJob};

mod filter;

pub use filter::{Day, ImportsFilter, InvalidDay, InvalidSort, Sort, SortBy};

/// A page of the list of imports: which, of which imports, in which order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ImportsQuery {
    /// Which page, from 1.
    pub page: u64,
    /// Which imports, in which order.
    pub filter: ImportsFilter,
}

/// Where the upload form is sent: `multipart/form-data` with the file in the field `file`.
///
/// A form is answered by a redirect, to the import's page or back to the form; a request that
/// accepts `application/json` by an [`UploadAnswer`].
pub const UPLOAD_PATH: &str = "/imports";

/// Where the form is sent that names the address of a file: `url`, and `mode`. It is answered as an upload
/// is.
pub const ADDRESS_PATH: &str = "/imports/from-address";

/// Where uploads are sent that go on where they broke off, by the tus protocol 1.0.
pub const RESUMABLE_PATH: &str = "/uploads";

/// The form's field that says what is to be done with the file, `import` or `check`. It comes before the
/// file.
pub const MODE_FIELD: &str = "mode";

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
    /// Whether a file can be checked without being imported.
    pub offers_checks: bool,
    /// Whether a file can be fetched from an address.
    pub fetches: bool,
    /// Why the last upload of this browser was refused, where it was made without script.
    pub last_error: Option<String>,
}

/// Says what the upload form must know.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::Forbidden`] to those who only watch.
#[server(prefix = "/api", endpoint = "upload_form", input = server_fn::codec::GetUrl)]
pub async fn upload_form() -> Result<UploadFormState, ApiError> {
    crate::server::auth::require(crate::role::Permission::Import)?;
    let state = crate::server::state::app_state()?;
    Ok(UploadFormState {
        max_bytes: state.config.max_upload,
        offers_checks: state.offers_checks(),
        fetches: state.remote_files.is_on(),
        last_error: crate::server::upload::take_last_error(),
    })
}

/// Lists the imports that the user may see, 20 a page.
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
    let state = crate::server::state::app_state()?;
    let mut jobs = state.store.find_imports(&who.jobs(), &filter, page).await?;
    state.relay.freshen(&mut jobs.items).await;
    Ok(jobs)
}

/// Gives one import that the user may see, in its newest known state.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such import
/// or it is somebody else's.
#[server(prefix = "/api", endpoint = "get_import", input = server_fn::codec::GetUrl)]
pub async fn get_import(id: JobId) -> Result<ProductImportJob, ApiError> {
    let who = crate::server::auth::require_user().await?;
    let state = crate::server::state::app_state()?;
    Ok(state.relay.find_job(&who, &id).await?.into())
}
