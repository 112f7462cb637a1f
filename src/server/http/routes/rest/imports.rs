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

/// An import, in its newest known state, and what the price monitor says of its rows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportDetails {
    #[serde(flatten)]
    import: Import,
    /// What is said of its rows; null where the price monitor says nothing beyond the progress.
    details: Option<Details>,
}

/// What a price monitor says of an import beyond its progress.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    /// Rows of the file so far that are not blank: processed, failed and passed over.
    rows_read: u64,
    /// Products that were not there before.
    added_products: u64,
    /// Products that are not as before.
    updated_products: u64,
    /// Products that are as before.
    unchanged_products: u64,
    /// Products that are there no more.
    removed_products: u64,
    /// Rows that a later row of the file replaced. With the three above: the processed products.
    replaced_rows: u64,
    /// Rows that are no product.
    passed_over_rows: u64,
    /// How many of these there are, by reason.
    passed_over: BTreeMap<String, u64>,
    /// Values that were left out of rows that are in the shop.
    warnings: u64,
    /// How many imports go first, with this one, while it waits.
    queue_position: Option<u64>,
    /// Whether it waits because the disk is full.
    waits_for_room: bool,
    /// What has to be said of its file for it to go on: see its columns.
    #[schema(value_type = Option<Needs>)]
    needs: Option<Question>,
    /// Products that a check is about and that have changed since: 1,000 at most.
    changed_since: u64,
    /// Which products and values it writes.
    #[schema(value_type = Options)]
    options: ImportOptions,
    /// Products that are not in the file, where it is to hold all.
    missing_products: u64,
    /// Those of them that were marked as out of stock.
    marked_products: u64,
    /// The limit that it goes over.
    #[schema(value_type = Option<OverLimit>)]
    over_limit: Option<changes::OverLimit>,
    /// The import that it takes back.
    undoes: Option<String>,
    /// The last import that took it back, or is about to.
    undone_by: Option<String>,
    /// What can be done with it now.
    actions: Vec<String>,
}

/// Which products and values an import writes.
#[derive(ToSchema)]
#[allow(dead_code)] // only its description is used
struct Options {
    /// Which products its rows may write.
    products: super::WrittenProducts,
    /// Which values of products that are there it updates; all where it is empty.
    fields: Vec<super::changes::FieldName>,
    /// What becomes of products that are not in the file.
    missing: super::MissingProducts,
}

/// What a person or program has to say of a file.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[allow(dead_code)] // only its description is used
enum Needs {
    /// What its columns hold.
    Columns,
    /// What its prices have before their decimals.
    DecimalMark,
    /// Which of its sheets are to be read.
    Sheets,
    /// Whether it may change as much as it would: approve it, or cancel it.
    Approval,
}

/// The limit that an import goes over.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // only its description is used
struct OverLimit {
    /// `prices`: that many prices would move too far; `failed`: that many rows would fail; `missing`: that many
    /// products are not in the file.
    limit: String,
    /// How many.
    count: u64,
    /// Of how many.
    of: u64,
    /// Of prices: what is too far, in hundredths of a percent.
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

/// Gives one import.
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

/// Stops an import. It ends as `ERROR`; what is in the shop stays.
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

/// Lets an import go on that waits because it goes over a limit. To reject it, cancel it.
#[utoipa::path(
    post,
    path = "/api/imports/{id}/approve",
    params(("id" = String, Path, description = "ID of the import")),
    responses(
        (status = 202, description = "The import goes on"),
        (status = 400, description = "The import does not wait for approval", body = Problem),
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

/// Forgets an import that is over. Its products stay.
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

/// Imports the file of an import again, or for the first time after a check.
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

/// Imports the failed rows of an import again, or checks them again.
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

/// How an import is to be taken back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HowToUndo {
    /// Whether products are taken back, too, that later imports have changed. They are left alone otherwise, and
    /// listed as failed rows.
    everything: bool,
}

/// Takes an import back: gives the products that it changed the values that they had, and removes those that it
/// added. That is an import of its own, which can be cancelled and taken back like any other.
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
    /// What is said of them.
    #[serde(default)]
    #[param(inline, value_type = Kind, default = "failed")]
    kind: RowKind,
    /// The page, from 1. One past the last is the last.
    #[serde(default = "super::first")]
    #[param(default = 1, minimum = 1)]
    page: u64,
    /// What their SKU, column, value or reason holds.
    #[serde(default)]
    search: String,
}

/// What is said of rows.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[allow(dead_code)] // only its description is used
enum Kind {
    /// They failed.
    Failed,
    /// They are in the shop without a value that they hold.
    Warning,
    /// A later row of the file replaced them.
    Replaced,
    /// They are no product, or one that the import leaves alone.
    PassedOver,
    /// The file lacks these products.
    Missing,
}

/// One page of rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rows {
    /// The rows, in the file's order.
    items: Vec<Row>,
    /// Which page this is, from 1.
    page: u64,
    /// How many pages there are, at least 1.
    pages: u64,
    /// How many rows all pages have together: at most 100,000 of those that did not fail.
    total: u64,
}

/// A row of a file, and what is said of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// The line of the file on which it begins, from 1.
    line: u64,
    /// What it is called.
    sku: String,
    /// Why it failed or what was left out, in a sentence; of a row that was passed over, a word for the
    /// reason.
    reason: String,
    /// The reason as a code; null of a row that another service or an earlier version tells of.
    code: Option<String>,
    /// The values in it.
    #[schema(value_type = Object)]
    params: Params,
    /// The column that the reason is about.
    column: Option<String>,
    /// What that column holds.
    value: Option<String>,
    /// The line of the row that replaced it.
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

/// Lists rows of an import, 50 a page: those that failed, or those of which else is something to be said.
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

/// Which rows to give as a file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedFile {
    /// What is said of them.
    #[serde(default)]
    #[param(inline, value_type = Kind, default = "failed")]
    kind: RowKind,
}

/// Gives rows of an import as CSV. The list of failed rows imports as it is once it is corrected.
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

/// How a file begins, what its columns are taken for, and what else is or has to be said of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Columns {
    /// What the columns are called.
    header: Vec<String>,
    /// What the first rows hold.
    rows: Vec<Vec<String>>,
    /// What each column is taken for: a word, or null.
    columns: Vec<Option<String>>,
    /// What is said to be before the decimals of prices.
    decimal_mark: Option<String>,
    /// The currency that prices are said to be in.
    currency: Option<String>,
    /// The sheets that are said to be read.
    sheets: Vec<String>,
    /// Those that there are, where one has to be chosen.
    all_sheets: Vec<String>,
    /// What has to be said.
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

/// Says what the columns of an import's file are taken for.
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

/// What is said of a file. What is not said is told from the file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[derive(Default)]
pub(crate) struct SaidColumns {
    /// A word for each column, in their order; none, `""`, for one that does not matter. The words are those
    /// that `GET` gives, for example `sku`, `name`, `price`, `stock`.
    #[schema(example = json!(["sku", "name", "price"]))]
    columns: Vec<String>,
    /// What is before the decimals of prices: `comma` or `point`.
    decimal_mark: String,
    /// The currency of prices of which the file does not tell it, for example `EUR`.
    currency: String,
    /// The sheets that are to be read.
    sheets: Vec<String>,
}

/// Says what an import's file holds, and imports it so: the same import goes on where it waits for that, else
/// a new one begins. That is remembered for files with the same columns.
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
