//! The routes.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension, Json, Router,
    body::{Body, to_bytes},
    extract::{
        DefaultBodyLimit, Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts,
        uri::PathAndQuery,
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use leptos::{
    config::LeptosOptions,
    prelude::{AnyView, provide_context, use_context},
    server_fn::axum::server_fn_paths,
};
use leptos_axum::{AxumRouteListing, LeptosRoutes};
use leptos_router::location::RequestUrl;
use tower_http::{compression::CompressionLayer, timeout::TimeoutLayer};

use futures_util::StreamExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;

use super::{last_event_id::last_event_id, mount::mount, state::AppState};
use crate::{
    model::{
        base_path::BasePath,
        error::ApiError,
        job::JobId,
        progress::JobsPerStream,
        session::PROVIDER_PATH,
        upload::{ADDRESS_PATH, UPLOAD_PATH},
    },
    server::{
        auth::{oidc, sign_in_elsewhere},
        http::{
            connection::hijack::Hijack,
            middleware::{
                authorize, client_address, cross_origin, hosts, observe, reactive_owner,
                security_headers,
            },
            routes::{
                import_rows,
                rest::{self, changes, controls, products},
                uploads::{receive, resumable},
                watch,
            },
        },
        identity::{client_address::ClientAddress, principal::Principal},
        relay::{Asking, Jobs, ProgressAnswer},
        site,
    },
};

/// The most bytes of a request's body, but for uploads.
pub(crate) const MAX_BODY: usize = 64 << 10;

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

/// The pages, which are no part of the server: their routes, and what renders one.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// Lists their routes.
    pub routes: fn() -> Vec<AxumRouteListing>,
    /// Renders the document around a page.
    pub shell: fn(LeptosOptions) -> AnyView,
}

/// How long a request may take, but for uploads and streams.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The routes beside pages, server functions and those of the watchers. There are no others: who may
/// have each is in [`access::RULES`](crate::server::http::middleware::access::RULES).
fn own() -> Vec<(&'static str, &'static str, MethodRouter<AppState>)> {
    let unlimited = DefaultBodyLimit::disable;
    let mut routes = vec![
        ("GET", "/api/imports", get(rest::list).layer(quick())),
        (
            "POST",
            "/api/imports",
            post(rest::create).layer(unlimited()),
        ),
        (
            "GET",
            "/api/imports/{id}",
            get(controls::show).layer(quick()),
        ),
        (
            "DELETE",
            "/api/imports/{id}",
            small(delete(controls::delete)),
        ),
        (
            "POST",
            "/api/imports/{id}/again",
            small(post(controls::again)),
        ),
        (
            "POST",
            "/api/imports/{id}/cancel",
            small(post(controls::cancel)),
        ),
        (
            "GET",
            "/api/imports/{id}/changes",
            get(changes::list).layer(quick()),
        ),
        (
            "GET",
            "/api/imports/{id}/changes.csv",
            get(changes::file).layer(quick()),
        ),
        (
            "GET",
            "/api/imports/{id}/columns",
            get(controls::columns).layer(quick()),
        ),
        (
            "POST",
            "/api/imports/{id}/columns",
            small(post(controls::map_columns)),
        ),
        (
            "POST",
            "/api/imports/{id}/retry",
            small(post(controls::retry)),
        ),
        (
            "GET",
            "/api/imports/{id}/rows",
            get(controls::rows).layer(quick()),
        ),
        (
            "GET",
            "/api/imports/{id}/rows.csv",
            get(controls::rows_file).layer(quick()),
        ),
        ("GET", "/api/products", get(products::list).layer(quick())),
        (
            "GET",
            "/api/products.csv",
            get(products::export).layer(quick()),
        ),
        (
            "GET",
            "/api/products/{id}/history",
            get(products::history).layer(quick()),
        ),
        // Of a stream its opening, not the stream.
        (
            "GET",
            "/api/jobs/progress",
            get(jobs_progress).layer(quick()),
        ),
        (
            "GET",
            "/api/jobs/{job}/progress",
            get(job_progress).layer(quick()),
        ),
        (
            "GET",
            "/api/openapi.json",
            get(rest::openapi).layer(quick()),
        ),
        (
            "GET",
            "/imports/{job}/changes.csv",
            get(changes::file_for_person).layer(quick()),
        ),
        (
            "GET",
            "/imports/{job}/failed-rows.csv",
            get(import_rows::failed_rows_file).layer(quick()),
        ),
        (
            "GET",
            "/imports/{job}/rows.csv",
            get(import_rows::noted_rows_file).layer(quick()),
        ),
        (
            "GET",
            PROVIDER_PATH,
            get(sign_in_elsewhere::depart).layer(quick()),
        ),
        (
            "GET",
            oidc::CALLBACK,
            get(sign_in_elsewhere::arrive).layer(quick()),
        ),
        (
            "POST",
            UPLOAD_PATH,
            post(receive::upload).layer(unlimited()),
        ),
        ("POST", ADDRESS_PATH, post(receive::fetch)),
    ];
    routes.extend(resumable::routes());
    routes
}

