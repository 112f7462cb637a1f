//! REST routes for imports.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Import, Problem, Started,
    answers::{BeginsImport, ChangesImport, OfImport},
    started, unreadable,
};
use crate::{
    i18n::messages::Params,
    model::{
        audit::AuditAction,
        changes,
        error::ApiError,
        import_extras::{FileColumns, ImportExtras, ImportRow, RowKind, SaidOfFile},
        import_options::ImportOptions,
        job::{ImportMode, JobId, Question},
    },
    server::{
        auth::audit,
        http::{routes::import_rows, state::AppState},
        identity::{job_scope::ChangeableJob, principal::Principal},
        relay::Rerun,
    },
};

/// An import in its newest known state, with what the price monitor reports about its rows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportDetails {
    #[serde(flatten)]
    import: Import,
    /// Details; null if the price monitor reports only progress.
    details: Option<Details>,
}

/// What the price monitor reports about an import beyond its progress.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    /// Rows read so far, without blank ones: imported, failed, replaced and skipped.
    rows_read: u64,
    /// Number of new products.
    added_products: u64,
    /// Number of existing products with changed values.
    updated_products: u64,
    /// Number of existing products without changes.
    unchanged_products: u64,
    /// Number of removed products.
    removed_products: u64,
    /// Rows replaced by a later row for the same product. Processed products are the added, updated and unchanged
    /// ones and these rows.
    replaced_rows: u64,
    /// Skipped rows: those that are not products, or that the import may not write.
    passed_over_rows: u64,
    /// Number of skipped rows by reason.
    passed_over: BTreeMap<String, u64>,
    /// Values that were left out of imported rows.
    warnings: u64,
    /// Position in the queue, from 1, while the import waits.
    queue_position: Option<u64>,
    /// Whether it waits because the disk is full.
    waits_for_room: bool,
    /// What has to be decided before the import can continue; see `/columns`, or approve it.
    #[schema(value_type = Option<Needs>)]
    needs: Option<Question>,
    /// Products that have changed since this dry run, or since the import began to wait for approval; at most 1,000.
    changed_since: u64,
    /// Which products and values the import writes.
    #[schema(value_type = Options)]
    options: ImportOptions,
    /// Products that are not in the file, if the file has to contain all products.
    missing_products: u64,
    /// Those of them that were marked as out of stock.
    marked_products: u64,
    /// The limit that the import exceeds.
    #[schema(value_type = Option<OverLimit>)]
    over_limit: Option<changes::OverLimit>,
    /// ID of the import that this one undoes.
    undoes: Option<String>,
    /// ID of the last import that undid this one, or will.
    undone_by: Option<String>,
    /// Actions that are possible now.
    actions: Vec<String>,
}

/// Which products and values an import writes.
#[derive(ToSchema)]
#[allow(dead_code)] // only its description is used
struct Options {
    /// Products that the import may write.
    products: super::WrittenProducts,
    /// Values that it updates in existing products; empty for all.
    fields: Vec<super::changes::FieldName>,
    /// What it does with products that are not in the file.
    missing: super::MissingProducts,
}

/// A decision that an import waits for.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[allow(dead_code)] // only its description is used
enum Needs {
    /// What the columns mean.
    Columns,
    /// Whether a comma or a point separates the decimals of prices.
    DecimalMark,
    /// Which sheets to import.
    Sheets,
    /// Whether to approve an import that exceeds a limit.
    Approval,
}

/// The limit that an import exceeds.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // only its description is used
struct OverLimit {
    /// `prices`: too many prices change too far. `failed`: too many rows fail. `missing`: too many products are not
    /// in the file.
    limit: String,
    /// Number of prices, rows or products that exceed the limit.
    count: u64,
    /// Number that `count` is compared with.
    of: u64,
    /// For `prices`: the change that is too far, in hundredths of a percent.
    by: Option<i64>,
}

impl From<ImportExtras> for Details {
    fn from(extras: ImportExtras) -> Self {
        Self {
            rows_read: extras.rows_read,
            added_products: extras.added_products,
            updated_products: extras.updated_products,
            unchanged_products: extras.unchanged_products,
            removed_products: extras.removed_products,
            replaced_rows: extras.replaced_rows,
            passed_over_rows: extras.passed_over_rows,
            passed_over: extras.passed_over,
            warnings: extras.warnings,
            queue_position: extras.queue_position,
            waits_for_room: extras.waits_for_room,
            needs: extras.needs,
            changed_since: extras.changed_since,
            options: extras.options,
            missing_products: extras.missing_products,
            marked_products: extras.marked_products,
            over_limit: extras.over_limit,
            undoes: extras.undoes,
            undone_by: extras.undone_by,
            actions: extras.actions,
        }
    }
}

