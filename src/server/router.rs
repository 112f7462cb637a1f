//! The routes.

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower_http::{
    compression::CompressionLayer, services::ServeDir, set_header::SetResponseHeaderLayer,
};

use super::{gate, relay::ProgressAnswer, state::AppState, store::users::User, upload};
use crate::{
    api::{ApiError, imports::UPLOAD_PATH},
    app::{App, shell},
    job::JobId,
};

/// The most bytes of a request's body, but for uploads.
const MAX_BODY: usize = 64 << 10;

/// Headers of every event stream: nothing on the way may keep it back.
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

/// Puts the app together.
pub fn router(state: AppState) -> Router {
    let pages = Router::new()
        .leptos_routes_with_context(
            &state,
            generate_route_list(App),
            {
                let state = state.clone();
                move || provide_context(state.clone())
            },
            {
                let options = state.leptos.clone();
                move || shell(options.clone())
            },
        )
        .nest("/pkg", assets(&state))
        .fallback(leptos_axum::file_and_error_handler_with_context::<
            AppState,
            _,
        >(
            {
                let state = state.clone();
                move || provide_context(state.clone())
            },
            shell,
        ))
        .layer(middleware::from_fn(server_fn_status))
        .layer(CompressionLayer::new());
    let uploads = Router::new()
        .route(UPLOAD_PATH, post(upload::upload))
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/api/jobs/{job}/progress", get(job_progress))
        .route("/health", get(health))
        .merge(pages.layer(DefaultBodyLimit::max(MAX_BODY)))
        .merge(uploads)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            gate::require_session,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            gate::require_same_origin,
        ))
        .layer(middleware::from_fn(gate::careful))
        .with_state(state)
}

/// The compiled assets. Their names carry a hash of what is in them, so they never change.
fn assets(state: &AppState) -> Router<AppState> {
    let directory = std::path::Path::new(&*state.leptos.site_root).join("pkg");
    let cache = if state.leptos.hash_files {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    Router::new()
        .fallback_service(
            ServeDir::new(directory)
                .precompressed_br()
                .precompressed_gzip(),
        )
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static(cache),
        ))
}

/// `GET /api/jobs/{jobId}/progress` (CONTRACT section 4).
async fn job_progress(
    State(state): State<AppState>,
    Extension(user): Extension<User>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    let last_event_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let answer = state.relay.open_stream(&user, &job, last_event_id).await?;
    let ProgressAnswer::Stream(stream) = answer else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    use futures_util::StreamExt;
    let body = Body::from_stream(stream.map(Ok::<_, std::convert::Infallible>));
    let content_type = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    let headers: HeaderMap = STREAM_HEADERS.into_iter().chain([content_type]).collect();
    Ok((headers, body).into_response())
}

async fn health(State(state): State<AppState>) -> StatusCode {
    match state.store.ping().await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Gives a server function's error the HTTP status that goes with it; of itself it is always 500.
async fn server_fn_status(request: Request, next: Next) -> Response {
    let is_server_fn = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    if !is_server_fn || response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Ok(error) = serde_json::from_slice::<ApiError>(&body) {
        parts.status = error.status_code();
    }
    Response::from_parts(parts, Body::from(body))
}
