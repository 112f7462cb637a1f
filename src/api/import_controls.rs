//! What can be done with an import beyond following it, where the price monitor offers it: the embedded
//! one does, another one may.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    import_extras::{FileColumns, ImportExtras, ImportRows, PreviewRow, RowKind, RowsToCorrect},
    job::JobId,
};

/// Says what the price monitor offers for an import; `None` where it offers nothing of this.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such import
/// or it is somebody else's.
#[server(name = GetImportExtras, prefix = "/api", endpoint = "import_extras", input = server_fn::codec::GetUrl)]
pub async fn import_extras(id: JobId) -> Result<Option<ImportExtras>, ApiError> {
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    Ok(imports.relay().extras(&job).await)
}

/// Lists what has happened to an import.
///
/// # Errors
///
/// As [`import_extras`].
#[server(name = GetImportActivity, prefix = "/api", endpoint = "import_activity", input = server_fn::codec::GetUrl)]
pub async fn import_activity(id: JobId) -> Result<Vec<crate::model::activity::Activity>, ApiError> {
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    imports.activity(&job).await
}

/// Stops an import; what is in stays.
///
/// # Errors
///
/// As [`import_extras`]; and when the price monitor does not do it, in its words.
#[server(prefix = "/api", endpoint = "cancel_import")]
pub async fn cancel_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    let user = &change.who.user.id;
    change.imports.cancel(user, &change.job).await?;
    change
        .done(crate::model::audit::AuditAction::ImportCancelled)
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
    crate::server::imports::rerun(&id, crate::server::relay::Rerun::Again).await
}

/// Imports the failed rows of an import again, and goes to the new one's page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "retry_failed_rows")]
pub async fn retry_failed_rows(id: JobId) -> Result<(), ApiError> {
    crate::server::imports::rerun(&id, crate::server::relay::Rerun::Retry).await
}

/// Lets an import go on that waits because it goes over a limit, and goes to its page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "approve_import")]
pub async fn approve_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    let user = &change.who.user.id;
    change.imports.approve(user, &change.job).await?;
    change
        .done(crate::model::audit::AuditAction::ImportApproved)
        .await;
    leptos_axum::redirect(&format!("/imports/{id}"));
    Ok(())
}

/// Takes an import back, and goes to the page of the import that does so. Products that later imports have
/// changed are left as they are, unless everything is to be taken back.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "undo_import")]
pub async fn undo_import(id: JobId, #[server(default)] everything: bool) -> Result<(), ApiError> {
    let what = crate::server::relay::Rerun::Undo { everything };
    crate::server::imports::rerun(&id, what).await
}

/// Forgets an import that is over, and goes to the list. Its products stay.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "delete_import")]
pub async fn delete_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    change.imports.forget(&change.job).await?;
    change
        .done(crate::model::audit::AuditAction::ImportDeleted)
        .await;
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
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    imports.relay().rows(&job, kind, page, search.trim()).await
}

/// Lists the rows of an import of a kind cell by cell, 20 a page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(name = ListRowsToCorrect, prefix = "/api", endpoint = "rows_to_correct", input = server_fn::codec::GetUrl)]
pub async fn rows_to_correct(
    id: JobId,
    kind: RowKind,
    page: u64,
) -> Result<RowsToCorrect, ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    let relay = change.imports.relay();
    let extras = relay.extras(&change.job).await;
    if !extras.is_some_and(|extras| extras.offers("correct")) {
        return Ok(RowsToCorrect::default());
    }
    relay.cells(&change.job, kind, page).await
}

/// Imports rows of an import with other cells, and goes to the new one's page. Cells are named by `r` and the number of
/// their row, and `c` and the place of their column.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "correct_rows")]
pub async fn correct_rows(
    id: JobId,
    kind: RowKind,
    #[server(default)] cells: BTreeMap<String, BTreeMap<String, String>>,
) -> Result<(), ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    let rows = crate::model::import_extras::named_cells(cells).ok_or_else(|| {
        ApiError::Invalid(crate::i18n::messages::ErrorCode::UnreadableForm.into())
    })?;
    let user = &change.who.user;
    let new = change
        .imports
        .correct(user, &change.job, kind, rows)
        .await?;
    change
        .done(crate::model::audit::AuditAction::ImportRetried)
        .await;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}

/// Says what the columns of an import's file are taken for, and what is in them.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(name = GetFileColumns, prefix = "/api", endpoint = "file_columns", input = server_fn::codec::GetUrl)]
pub async fn file_columns(id: JobId) -> Result<FileColumns, ApiError> {
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    imports.relay().columns(&job).await
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
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    let said = crate::model::import_extras::SaidOfFile {
        columns,
        decimal_mark,
        currency,
        sheets: Vec::new(),
    };
    let mut rows = imports.relay().preview(&job, &said).await?;
    let language = crate::server::http::middleware::language::of_request();
    for row in &mut rows {
        row.error = row.why().map(|why| language.reason(&why));
    }
    Ok(rows)
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
    let change = crate::server::imports::find_changeable(&id).await?;
    let said = crate::model::import_extras::SaidOfFile {
        columns,
        decimal_mark,
        currency,
        sheets,
    };
    let new = change
        .imports
        .map_columns(&change.who.user, &change.job, &said)
        .await?;
    change
        .done(crate::model::audit::AuditAction::ImportRetried)
        .await;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}
