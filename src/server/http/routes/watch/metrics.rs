//! `GET /metrics`.

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::health;
use crate::server::{
    config::Monitor,
    http::state::AppState,
    identity::{host, peer::Peer},
    telemetry::metrics::{Metrics, Observed, ObservedRelay},
};

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/#protocol-negotiation>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn metrics(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let token = state.config.telemetry.metrics_token.as_ref();
    let peer = peer.map(|Extension(Peer(address))| address);
    let is_local = host::is_from_here(peer, &uri, &headers);
    let observe = async || Observed {
        relay: Some(ObservedRelay {
            upstream: state.relay.upstream_state(),
            followed_jobs: state.relay.followed_jobs(),
        }),
        imports: match state.config.monitor {
            Monitor::Embedded { .. } => health::in_time(state.store.import_load()).await,
            Monitor::External(_) => None,
        },
        deliveries: health::in_time(state.store.waiting_deliveries()).await,
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
    use axum::http::{HeaderName, HeaderValue};

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
