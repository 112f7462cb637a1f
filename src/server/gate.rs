//! What stands before every route: who is there, and whether the request is the user's own.

use std::time::Duration;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use futures_util::StreamExt;

use super::{
    auth::{SIGN_IN, session},
    state::AppState,
};
use crate::api::ApiError;

/// The most bytes of a refused request that are read.
const MAX_UNWANTED: usize = 8 << 20;
/// How long they may take.
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(3);

/// What anybody may have: the sign-in page, what it calls, and the files that pages are made of.
fn is_public(path: &str) -> bool {
    matches!(
        path,
        SIGN_IN
            | "/api/sign_in"
            | "/api/sign_in_state"
            | "/api/create_owner"
            | "/favicon.ico"
            | "/favicon.svg"
            | "/health"
    ) || path.starts_with("/pkg/")
}

/// Finds who is signed in and lets only them go on; pages lead the others to the sign-in page.
pub(super) async fn require_session(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let user = match session::find_user(&state, request.headers()).await {
        Ok(user) => user,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let is_in = user.is_some();
    if let Some(user) = user {
        request.extensions_mut().insert(user);
    }
    if is_in || is_public(request.uri().path()) {
        return next.run(request).await;
    }
    let response = if wants_page(request.headers()) {
        to_sign_in(&request)
    } else if is_server_fn(request.uri().path()) {
        // In the form in which a server function's own errors reach the client.
        (StatusCode::UNAUTHORIZED, Json(ApiError::SignedOut)).into_response()
    } else {
        ApiError::SignedOut.into_response()
    };
    read_out(request).await;
    response
}

/// Reads what is left of a body that nobody wants, within limits: most clients come to the answer
/// only when they have sent all.
async fn read_out(request: Request) {
    let body = http_body_util::Limited::new(request.into_body(), MAX_UNWANTED);
    let mut chunks = http_body_util::BodyExt::into_data_stream(body);
    let read = async { while let Some(Ok(_)) = chunks.next().await {} };
    let _ = tokio::time::timeout(UNWANTED_TIMEOUT, read).await;
}

fn is_server_fn(path: &str) -> bool {
    path.strip_prefix("/api/")
        .is_some_and(|name| !name.contains('/'))
}

fn to_sign_in(request: &Request) -> Response {
    let back = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    if request.method() != Method::GET || back == "/" {
        return Redirect::to(SIGN_IN).into_response();
    }
    let next: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    Redirect::to(&format!("{SIGN_IN}?next={next}")).into_response()
}

/// Returns whether a browser is asking for a page, not a script for data.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Refuses to change anything at the word of another site (the browser says whose word it is, in
/// `Sec-Fetch-Site` or `Origin`). What has no browser's mark sends no cookies of itself.
pub(super) async fn require_same_origin(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if changes && !is_same_origin(&state, request.headers()) {
        let refused = ApiError::Invalid("This request came from another site.".to_owned());
        read_out(request).await;
        return (StatusCode::FORBIDDEN, refused).into_response();
    }
    next.run(request).await
}

fn is_same_origin(state: &AppState, headers: &HeaderMap) -> bool {
    let get = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = get(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = get(header::ORIGIN) else {
        return true;
    };
    let own_host = get(header::HOST).is_some_and(|host| {
        origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority == host)
    });
    own_host || origin == state.config.public_url.origin()
}

/// Adds what makes a browser careful.
pub(super) async fn careful(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
