//! Progress streams of share links.

use axum::{
    Extension,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, Uri},
    response::Response,
    routing::get,
};

use super::{Route, progress::event_stream, quick};
use crate::{
    model::error::ApiError,
    server::{
        http::{
            connection::hijack::Hijack, last_event_id::last_event_id,
            middleware::access::Access::Anybody, state::AppState,
        },
        identity::client_address::ClientAddress,
        relay::Asking,
    },
};

pub(super) const ROUTES: &[Route] = &[Route::rest(
    "GET",
    "/shared/{token}/progress",
    Anybody,
    || get(progress).layer(quick()),
)];

async fn progress(
    State(state): State<AppState>,
    token: Result<Path<String>, PathRejection>,
    hijack: Option<Extension<Hijack>>,
    address: ClientAddress,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Path(token) = token.map_err(|_| ApiError::NotFound)?;
    let shared = state.share_links.find(address, &token).await?;
    let last_event_id = last_event_id(&headers, &uri);
    let asking = Asking {
        address,
        last_event_id: last_event_id.as_deref(),
    };
    let answer = state.share_links.open_stream(&shared, &asking)?;
    Ok(event_stream(answer, hijack))
}
