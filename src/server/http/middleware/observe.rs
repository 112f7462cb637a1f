//! Counts, times and logs every request.

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::{self, Next},
    response::Response,
};
use tower_http::{
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};
use uuid::Uuid;

use crate::server::telemetry::{Metrics, masked};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;
/// Counts, times and logs every request with an ID, which the response repeats.
pub(crate) fn observed(router: Router, metrics: Metrics) -> Router {
    let span = |request: &Request| {
        let id = request
            .extensions()
            .get::<RequestId>()
            .and_then(|id| id.header_value().to_str().ok())
            .unwrap_or_default();
        tracing::info_span!("request", id, method = %request.method(), path = %shown(request.uri().path()))
    };
    router
        .layer(middleware::from_fn_with_state(metrics, measure))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(())
                .on_failure(()),
        )
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, NewRequestId))
        .layer(middleware::from_fn(tidy_request_id))
}

/// Returns a path for the log, without secrets of links and tokens.
fn shown(path: &str) -> String {
    if path.starts_with("/join/") {
        return "/join/…".to_owned();
    }
    if let Some(rest) = path.strip_prefix("/shared/") {
        let end = rest.find('/').map_or("", |end| &rest[end..]);
        return format!("/shared/…{end}");
    }
    let segments = path.split('/');
    let segments = segments.map(|segment| {
        if may_be_secret(segment) {
            "…"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Recognises hashes and secrets in hex, API tokens, and tokens of links.
fn may_be_secret(text: &str) -> bool {
    text.contains("irt_")
        || text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        || masked(text) != text
}

/// Removes a request ID that is too long or looks like a secret.
async fn tidy_request_id(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID);
    let is_odd = |id: &HeaderValue| {
        let id = id.to_str().unwrap_or_default();
        id.is_empty() || id.len() > MAX_REQUEST_ID || id.len() > 32 && may_be_secret(id)
    };
    if given.is_some_and(is_odd) {
        request.headers_mut().remove(&REQUEST_ID);
    }
    next.run(request).await
}

#[derive(Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        let id = Uuid::now_v7().simple().to_string();
        id.parse().ok().map(RequestId::new)
    }
}

async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let method = method_name(request.method());
    // The path itself would create a time series per job.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let began = Instant::now();
    let response = next.run(request).await;
    metrics.request_answered(method, route, response.status().as_u16(), began.elapsed());
    response
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: &str =
        "q83vEjRWeJCrze8SNFZ4kAAAAABqLn4Ai0Zx_mQ3tY7uVb2Kc9-LpDhW5sXeRgTzNfJoHaUyI1w";

    #[test]
    fn a_path_is_logged_without_what_may_be_a_secret() {
        let secret = "0123456789abcdef".repeat(4);
        for (path, logged) in [
            ("/imports".to_owned(), "/imports"),
            (format!("/join/{secret}"), "/join/…"),
            ("/shared/AbC-_x".to_owned(), "/shared/…"),
            ("/shared/AbC-_x/progress".to_owned(), "/shared/…/progress"),
            (format!("/api/imports/irt_{secret}"), "/api/imports/…"),
            (format!("/{secret}/x"), "/…/x"),
            (format!("//shared/{SHARE}"), "//shared/…"),
            (format!("/shared%2F{SHARE}"), "/…"),
            (
                "/imports/0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10".to_owned(),
                "/imports/0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10",
            ),
        ] {
            assert_eq!(shown(&path), logged);
        }
    }
}
