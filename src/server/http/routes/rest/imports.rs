//! REST routes for imports.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Problem,
    answers::{BeginsImport, ChangesImport, OfImport},
    imports_list::Import,
    new_import::{Started, started},
    unreadable,
};
use crate::{
    model::{
        changes,
        error::ApiError,
        import_extras::ImportExtras,
        import_options::{ImportOptions, MissingProducts, WrittenProducts},
        job::{ImportMode, JobId, Question},
    },
    server::{
        http::state::AppState,
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
    products: WrittenProducts,
    /// Values that it updates in existing products; empty for all.
    fields: Vec<changes::Field>,
    /// What it does with products that are not in the file.
    missing: MissingProducts,
}

/// A decision that an import waits for.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[allow(dead_code)] // only its description is used
pub(super) enum Needs {
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
    operation_id = "showImport",
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

/// Cancels an import. It ends with status `ERROR`; products that were already imported stay.
#[utoipa::path(
    post,
    operation_id = "cancelImport",
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
    state.imports.cancel(&who, &job).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Approves an import that exceeds a limit, so that it continues. To reject it, cancel it.
#[utoipa::path(
    post,
    operation_id = "approveImport",
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
    state.imports.approve(&who, &job).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Deletes a finished import. Its products stay.
#[utoipa::path(
    delete,
    operation_id = "deleteImport",
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
    state.imports.forget(&who, &job).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Imports the file of an import again. After a dry run, this imports the file.
#[utoipa::path(
    post,
    operation_id = "repeatImport",
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
    operation_id = "retryImport",
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
    operation_id = "undoImport",
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
    let new = state.imports.rerun(who, &job, what).await?;
    let mode = match what {
        Rerun::Again | Rerun::Undo { .. } => ImportMode::Import,
        Rerun::Retry => job.mode,
    };
    Ok(started(new, mode))
}
