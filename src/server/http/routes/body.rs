//! Size limits of requests.

use std::convert::Infallible;

use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::quick;
use crate::{
    i18n::messages::ErrorCode,
    model::error::ApiError,
    server::http::{middleware::authorize, state::AppState},
};

pub(crate) const MAX_BODY: usize = 64 << 10;

/// A larger form, with the rows of a page.
const ROWS_FORM: (&str, usize) = ("/api/correct_rows", 1 << 20);

pub(crate) fn small(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route
        .layer::<_, Infallible>(middleware::from_fn(small_body))
        .layer(quick())
}

/// Reads a small body, because server functions would read any length.
pub(crate) async fn small_body(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let most = match ROWS_FORM {
        (path, most) if request.uri().path() == path => most,
        _ => MAX_BODY,
    };
    if announced.is_some_and(|length: usize| length > most) {
        authorize::read_out(request).await;
        return too_large();
    }
    let (parts, body) = request.into_parts();
    match Limited::new(body, most).collect().await {
        Ok(body) => {
            let body = Body::from(body.to_bytes());
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) if error.is::<LengthLimitError>() => too_large(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn too_large() -> Response {
    let error = ApiError::invalid(ErrorCode::TooLargeRequest);
    (StatusCode::PAYLOAD_TOO_LARGE, Json(error)).into_response()
}