pub(super) type Id = Result<Path<String>, PathRejection>;

pub(super) fn parsed(id: Id) -> Result<JobId, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::NotFound)?;
    id.parse().map_err(|_| ApiError::NotFound)
}

/// Returns an import.
#[utoipa::path(
    get,
    path = "/api/imports/{id}",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 200, description = "The import", body = ImportDetails),
        OfImport,
    )
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<Json<ImportDetails>, ApiError> {
    let job = state.imports.find_visible(&who, &parsed(id)?).await?;
    let details = state.relay.extras(&job).await.map(Details::from);
    let job = crate::model::job::ProductImportJob::from(job);
    Ok(Json(ImportDetails {
        import: job.into(),
        details,
    }))
}

pub(super) async fn find_changeable(
    state: &AppState,
    who: &Principal,
    id: Id,
) -> Result<ChangeableJob, ApiError> {
    state.imports.find_changeable(who, &parsed(id)?).await
}

async fn note(state: &AppState, who: &Principal, job: &ChangeableJob, action: AuditAction) {
    let subject = format!("{} ({})", job.filename, job.id);
    audit::record_by(&state.store, who, action, &subject).await;
}

/// Cancels an import. It ends with status `ERROR`; products that were already imported stay.
#[utoipa::path(
    post,
    path = "/api/imports/{id}/cancel",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 202, description = "The import is being cancelled"),
        (status = 400, description = "The import has already finished", body = Problem),
        ChangesImport,
    )
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, ApiError> {
    let job = find_changeable(&state, &who, id).await?;
    state.imports.cancel(&who.user.id, &job).await?;
    note(&state, &who, &job, AuditAction::ImportCancelled).await;
    Ok(StatusCode::ACCEPTED)
}

/// Approves an import that exceeds a limit, so that it continues. To reject it, cancel it.
#[utoipa::path(
    post,
    path = "/api/imports/{id}/approve",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 202, description = "The import continues"),
        (status = 400, description = "The import is not waiting for approval", body = Problem),
        ChangesImport,
    )
)]
pub(crate) async fn approve(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, ApiError> {
    let job = find_changeable(&state, &who, id).await?;
    state.imports.approve(&who.user.id, &job).await?;
    note(&state, &who, &job, AuditAction::ImportApproved).await;
    Ok(StatusCode::ACCEPTED)
}

/// Deletes a finished import. Its products stay.
#[utoipa::path(
    delete,
    path = "/api/imports/{id}",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 204, description = "The import was deleted"),
        (status = 400, description = "The import is still running", body = Problem),
        ChangesImport,
    )
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, ApiError> {
    let job = find_changeable(&state, &who, id).await?;
    state.imports.forget(&job).await?;
    note(&state, &who, &job, AuditAction::ImportDeleted).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Imports the file of an import again. After a dry run, this imports the file.
#[utoipa::path(
    post,
    path = "/api/imports/{id}/again",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 201, description = "The new import has started", body = Started,
            headers(("location" = String, description = "URL of the new import"))),
        (status = 400, description = "The import is still running, or its file is no longer stored", body = Problem),
        BeginsImport,
    )
)]
pub(crate) async fn again(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<Response, ApiError> {
    rerun(&state, &who, id, Rerun::Again).await
}

/// Imports the failed rows of an import again. After a dry run, this checks them again.
#[utoipa::path(
    post,
    path = "/api/imports/{id}/retry",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 201, description = "The new import has started", body = Started,
            headers(("location" = String, description = "URL of the new import"))),
        (status = 400, description = "The import is still running, or has no failed rows", body = Problem),
        BeginsImport,
    )
)]
pub(crate) async fn retry(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<Response, ApiError> {
    rerun(&state, &who, id, Rerun::Retry).await
}

/// How to undo an import.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HowToUndo {
    /// Whether to undo changes to products that later imports have changed as well. Otherwise these products are
    /// left unchanged and listed as failed rows.
    everything: bool,
}

