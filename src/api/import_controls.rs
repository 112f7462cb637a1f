//! What can be done with an import beyond following it, where the price monitor offers it: the embedded
//! one does, another one may.

use std::{collections::BTreeMap, str::FromStr};

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, Page};
use crate::job::{JobId, Question};

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
    /// Rows that a later row of the file replaced: with the three above, the imported ones.
    pub replaced_rows: u64,
    /// Rows that are no product.
    pub passed_over_rows: u64,
    /// How many of these there are, by the code of the reason.
    pub passed_over: BTreeMap<String, u64>,
    /// Rows of the file so far: imported, failed, and passed over.
    pub rows_read: u64,
    /// Values that were left out of rows that are in.
    pub warnings: u64,
    /// How many imports go first, with this one, while it waits.
    pub queue_position: Option<u64>,
    /// Whether it waits because the disk is full.
    pub waits_for_room: bool,
    /// Whether it ended because somebody cancelled it.
    pub cancelled: bool,
    /// What it asked for in vain.
    pub problem: Option<Question>,
    /// What has to be said for it to go on.
    pub needs: Option<Question>,
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

/// What is said of the rows of a list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// They failed.
    #[default]
    Failed,
    /// They were taken without a value that they hold.
    Warning,
    /// A later row of the file replaced them.
    Replaced,
    /// They are no product.
    PassedOver,
}

impl RowKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Failed,
        Self::Warning,
        Self::Replaced,
        Self::PassedOver,
    ];

    /// Returns the word for it in addresses and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Replaced => "replaced",
            Self::PassedOver => "passed-over",
        }
    }
}

impl FromStr for RowKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or(())
    }
}

/// A row of a file, and what is said of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ImportRow {
    /// The line of the file on which the row begins.
    pub line: u64,
    /// What the row is called.
    pub sku: String,
    /// Why it failed or what was left out, for people; of a row that was passed over, the code of the
    /// reason.
    pub reason: String,
    /// The column the reason is about.
    pub column: Option<String>,
    /// What that column holds.
    pub value: Option<String>,
    /// The line of the row that replaced it.
    pub by_line: Option<u64>,
}

/// A page of rows.
pub type ImportRows = Page<ImportRow>;

/// The first rows of a file, what its columns are taken for, and what else can be said of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileColumns {
    /// What the columns are called.
    pub header: Vec<String>,
    /// What the first rows hold.
    pub rows: Vec<Vec<String>>,
    /// What each column is taken for.
    pub columns: Vec<Option<String>>,
    /// What is said to be before the decimals of prices: `comma` or `point`.
    pub decimal_mark: Option<String>,
    /// The currency that prices are said to be in.
    pub currency: Option<String>,
    /// The sheets that are to be read.
    pub sheets: Vec<String>,
    /// Those that there are, where one has to be chosen.
    pub all_sheets: Vec<String>,
    /// What has to be said.
    pub needs: Option<Question>,
}

/// What somebody says of a file. What is empty is told from the file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SaidOfFile {
    /// A word for each column; none for one that does not matter.
    pub columns: Vec<String>,
    /// What is before the decimals of prices: `comma` or `point`.
    pub decimal_mark: String,
    /// The currency of prices that do not tell it.
    pub currency: String,
    /// The sheets that are to be read.
    pub sheets: Vec<String>,
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

/// Returns the path of an import's failed rows as a file.
#[must_use]
pub fn failed_rows_path(job: &JobId) -> String {
    format!("/imports/{job}/failed-rows.csv")
}

/// Returns the path of an import's rows of a kind as a file.
#[must_use]
pub fn rows_path(job: &JobId, kind: RowKind) -> String {
    match kind {
        RowKind::Failed => failed_rows_path(job),
        _ => format!("/imports/{job}/rows.csv?kind={}", kind.as_str()),
    }
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
    crate::server::imports::forget(&change.state, &change.job).await?;
    change.done(super::audit::AuditAction::ImportDeleted).await;
    leptos_axum::redirect("/imports");
    Ok(())
}

/// Lists the rows of an import of a kind that say something, 50 a page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(name = ListImportRows, prefix = "/api", endpoint = "import_rows", input = server_fn::codec::GetUrl)]
pub async fn import_rows(
    id: JobId,
    kind: RowKind,
    page: u64,
    search: String,
) -> Result<ImportRows, ApiError> {
    let (state, job) = crate::server::imports::mine(&id).await?;
    state.relay.rows(&job, kind, page, search.trim()).await
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

/// Says what the first rows of an import's file are when this is said of it: a word for each column, none
/// for one that does not matter; what is before the decimals of prices, and their currency.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "preview_columns")]
pub async fn preview_columns(
    id: JobId,
    #[server(default)] columns: Vec<String>,
    #[server(default)] decimal_mark: String,
    #[server(default)] currency: String,
) -> Result<Vec<PreviewRow>, ApiError> {
    let (state, job) = crate::server::imports::mine(&id).await?;
    let said = SaidOfFile {
        columns,
        decimal_mark,
        currency,
        sheets: Vec::new(),
    };
    state.relay.preview(&job, &said).await
}

/// Imports the file of an import of which this is said, remembers it for files with the same columns, and
/// goes to the import's page: the same import's, where it waits for that, else a new one's.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "map_columns")]
pub async fn map_columns(
    id: JobId,
    #[server(default)] columns: Vec<String>,
    #[server(default)] decimal_mark: String,
    #[server(default)] currency: String,
    #[server(default)] sheets: Vec<String>,
) -> Result<(), ApiError> {
    let change = crate::server::imports::to_change(&id).await?;
    let said = SaidOfFile {
        columns,
        decimal_mark,
        currency,
        sheets,
    };
    let relay = &change.state.relay;
    let new = relay
        .map_columns(&change.who.user, &change.job, &said)
        .await?;
    change.done(super::audit::AuditAction::ImportRetried).await;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}
