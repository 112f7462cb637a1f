//! Rows of an import as a file.

use super::{Route, quick};
use crate::{
    model::role::Permission::SeeImports, server::http::middleware::access::Access::Person,
};
use axum::routing::get;
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use serde::Deserialize;

use crate::{
    model::{error::ApiError, import_extras::RowKind, job::JobId},
    server::{
        http::{csv_injection::CsvEscaping, middleware::language, state::AppState},
        identity::principal::Principal,
    },
};

pub(super) const ROUTES: &[Route] = &[
    Route::rest(
        "GET",
        "/imports/{job}/failed-rows.csv",
        Person(SeeImports),
        || get(failed_rows_file).layer(quick()),
    ),
    Route::rest("GET", "/imports/{job}/rows.csv", Person(SeeImports), || {
        get(noted_rows_file).layer(quick())
    }),
];

/// `GET /imports/{job}/failed-rows.csv`: the failed rows, as a file to correct and import.
pub(crate) async fn failed_rows_file(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    rows_file(&state, &who, &job, RowKind::Failed, &headers).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct RowsQuery {
    kind: RowKind,
}

/// `GET /imports/{job}/rows.csv?kind=`: rows of a kind with their notes.
pub(crate) async fn noted_rows_file(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(job): Path<String>,
    query: Result<Query<RowsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|_| ApiError::NotFound)?;
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    rows_file(&state, &who, &job, query.kind, &headers).await
}

/// Reasons are in the language of the request.
pub(crate) async fn rows_file(
    state: &AppState,
    who: &Principal,
    job: &JobId,
    kind: RowKind,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let job = state.imports.find_visible(who, job).await?;
    let rows = state
        .relay
        .rows_file(&job, kind, language::of_headers(headers))
        .await?;
    // The embedded service's list of failed rows is already escaped, in a form that its reader reverts.
    let is_harmless = state.has_products() && kind == RowKind::Failed;
    let mut escaping = (!is_harmless).then(CsvEscaping::default);
    let rows = rows.map_ok(move |chunk| match &mut escaping {
        Some(escaping) => escaping.next(&chunk),
        None => chunk,
    });
    let disposition = format!("attachment; filename=\"{}-rows.csv\"", kind.as_str());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(rows)).into_response())
}