/// Undoes an import: restores the previous values of the products it changed, and removes the products it added.
/// This starts a new import, which can be cancelled and undone like any other.
#[utoipa::path(
    post,
    path = "/api/imports/{id}/undo",
    params(("id" = String, Path, description = "ID of the import"), HowToUndo),
    responses(
        (status = 201, description = "The new import has started", body = Started,
            headers(("location" = String, description = "URL of the new import"))),
        (status = 400, description = "The import is still running, changed nothing, or its changes are no longer stored", body = Problem),
        BeginsImport,
    )
)]
pub(crate) async fn undo(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    how: Result<Query<HowToUndo>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(how) = how.map_err(|error| unreadable(error.body_text()))?;
    let everything = how.everything;
    rerun(&state, &who, id, Rerun::Undo { everything }).await
}

async fn rerun(
    state: &AppState,
    who: &Principal,
    id: Id,
    what: Rerun,
) -> Result<Response, ApiError> {
    let job = find_changeable(state, who, id).await?;
    let new = state.imports.rerun(&who.user, &job, what).await?;
    note(state, who, &job, what.action()).await;
    let mode = match what {
        Rerun::Again | Rerun::Undo { .. } => ImportMode::Import,
        Rerun::Retry => job.mode,
    };
    Ok(started(new, mode))
}

/// Which rows to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedRows {
    /// Kind of the rows.
    #[serde(default)]
    #[param(inline, value_type = Kind, default = "failed")]
    kind: RowKind,
    /// Number of the page, from 1. A number past the last page returns the last page.
    #[serde(default = "super::first")]
    #[param(default = 1, minimum = 1)]
    page: u64,
    /// Text in the SKU, column, value or reason.
    #[serde(default)]
    search: String,
}

/// Kind of a row.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[allow(dead_code)] // only its description is used
enum Kind {
    /// Rows that could not be imported.
    Failed,
    /// Imported rows with a value that was left out.
    Warning,
    /// Rows replaced by a later row for the same product.
    Replaced,
    /// Skipped rows: those that are not products, or that the import may not write.
    PassedOver,
    /// Products that are not in the file.
    Missing,
}

/// A page of rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rows {
    /// Rows in the order of the file.
    items: Vec<Row>,
    /// Number of this page, from 1.
    page: u64,
    /// Number of pages, at least 1.
    pages: u64,
    /// Number of rows on all pages. At most 100,000 rows of each kind but `failed` are kept.
    total: u64,
}

/// A row of a file and the reason it is listed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// Line of the file where the row starts, from 1.
    line: u64,
    /// SKU of the product.
    sku: String,
    /// Why the row failed or what was left out, as a sentence; for a skipped row, a word for the reason.
    reason: String,
    /// Code of the reason; null for rows reported by an external price monitor or an earlier version.
    code: Option<String>,
    /// Parameters of the code.
    #[schema(value_type = Object)]
    params: Params,
    /// Column that the reason is about.
    column: Option<String>,
    /// Value in that column.
    value: Option<String>,
    /// Line of the row that replaced it.
    by_line: Option<u64>,
}

impl From<ImportRow> for Row {
    fn from(row: ImportRow) -> Self {
        let ImportRow {
            line,
            sku,
            reason,
            code,
            params,
            column,
            value,
            by_line,
        } = row;
        Self {
            line,
            sku,
            reason,
            code,
            params,
            column,
            value,
            by_line,
        }
    }
}

/// Lists rows of an import, 50 per page: failed rows, or those of another kind.
#[utoipa::path(
    get,
    path = "/api/imports/{id}/rows",
    params(("id" = String, Path, description = "ID of the import"), WantedRows),
    responses(
        (status = 200, description = "The rows", body = Rows),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "The price monitor cannot be reached or doesn't support this", body = Problem),
        OfImport,
    )
)]
pub(crate) async fn rows(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    wanted: Result<Query<WantedRows>, QueryRejection>,
) -> Result<Json<Rows>, ApiError> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let job = state.imports.find_visible(&who, &parsed(id)?).await?;
    let search = wanted.search.trim();
    let rows = state
        .relay
        .rows(&job, wanted.kind, wanted.page, search)
        .await?;
    Ok(Json(Rows {
        items: rows.items.into_iter().map(Row::from).collect(),
        page: rows.page,
        pages: rows.pages,
        total: rows.total,
    }))
}

