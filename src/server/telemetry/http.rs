//! Routes for health and metrics, and instrumentation of requests.

use std::time::Instant;

use axum::{
    Extension, Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tower_http::{
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};
use uuid::Uuid;

use super::{
    health,
    metrics::{Metrics, Observed, ObservedRelay},
};
use crate::server::{
    config::Monitor,
    http::{middleware::hosts, state::AppState},
    run::listen::Peer,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of a request ID from a proxy.
const MAX_REQUEST_ID: usize = 64;
/// <https://prometheus.io/docs/specs/om/open_metrics_spec/#protocol-negotiation>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Paths for monitoring.
pub(crate) const PATHS: [&str; 4] = ["/health", "/health/live", "/health/ready", "/metrics"];

/// Returns the routes for monitoring, which need no session.
pub(crate) fn routes(state: AppState) -> Router {
    let [health, live, ready, numbers] = PATHS;
    Router::new()
        .route(health, get(health::ready))
        .route(live, get(health::live))
        .route(ready, get(health::ready))
        .route(numbers, get(metrics))
        .with_state(state)
}

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

/// Returns whether a text looks like a token or link secret.
fn may_be_secret(text: &str) -> bool {
    text.contains("irt_") || text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
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

/// Handles `GET /metrics`.
async fn metrics(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let token = state.config.telemetry.metrics_token.as_ref();
    let peer = peer.map(|Extension(Peer(address))| address);
    let is_local = hosts::is_from_here(peer, &uri, &headers);
    let observe = async || Observed {
        relay: Some(ObservedRelay {
            upstream: state.relay.upstream_state(),
            followed_jobs: state.relay.followed_jobs(),
        }),
        imports: match state.config.monitor {
            Monitor::Embedded { .. } => health::in_time(state.store.import_load()).await,
            Monitor::External(_) => None,
        },
        connections: state.store.connections(),
        disk_free: state.space.free(),
    };
    numbers(&state.metrics, observe, token, is_local, &headers).await
}

/// Returns the metrics if the caller may read them; observes nothing otherwise.
pub(super) async fn numbers(
    metrics: &Metrics,
    observe: impl AsyncFnOnce() -> Observed,
    token: Option<&SecretString>,
    is_local: bool,
    headers: &HeaderMap,
) -> Response {
    let may_read = match token {
        Some(token) => shows(headers, token.expose_secret()),
        None => is_local,
    };
    if !may_read {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let hint = "Set METRICS_TOKEN and show it as a bearer token.\n";
        return (StatusCode::UNAUTHORIZED, challenge, hint).into_response();
    }
    let text = metrics.encode(&observe().await);
    ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
}

fn shows(headers: &HeaderMap, token: &str) -> bool {
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        .unwrap_or_default();
    bool::from(shown.ct_eq(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )])
    }

    #[tokio::test]
    async fn for_whoever_may_not_read_the_numbers_nothing_is_looked_at() {
        let metrics = Metrics::default();
        let token = SecretString::from("a-token-of-sixteen");
        let observe = async || unreachable!("it is looked");
        let shown = headers("authorization", "Bearer another");
        let answer = numbers(&metrics, observe, Some(&token), true, &shown).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn a_path_is_logged_without_what_may_be_a_secret() {
        let secret = "0123456789abcdef".repeat(4);
        for (path, logged) in [
            ("/imports".to_owned(), "/imports"),
            (format!("/join/{secret}"), "/join/…"),
            (format!("/api/imports/irt_{secret}"), "/api/imports/…"),
            (format!("/{secret}/x"), "/…/x"),
            (
                "/imports/0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10".to_owned(),
                "/imports/0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10",
            ),
        ] {
            assert_eq!(shown(&path), logged);
        }
    }

    #[test]
    fn a_token_must_be_shown_whole() {
        assert!(shows(&headers("authorization", "Bearer secret"), "secret"));
        for wrong in [
            "Bearer secre",
            "Bearer secrets",
            "secret",
            "Basic secret",
            "",
        ] {
            assert!(
                !shows(&headers("authorization", wrong), "secret"),
                "{wrong}"
            );
        }
        assert!(!shows(&HeaderMap::new(), "secret"));
    }
}
