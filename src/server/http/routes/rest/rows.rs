//! REST routes for the rows of an import: failed ones, and those with a note.

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Problem,
    answers::OfImport,
    imports::{Id, parsed},
    unreadable,
};
use crate::{
    model::{
        error::ApiError,
        import_extras::{ImportRow, RowKind},
    },
    server::{
        http::{routes::import_rows, state::AppState},
        identity::principal::Principal,
    },
};

/// Which rows to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedRows {
    /// Kind of the rows.
    #[serde(default)]
    #[param(inline, default = "failed")]
    kind: RowKind,
    /// Number of the page, from 1. A number past the last page returns the last page.
    #[serde(default = "super::imports_list::first")]
    #[param(default = 1, minimum = 1)]
    page: u64,
    /// Text in the SKU, column, value or reason.
    #[serde(default)]
    search: String,
}

/// A page of rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rows {
    /// Rows in the order of the file.
    items: Vec<ImportRow>,
    /// Number of this page, from 1.
    page: u64,
    /// Number of pages, at least 1.
    pages: u64,
    /// Number of rows on all pages. At most 100,000 rows of each kind but `failed` are kept.
    total: u64,
}

/// Lists rows of an import, 50 per page: failed rows, or those of another kind.
#[utoipa::path(
    get,
    operation_id = "listImportRows",
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
        items: rows.items,
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
    #[param(inline, default = "failed")]
    kind: RowKind,
}

/// Exports rows of an import as CSV. The file of failed rows can be corrected and imported.
#[utoipa::path(
    get,
    operation_id = "exportImportRows",
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
