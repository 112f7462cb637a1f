//! Traces to an OpenTelemetry collector, as OTLP over HTTP.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, Tracer},
};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};
use url::Url;

/// How long the last traces may take to go out when the process ends.
const FLUSH: Duration = Duration::from_secs(3);

/// Sends traces for as long as it lives, and the last of them when it is dropped.
#[derive(Debug)]
pub(super) struct Exporter(SdkTracerProvider);

impl Drop for Exporter {
    fn drop(&mut self) {
        // A collector that is away must not keep the process from ending.
        let _ = self.0.shutdown_with_timeout(FLUSH);
    }
}

/// Makes the layer that sends our own spans to `endpoint`, and what keeps it going.
pub(super) fn export_to<S>(
    endpoint: &Url,
) -> Result<(impl Layer<S> + Send + Sync + 'static, Exporter), Box<dyn std::error::Error>>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    // Fails only where a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base = endpoint.as_str().trim_end_matches('/');
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/traces"))
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
    // Nothing of the exporter's own requests, which would be traced for ever.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
    let layer = OpenTelemetryLayer::new(tracer).with_filter(ours);
    Ok((layer, Exporter(provider)))
}
