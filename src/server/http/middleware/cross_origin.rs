//! Access by pages of the origins in `CORS_ORIGINS`: streams and REST API (Fetch, section 3.3).

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower::{Layer, Service};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::server::config::CorsOrigins;

pub(crate) const SHARED: [&str; 7] = [
    "/api/imports",
    "/api/imports/{id}",
    "/api/job_progress",
    "/api/job_states",
    "/api/jobs/progress",
    "/api/jobs/{job}/progress",
    "/api/openapi.json",
];

/// The one shared route that changes something: starting imports.
const CHANGED: (Method, &str) = (Method::POST, "/api/imports");

const MAX_AGE: Duration = Duration::from_secs(600);

pub(crate) fn is_shared(matched: Option<&MatchedPath>) -> bool {
    matched.is_some_and(|matched| SHARED.contains(&matched.as_str()))
}

/// Returns whether allowed origins may make a request that changes something.
pub(crate) fn may_change(method: &Method, matched: Option<&MatchedPath>) -> bool {
    matched.is_some_and(|matched| (method, matched.as_str()) == (&CHANGED.0, CHANGED.1))
}

/// Creates the CORS layer; `None` without allowed origins.
pub(crate) fn layer(origins: &CorsOrigins) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins
        .iter()
        .filter_map(|it| HeaderValue::from_str(it).ok());
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST])
            // An origin that may send cookies may send any header, such as tracing headers.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([header::LOCATION, header::RETRY_AFTER])
            .max_age(MAX_AGE),
    )
}

/// Answers preflights and sets the headers of shared routes.
pub(crate) async fn allow(
    State(layer): State<CorsLayer>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    if !is_shared(matched.as_ref()) {
        return next.run(request).await;
    }
    match layer.layer(next).call(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::server::http::middleware::access::RULES;

    #[test]
    fn every_shared_route_is_there() {
        let routes: BTreeSet<_> = RULES.iter().map(|rule| rule.path).collect();
        for path in SHARED {
            assert!(routes.contains(path), "{path}");
        }
    }
}
