//! What can be done with an import beyond following it, where the price monitor offers it: the embedded
//! one does, another one may.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, Page};
use crate::job::JobId;

/// What a price monitor says of an import beyond its progress.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportExtras {
    /// `check` for one that writes no products.
    pub mode: String,
    /// Products that were not there before.
    pub added_products: u64,
    /// Products that are not as before.
    pub updated_products: u64,
    /// Products that are as before.
    pub unchanged_products: u64,
    /// How many imports go first, with this one, while it waits.
    pub queue_position: Option<u64>,
    /// Whether it ended because somebody cancelled it.
    pub cancelled: bool,
    /// What a person could do something about: `columns`, when they are not known.
    pub problem: Option<String>,
    /// What can be done with it now.
    pub actions: Vec<String>,
}

impl ImportExtras {
    /// Returns whether something can be done with the import now.
    #[must_use]
    pub fn offers(&self, action: &str) -> bool {
        self.actions.iter().any(|offered| offered == action)
    }

    /// Returns whether no product is written.
    #[must_use]
    pub fn is_check(&self) -> bool {
        self.mode == "check"
    }
}

/// A row that failed, and why.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct FailedRow {
    /// The line of the file on which the row begins.
    pub line: u64,
    /// What the row is called.
    pub sku: String,
    /// Why it failed, for people.
    pub reason: String,
    /// The column the reason is about.
    pub column: Option<String>,
    /// What that column holds.
    pub value: Option<String>,
}

/// A page of failed rows.
pub type FailedRows = Page<FailedRow>;

/// The first rows of a file, and what its columns are taken for.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct FileColumns {
    /// What the columns are called.
    pub header: Vec<String>,
    /// What the first rows hold.
    pub rows: Vec<Vec<String>>,
    /// What each column is taken for.
    pub columns: Vec<Option<String>>,
}

/// What a row is when its file's columns hold what somebody says.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct PreviewRow {
    /// The line of the file on which the row begins.
    pub line: u64,
    /// What the product is known by.
    pub sku: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// What it costs.
    pub price: Option<String>,
    /// Why it would fail.
    pub error: Option<String>,
}

/// Returns the address of an import's failed rows as a file.
#[must_use]
pub fn failed_rows_path(job: &JobId) -> String {
    format!("/imports/{job}/failed-rows.csv")
}

/// Says what the price monitor offers for an import; `None` where it offers nothing of this.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such import
/// or it is somebody else's.
#[server(name = GetImportExtras, prefix = "/api", endpoint = "import_extras", input = server_fn::codec::GetUrl)]
pub async fn import_extras(id: JobId) -> Result<Option<ImportExtras>, ApiError> {
    let (state, job) = crate::server::imports::mine(&id).await?;
    Ok(state.relay.extras(&job).await)
}

/// Stops an import; what is in stays.
///
/// # Errors
///
/// As [`import_extras`]; and when the price monitor does not do it, in its words.
#[server(prefix = "/api", endpoint = "cancel_import")]
pub async fn cancel_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::to_change(&id).await?;
    change.state.relay.cancel(&change.job).await?;
    change
        .done(super::audit::AuditAction::ImportCancelled)
        .await;
    Ok(())
}

/// Imports the file of an import again, and goes to the new one's page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "import_again")]
pub async fn import_again(id: JobId) -> Result<(), ApiError> {
    crate::server::imports::further(&id, crate::server::relay::Further::Again).await
}

/// Imports the failed rows of an import again, and goes to the new one's page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "retry_failed_rows")]
pub async fn retry_failed_rows(id: JobId) -> Result<(), ApiError> {
    crate::server::imports::further(&id, crate::server::relay::Further::Retry).await
}

/// Forgets an import that is over, and goes to the list. Its products stay.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "delete_import")]
pub async fn delete_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::to_change(&id).await?;
    let relay = &change.state.relay;
    if !change.job.status.is_final() && !relay.is_forgotten(&change.job).await {
        return Err(ApiError::Invalid(
            "The import is still running. Cancel it first.".to_owned(),
        ));
    }
    change.state.relay.forget(&change.job).await?;
    change.done(super::audit::AuditAction::ImportDeleted).await;
    leptos_axum::redirect("/imports");
    Ok(())
}

/// Lists the failed rows of an import that say something, 50 a page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(name = ListFailedRows, prefix = "/api", endpoint = "failed_rows", input = server_fn::codec::GetUrl)]
pub async fn failed_rows(id: JobId, page: u64, search: String) -> Result<FailedRows, ApiError> {
    let (state, job) = crate::server::imports::mine(&id).await?;
    state.relay.failed_rows(&job, page, search.trim()).await
}

/// Says what the columns of an import's file are taken for, and what is in them.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(name = GetFileColumns, prefix = "/api", endpoint = "file_columns", input = server_fn::codec::GetUrl)]
pub async fn file_columns(id: JobId) -> Result<FileColumns, ApiError> {
    let (state, job) = crate::server::imports::mine(&id).await?;
    state.relay.columns(&job).await
}

/// Says what the first rows of an import's file are when its columns hold this: a word for each, none
/// for one that does not matter.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "preview_columns")]
pub async fn preview_columns(id: JobId, columns: Vec<String>) -> Result<Vec<PreviewRow>, ApiError> {
    let (state, job) = crate::server::imports::mine(&id).await?;
    state.relay.preview(&job, &columns).await
}

/// Imports the file of an import whose columns hold this, remembers it for files with the same columns,
/// and goes to the new import's page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "map_columns")]
pub async fn map_columns(id: JobId, columns: Vec<String>) -> Result<(), ApiError> {
    let change = crate::server::imports::to_change(&id).await?;
    let relay = &change.state.relay;
    let new = relay
        .map_columns(&change.who.user, &change.job, &columns)
        .await?;
    change.done(super::audit::AuditAction::ImportRetried).await;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}