/// Has a route answer soon, and take no more than a small body.
fn small(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route
        .layer::<_, Infallible>(middleware::from_fn(small_body))
        .layer(quick())
}

pub(crate) fn quick() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT)
}

/// Lists every route that there is, by its method and path.
#[must_use]
pub fn routes(pages: Pages) -> Vec<(String, String)> {
    let pages = (pages.routes)();
    let pages = pages.iter().flat_map(|page| {
        let path = page.path().to_owned();
        let methods: Vec<_> = page.methods().collect();
        methods
            .into_iter()
            .map(move |method| (format!("{method:?}").to_uppercase(), path.clone()))
    });
    let functions = server_fn_paths().map(|(path, method)| (method.to_string(), path.to_owned()));
    let own = own()
        .into_iter()
        .map(|(method, path, _)| (method.to_owned(), path.to_owned()));
    let watchers = watch::PATHS.map(|path| ("GET".to_owned(), path.to_owned()));
    pages.chain(functions).chain(own).chain(watchers).collect()
}

/// Puts the app together.
pub fn router(state: AppState, pages: Pages) -> Router {
    let shell = pages.shell;
    let context = {
        let state = state.clone();
        let program = site::program(&state.leptos);
        move || {
            provide_context(state.clone());
            provide_context(state.auth.clone());
            provide_context(state.imports.clone());
            provide_context(program());
            provide_context(JobsPerStream(state.config.sse.max_jobs));
            provide_base_path(state.config.public_url.base());
            security_headers::set_page_policy();
        }
    };
    let pages = Router::new()
        .leptos_routes_with_context(&state, (pages.routes)(), context.clone(), {
            let options = state.leptos.clone();
            move || shell(options.clone())
        })
        .merge(site::routes(&state.leptos))
        .fallback(leptos_axum::file_and_error_handler_with_context::<
            AppState,
            _,
        >(context, shell))
        .layer(middleware::from_fn(server_fn_status))
        .layer(middleware::from_fn(small_body))
        .layer(quick())
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(reactive_owner::separate));
    let own = own()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| {
            router.route(path, handler)
        })
        .layer(resumable::parts(&state));
    let watchers = watch::routes(state.clone());
    let metrics = state.metrics.clone();
    let base = state.config.public_url.base().clone();
    let app = Router::new()
        .merge(pages)
        .merge(own)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            authorize::require_access,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            authorize::require_same_origin,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            client_address::find,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            hosts::require_ours,
        ))
        .with_state(state.clone());
    let app = match cross_origin::layer(&state.config.cors_origins) {
        Some(layer) => app.layer(middleware::from_fn_with_state(layer, cross_origin::allow)),
        None => app,
    };
    let app = app
        .merge(watchers.layer(quick()))
        .layer(middleware::from_fn_with_state(
            state,
            security_headers::careful,
        ));
    mount(observe::observed(app, metrics), &base)
}

/// Tells a page where it is: the path that the browser asked for, of which only the app's part has come here.
fn provide_base_path(base: &BasePath) {
    if let Some(parts) = use_context::<Parts>() {
        let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        // As leptos_axum has it, which knows no host either.
        let url = format!("http://leptos.dev{}", base.address(path));
        provide_context(RequestUrl::new(&url));
    }
    provide_context(base.clone());
}

/// `GET /api/jobs/{jobId}/progress` (CONTRACT section 4).
async fn job_progress(
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

/// What a stream of many jobs is asked for.
#[derive(Deserialize)]
struct JobsQuery {
    /// Their identifiers, with commas between them; none means all unfinished ones.
    ids: Option<String>,
    /// Whether all unfinished ones are wanted besides.
    #[serde(default)]
    unfinished: bool,
}

/// `GET /api/jobs/progress?ids=a,b,c`
async fn jobs_progress(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    query: Result<Query<JobsQuery>, QueryRejection>,
    hijack: Option<Extension<Hijack>>,
    address: ClientAddress,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let unreadable = |_| ApiError::Invalid("`unfinished` must be true or false.".to_owned());
    let Query(query) = query.map_err(unreadable)?;
    let ids = query.ids.as_deref();
    let jobs = Jobs {
        // What cannot be an identifier cannot be there either.
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

fn event_stream(answer: ProgressAnswer, hijack: Option<Extension<Hijack>>) -> Response {
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

/// Reads the body, which is small where it is no upload. Server functions would read one of any length.
async fn small_body(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > MAX_BODY) {
        authorize::read_out(request).await;
        return too_large();
    }
    let (parts, body) = request.into_parts();
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let body = Body::from(body.to_bytes());
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) if error.is::<LengthLimitError>() => too_large(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn too_large() -> Response {
    let error = ApiError::Invalid("The request is too large.".to_owned());
    (StatusCode::PAYLOAD_TOO_LARGE, Json(error)).into_response()
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
