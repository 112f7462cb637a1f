//! Actions on an import and its details, as far as the price monitor offers them. The embedded one offers all.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    import_extras::{FileColumns, ImportExtras, ImportRows, PreviewRow, RowKind, RowsToCorrect},
    job::JobId,
};

/// Returns the details and actions of an import; `None` if the price monitor has none.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] if the import does not exist or is not visible.
#[server(name = GetImportExtras, prefix = "/api", endpoint = "import_extras", input = server_fn::codec::GetUrl)]
pub async fn import_extras(id: JobId) -> Result<Option<ImportExtras>, ApiError> {
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    Ok(imports.relay().extras(&job).await)
}

/// Returns the history of an import.
///
/// # Errors
///
/// As [`import_extras`].
#[server(name = GetImportActivity, prefix = "/api", endpoint = "import_activity", input = server_fn::codec::GetUrl)]
pub async fn import_activity(id: JobId) -> Result<Vec<crate::model::activity::Activity>, ApiError> {
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    imports.activity(&job).await
}

/// Cancels an import. Imported products stay.
///
/// # Errors
///
/// As [`import_extras`]; and the price monitor's error if it cannot do it.
#[server(prefix = "/api", endpoint = "cancel_import")]
pub async fn cancel_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    change.imports.cancel(&change.who, &change.job).await
}

/// Imports the file of an import again, and redirects to the new one's page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "import_again")]
pub async fn import_again(id: JobId) -> Result<(), ApiError> {
    crate::server::imports::rerun(&id, crate::server::relay::Rerun::Again).await
}

/// Imports the failed rows of an import again, and redirects to the new one's page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "retry_failed_rows")]
pub async fn retry_failed_rows(id: JobId) -> Result<(), ApiError> {
    crate::server::imports::rerun(&id, crate::server::relay::Rerun::Retry).await
}

/// Approves an import that exceeds a limit, and redirects to its page.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "approve_import")]
pub async fn approve_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    change.imports.approve(&change.who, &change.job).await?;
    leptos_axum::redirect(&format!("/imports/{id}"));
    Ok(())
}

/// Undoes an import, and redirects to the page of the import that does so. Products that later imports changed stay as they
/// are, unless everything is to be undone.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "undo_import")]
pub async fn undo_import(id: JobId, #[server(default)] everything: bool) -> Result<(), ApiError> {
    let what = crate::server::relay::Rerun::Undo { everything };
    crate::server::imports::rerun(&id, what).await
}

/// Deletes an ended import, and redirects to the list. Its products stay.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(prefix = "/api", endpoint = "delete_import")]
pub async fn delete_import(id: JobId) -> Result<(), ApiError> {
    let change = crate::server::imports::find_changeable(&id).await?;
    change.imports.forget(&change.who, &change.job).await?;
    leptos_axum::redirect("/imports");
    Ok(())
}

/// Lists the failed rows of an import, or those with a note of a kind, 50 per page.
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

/// Lists rows of a kind with their cells, 20 per page.
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

/// Imports rows of an import with other cells, and redirects to the new one's page. A cell is named by `r` and its row number, `c`
/// and its column index.
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
    let new = change
        .imports
        .correct(&change.who, &change.job, kind, rows)
        .await?;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}

/// Returns the first rows of an import's file and how its columns are read.
///
/// # Errors
///
/// As [`cancel_import`].
#[server(name = GetFileColumns, prefix = "/api", endpoint = "file_columns", input = server_fn::codec::GetUrl)]
pub async fn file_columns(id: JobId) -> Result<FileColumns, ApiError> {
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    imports.relay().columns(&job).await
}

/// Returns the first rows of an import's file as they would be imported with these answers: the meaning of each column,
/// empty for ignored ones; the decimal mark and currency of prices.
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
    let mapping = crate::model::import_extras::FileMapping {
        columns,
        decimal_mark,
        currency,
        sheets: Vec::new(),
    };
    let mut rows = imports.relay().preview(&job, &mapping).await?;
    let language = crate::server::http::middleware::language::of_request();
    for row in &mut rows {
        row.error = row.why().map(|why| language.reason(&why));
    }
    Ok(rows)
}

/// Imports the file of an import with these answers, remembers them for files with the same columns, and redirects to the
/// import's page: the same import's if it waits for answers, else a new one's.
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
    let mapping = crate::model::import_extras::FileMapping {
        columns,
        decimal_mark,
        currency,
        sheets,
    };
    let new = change
        .imports
        .map_columns(&change.who, &change.job, &mapping)
        .await?;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}
