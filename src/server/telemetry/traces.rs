//! Exports traces to an OpenTelemetry collector, as OTLP over HTTP.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use std::{collections::HashMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, Tracer},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};
use url::Url;

const FLUSH: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Exporter(SdkTracerProvider);

impl Drop for Exporter {
    fn drop(&mut self) {
        // A missing collector must not delay the end.
        let _ = self.0.shutdown_with_timeout(FLUSH);
    }
}

/// Creates the layer that exports our spans, and its guard.
pub(super) fn export_to<S>(
    endpoint: &Url,
) -> Result<(impl Layer<S> + Send + Sync + 'static, Exporter), Box<dyn std::error::Error>>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    // Fails only if a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (endpoint, headers) = without_password(endpoint);
    let base = endpoint.as_str().trim_end_matches('/');
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/traces"))
        .with_headers(headers)
        .with_timeout(FLUSH)
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(
            Resource::builder()
                .with_service_name(env!("CARGO_PKG_NAME"))
                .build(),
        )
        .build();
    let tracer: Tracer = provider.tracer(env!("CARGO_PKG_NAME"));
    // Excludes the exporter's own requests.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
    let layer = OpenTelemetryLayer::new(tracer).with_filter(ours);
    Ok((layer, Exporter(provider)))
}

/// Moves user and password from the URL to an `Authorization` header, because debug logs show the URL.
fn without_password(endpoint: &Url) -> (Url, HashMap<String, String>) {
    let (user, password) = (endpoint.username(), endpoint.password());
    if user.is_empty() && password.is_none() {
        return (endpoint.clone(), HashMap::new());
    }
    let plain = |text| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [plain(user), vec![b':'], plain(password.unwrap_or_default())].concat();
    let value = format!("Basic {}", STANDARD.encode(pair));
    // The exporter decodes it, like OTEL_EXPORTER_OTLP_HEADERS.
    let value = utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string();
    let mut bare = endpoint.clone();
    // Fail only for URLs without a host.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    (bare, HashMap::from([("authorization".to_owned(), value)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_into_a_header_of_its_own() {
        let plain = Url::parse("http://collector:4318/x").unwrap();
        assert_eq!(without_password(&plain), (plain.clone(), HashMap::new()));
        let secret = Url::parse("http://ada:p%40ss@collector:4318/x").unwrap();
        let (bare, headers) = without_password(&secret);
        assert_eq!(bare, plain);
        assert_eq!(headers["authorization"], "Basic%20YWRhOnBAc3M%3D");
    }
}
