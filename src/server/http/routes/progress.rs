//! Progress streams.

use std::convert::Infallible;

use axum::{
    Extension,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::Deserialize;

use super::rest::{Problem, answers::OfStream};
use crate::{
    i18n::messages::ErrorCode,
    model::{error::ApiError, job::JobId},
    server::{
        http::{connection::hijack::Hijack, last_event_id::last_event_id, state::AppState},
        identity::{client_address::ClientAddress, principal::Principal},
        relay::{Asking, Jobs, ProgressAnswer},
    },
};

/// Headers of event streams: no caching or buffering on the way.
pub(crate) const STREAM_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    ),
    (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    ),
];

/// Streams the progress of an import as Server-Sent Events, from its current state to its final one.
///
/// Each message is an object such as
/// `{"processedProducts":120,"failedProducts":3,"totalProducts":500,"status":"PENDING"}`. It has an `error` if the
/// import failed, and `"mode":"check"` if the import is a dry run. Events named `heartbeat` show that the
/// connection is alive.
#[utoipa::path(
    get,
    operation_id = "followImport",
    path = "/api/jobs/{id}/progress",
    params(
        ("id" = String, Path, description = "ID of the import"),
        ("last-event-id" = Option<String>, Header, description = "ID of the last event received"),
        ("lastEventId" = Option<String>, Query, description = "The same as the header, for clients that cannot set it"),
        ("last_event_id" = Option<String>, Query, description = "The same as `lastEventId`"),
    ),
    responses(
        (status = 200, description = "A stream of events", body = Object, content_type = "text/event-stream"),
        (status = 204, description = "The final state was already received"),
        (status = 404, description = "Import not found, or it belongs to another user", body = Problem),
        OfStream,
    )
)]
pub(crate) async fn job_progress(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    job: Result<Path<String>, PathRejection>,
    hijack: Option<Extension<Hijack>>,
    address: ClientAddress,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Path(job) = job.map_err(|_| ApiError::NotFound)?;
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    let last_event_id = last_event_id(&headers, &uri);
    let asking = Asking {
        address,
        last_event_id: last_event_id.as_deref(),
    };
    let answer = state.imports.open_stream(&who, &job, &asking).await?;
    Ok(event_stream(answer, hijack))
}

/// Which imports a stream follows.
#[derive(Deserialize)]
pub(crate) struct JobsQuery {
    /// Comma-separated IDs; all unfinished imports without it.
    ids: Option<String>,
    /// Whether to include all unfinished imports.
    #[serde(default)]
    unfinished: bool,
}

/// Streams the progress of many imports in one response.
///
/// Messages are those of the stream of one import, each with a `jobId`. With `ids`, the stream ends with an event
/// named `end` when all imports have ended. Without `ids`, it covers all unfinished imports, includes new ones as
/// they start, and does not end. An event named `not-found` names an import that does not exist.
#[utoipa::path(
    get,
    operation_id = "followImports",
    path = "/api/jobs/progress",
    params(
        ("ids" = Option<String>, Query, description = "Comma-separated IDs of imports; all unfinished imports without it"),
        ("unfinished" = Option<bool>, Query, description = "Whether to include all unfinished imports"),
        ("last-event-id" = Option<String>, Header, description = "ID of the last event received"),
        ("lastEventId" = Option<String>, Query, description = "The same as the header, for clients that cannot set it"),
        ("last_event_id" = Option<String>, Query, description = "The same as `lastEventId`"),
    ),
    responses(
        (status = 200, description = "A stream of events", body = Object, content_type = "text/event-stream"),
        (status = 204, description = "All final states were already received"),
        (status = 400, description = "More imports than one stream can follow", body = Problem),
        (status = 404, description = "None of the imports exist", body = Problem),
        OfStream,
    )
)]
pub(crate) async fn jobs_progress(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    query: Result<Query<JobsQuery>, QueryRejection>,
    hijack: Option<Extension<Hijack>>,
    address: ClientAddress,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let unreadable = |_| {
        ApiError::invalid(ErrorCode::NotABoolean {
            name: "unfinished".to_owned(),
        })
    };
    let Query(query) = query.map_err(unreadable)?;
    let ids = query.ids.as_deref();
    let jobs = Jobs {
        // A malformed ID cannot exist.
        listed: ids.map_or_else(Vec::new, |ids| {
            ids.split(',').filter_map(|id| id.parse().ok()).collect()
        }),
        unfinished: query.unfinished || ids.is_none(),
    };
    let last_event_id = last_event_id(&headers, &uri);
    let asking = Asking {
        address,
        last_event_id: last_event_id.as_deref(),
    };
    let answer = state.imports.open_many(&who, jobs, &asking).await?;
    Ok(event_stream(answer, hijack))
}

pub(super) fn event_stream(answer: ProgressAnswer, hijack: Option<Extension<Hijack>>) -> Response {
    let ProgressAnswer::Stream(stream) = answer else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let content_type = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    let mut headers: HeaderMap = STREAM_HEADERS.into_iter().chain([content_type]).collect();
    let body = match hijack {
        Some(Extension(hijack)) => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            hijack.into_body(Box::new(|socket| stream.write_to(socket)))
        }
        None => Body::from_stream(stream.into_stream().map(Ok::<_, Infallible>)),
    };
    (headers, body).into_response()
}
