//! REST routes for sources.

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

mod body;

use self::body::{RunsQuery, Source, SourceInput, SourceRun, SourceRuns, Sources};
use super::{
    Problem,
    answers::{ChangesSource, OfProgram, OfSource, Subject},
    unreadable,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        source::{LoginChange, WantedSource},
    },
    server::{http::state::AppState, identity::principal::Principal, sources::service::wanted_of},
};

#[derive(Debug)]
pub(crate) enum AmongSources {}

impl Subject for AmongSources {
    const MISSING: ErrorCode = ErrorCode::SourceNotFound;
}

type Refusal = super::answers::Refusal<AmongSources>;

type Id = Result<Path<String>, PathRejection>;

fn id_of(id: Id) -> Result<String, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::NotFound)?;
    Ok(id)
}

/// Lists your sources. Owners see everyone's.
#[utoipa::path(
    get,
    operation_id = "listSources",
    path = "/api/sources",
    responses(
        (status = 200, description = "The sources", body = Sources),
        (status = 503, description = "An external price monitor is in use, with which there are no sources", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
) -> Result<Json<Sources>, Refusal> {
    let sources = state.sources.list(&who).await?;
    Ok(Json(Sources {
        items: sources.into_iter().map(Source::from).collect(),
    }))
}

/// Creates a source.
#[utoipa::path(
    post,
    operation_id = "createSource",
    path = "/api/sources",
    request_body = SourceInput,
    responses(
        (status = 201, description = "The source", body = Source,
            headers(("location" = String, description = "URL of the source"))),
        (status = 400, description = "A value is not valid, or there are too many sources", body = Problem),
        (status = 413, description = "The request body is too large", body = Problem),
        (status = 503, description = "No encryption key is set for the login, or an external price monitor is in use", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    input: Result<Json<SourceInput>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(input) = input.map_err(|error| unreadable(error.body_text()))?;
    let new = WantedSource {
        login: LoginChange::None,
        enabled: true,
        ..WantedSource::default()
    };
    let source = state.sources.create(&who, &input.added_to(new)?).await?;
    let location = format!("/api/sources/{}", source.id);
    let body = Json(Source::from(source));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Returns a source.
#[utoipa::path(
    get,
    operation_id = "showSource",
    path = "/api/sources/{id}",
    params(("id" = String, Path, description = "ID of the source")),
    responses(
        (status = 200, description = "The source", body = Source),
        OfSource,
    )
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<Json<Source>, Refusal> {
    Ok(Json(state.sources.find(&who, &id_of(id)?).await?.into()))
}

/// Changes a source. If the URL or an import option changes, the next file is imported even if it is the same as
/// the last one.
#[utoipa::path(
    patch,
    operation_id = "changeSource",
    path = "/api/sources/{id}",
    params(("id" = String, Path, description = "ID of the source")),
    request_body = SourceInput,
    responses(
        (status = 200, description = "The source", body = Source),
        (status = 400, description = "A value is not valid", body = Problem),
        ChangesSource,
    )
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    input: Result<Json<SourceInput>, JsonRejection>,
) -> Result<Json<Source>, Refusal> {
    let Json(input) = input.map_err(|error| unreadable(error.body_text()))?;
    let id = id_of(id)?;
    let before = wanted_of(state.sources.find(&who, &id).await?);
    let wanted = input.added_to(before)?;
    Ok(Json(state.sources.change(&who, &id, &wanted).await?.into()))
}

/// Deletes a source and its runs. Imports stay.
#[utoipa::path(
    delete,
    operation_id = "deleteSource",
    path = "/api/sources/{id}",
    params(("id" = String, Path, description = "ID of the source")),
    responses(
        (status = 204, description = "The source was deleted"),
        ChangesSource,
    )
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, Refusal> {
    state.sources.delete(&who, &id_of(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs a source now, or as soon as its last import has ended.
#[utoipa::path(
    post,
    operation_id = "runSource",
    path = "/api/sources/{id}/run",
    params(("id" = String, Path, description = "ID of the source")),
    responses(
        (status = 202, description = "The run will start"),
        (status = 400, description = "The source takes uploads only", body = Problem),
        ChangesSource,
    )
)]
pub(crate) async fn run(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, Refusal> {
    state.sources.run_now(&who, &id_of(id)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lists the runs of a source, 50 per page. They are kept for `SOURCE_RUNS_RETENTION`.
#[utoipa::path(
    get,
    operation_id = "listSourceRuns",
    path = "/api/sources/{id}/runs",
    params(("id" = String, Path, description = "ID of the source"), RunsQuery),
    responses(
        (status = 200, description = "The runs", body = SourceRuns),
        (status = 400, description = "A parameter is not valid", body = Problem),
        OfSource,
    )
)]
pub(crate) async fn runs(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    wanted: Result<Query<RunsQuery>, QueryRejection>,
) -> Result<Json<SourceRuns>, Refusal> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let after = wanted.after.as_deref();
    let page = state.sources.runs(&who, &id_of(id)?, after).await?;
    Ok(Json(SourceRuns {
        items: page.items.into_iter().map(SourceRun::from).collect(),
        next: page.next,
    }))
}
