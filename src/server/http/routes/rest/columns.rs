//! REST routes for the column mapping of an import's file.

use axum::{
    Extension, Json,
    extract::{State, rejection::JsonRejection},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Problem,
    answers::{BeginsImport, OfImport},
    imports::{Id, Needs, find_changeable, parsed},
    new_import::{Started, started},
    unreadable,
};
use crate::{
    model::{
        error::ApiError,
        import_extras::{FileColumns, FileMapping},
        job::Question,
    },
    server::{http::state::AppState, identity::principal::Principal},
};

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
    operation_id = "showColumns",
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
pub(crate) struct ColumnMapping {
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
    operation_id = "mapColumns",
    path = "/api/imports/{id}/columns",
    params(("id" = String, Path, description = "ID of the import")),
    request_body = ColumnMapping,
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
    mapping: Result<Json<ColumnMapping>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(mapping) = mapping.map_err(|error| unreadable(error.body_text()))?;
    let mapping = FileMapping {
        columns: mapping.columns,
        decimal_mark: mapping.decimal_mark,
        currency: mapping.currency,
        sheets: mapping.sheets,
    };
    let job = find_changeable(&state, &who, id).await?;
    let new = state.imports.map_columns(&who, &job, &mapping).await?;
    Ok(started(new, job.mode))
}
