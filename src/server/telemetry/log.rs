//! Logs, and traces where there is a collector for them.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::traces::{self, Exporter};
use crate::server::config::{LogConfig, TelemetryConfig};

/// Sends what is left of the traces when it is dropped, at the end of the process.
#[must_use]
#[derive(Debug, Default)]
pub struct LogGuard {
    _traces: Option<Exporter>,
}

/// Starts logging to standard error, and tracing to the collector if there is one, for the rest of
/// the process. A second call changes nothing.
///
/// # Errors
///
/// When the exporter of traces cannot be made.
pub fn init(
    log: &LogConfig,
    telemetry: &TelemetryConfig,
) -> Result<LogGuard, Box<dyn std::error::Error>> {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    let lines = if log.json {
        lines.json().boxed()
    } else {
        lines.boxed()
    };
    // The store says in one line what a dozen steps came to; whoever names them hears of each.
    let filter = EnvFilter::new(format!("sea_orm_migration=warn,{}", log.filter));
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
    // Setting a subscriber fails only where there is one already.
    let Some(endpoint) = &telemetry.otlp_endpoint else {
        let _ = registry.try_init();
        return Ok(LogGuard::default());
    };
    let (layer, exporter) = traces::export_to(endpoint.expose())?;
    let _ = registry.with(layer).try_init();
    Ok(LogGuard {
        _traces: Some(exporter),
    })
}