/// Which rows to export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedFile {
    /// Kind of the rows.
    #[serde(default)]
    #[param(inline, value_type = Kind, default = "failed")]
    kind: RowKind,
}

/// Exports rows of an import as CSV. The file of failed rows can be corrected and imported.
#[utoipa::path(
    get,
    path = "/api/imports/{id}/rows.csv",
    params(("id" = String, Path, description = "ID of the import"), WantedFile),
    responses(
        (status = 200, description = "The rows", body = String, content_type = "text/csv"),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "The price monitor cannot be reached or doesn't support this", body = Problem),
        OfImport,
    )
)]
pub(crate) async fn rows_file(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    wanted: Result<Query<WantedFile>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    import_rows::rows_file(&state, &who, &parsed(id)?, wanted.kind, &headers).await
}

/// First rows of a file, with the column mapping in use.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Columns {
    /// Column names.
    header: Vec<String>,
    /// First rows.
    rows: Vec<Vec<String>>,
    /// Field for each column; null for a column that is not imported.
    columns: Vec<Option<String>>,
    /// Decimal mark of prices, if one was chosen: `comma` or `point`.
    decimal_mark: Option<String>,
    /// Currency of prices, if one was chosen.
    currency: Option<String>,
    /// Sheets to import, if some were chosen.
    sheets: Vec<String>,
    /// Sheets to choose from, if a choice is required.
    all_sheets: Vec<String>,
    /// What has to be decided before the import can continue.
    #[schema(value_type = Option<Needs>)]
    needs: Option<Question>,
}

impl From<FileColumns> for Columns {
    fn from(file: FileColumns) -> Self {
        Self {
            header: file.header,
            rows: file.rows,
            columns: file.columns,
            decimal_mark: file.decimal_mark,
            currency: file.currency,
            sheets: file.sheets,
            all_sheets: file.all_sheets,
            needs: file.needs,
        }
    }
}

/// Returns the first rows of an import's file and its column mapping.
#[utoipa::path(
    get,
    path = "/api/imports/{id}/columns",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 200, description = "The columns", body = Columns),
        (status = 400, description = "The file cannot be read or is no longer stored", body = Problem),
        (status = 503, description = "The price monitor cannot be reached or doesn't support this", body = Problem),
        OfImport,
    )
)]
pub(crate) async fn columns(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<Json<Columns>, ApiError> {
    let job = state.imports.find_visible(&who, &parsed(id)?).await?;
    Ok(Json(state.relay.columns(&job).await?.into()))
}

/// A column mapping. What is left out is detected from the file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[derive(Default)]
pub(crate) struct SaidColumns {
    /// Field for each column, in order; none or `""` for a column to leave out. Fields are those that `GET`
    /// returns, for example `sku`, `name`, `price`, `stock`.
    #[schema(example = json!(["sku", "name", "price"]))]
    columns: Vec<String>,
    /// Decimal mark of prices: `comma` or `point`.
    decimal_mark: String,
    /// Currency of prices for which the file names none, for example `EUR`.
    currency: String,
    /// Sheets to import.
    sheets: Vec<String>,
}

/// Sets the column mapping of an import's file and imports it. An import that waits for the mapping continues;
/// otherwise a new import starts. The mapping is used again for files with the same columns.
#[utoipa::path(
    post,
    path = "/api/imports/{id}/columns",
    params(("id" = String, Path, description = "ID of the import")),
    request_body = SaidColumns,
    responses(
        (status = 201, description = "The import has started", body = Started,
            headers(("location" = String, description = "URL of the import"))),
        (status = 400, description = "The column mapping is not valid, or the file is no longer stored", body = Problem),
        BeginsImport,
    )
)]
pub(crate) async fn map_columns(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    said: Result<Json<SaidColumns>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(said) = said.map_err(|error| unreadable(error.body_text()))?;
    let said = SaidOfFile {
        columns: said.columns,
        decimal_mark: said.decimal_mark,
        currency: said.currency,
        sheets: said.sheets,
    };
    let job = find_changeable(&state, &who, id).await?;
    let new = state.imports.map_columns(&who.user, &job, &said).await?;
    note(&state, &who, &job, AuditAction::ImportRetried).await;
    Ok(started(new, job.mode))
}
