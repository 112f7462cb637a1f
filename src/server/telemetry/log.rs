//! Sets up logs, and traces if there is a collector.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Write as _,
    io::{self, IsTerminal as _, Write},
};

use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::{
    mask::masked,
    traces::{self, Exporter},
};
use crate::server::config::{LogConfig, TelemetryConfig};

/// Flushes traces when dropped.
#[must_use]
#[derive(Debug, Default)]
pub struct LogGuard {
    _traces: Option<Exporter>,
}

/// Escapes control characters of each event, so that input cannot forge lines or control a terminal.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    /// Events are complete lines (`tracing_subscriber::fmt`).
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = event.strip_suffix(b"\n").unwrap_or(event);
        // Escape characters are colours; those in values were escaped by the formatter.
        let is_odd = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\x1b');
        let text = String::from_utf8_lossy(line);
        let mut text = masked(&text);
        if line.iter().any(is_odd) {
            text = escaped(&text).into();
        }
        if event.len() > line.len() {
            text.to_mut().push('\n');
        }
        // One call, because lines of other threads may come between two.
        self.0.write_all(text.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escaped(line: &str) -> String {
    line.chars().fold(String::new(), |mut escaped, c| {
        if c.is_control() && !matches!(c, '\t' | '\x1b') {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "{}", c.escape_default());
        } else {
            escaped.push(c);
        }
        escaped
    })
}

/// Starts logging to standard error, and tracing to the collector. Further calls have no effect.
///
/// # Errors
///
/// If the trace exporter cannot be created.
pub fn init(
    log: &LogConfig,
    telemetry: &TelemetryConfig,
) -> Result<LogGuard, Box<dyn std::error::Error>> {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Escaping(io::stderr()));
    let lines = if log.json {
        lines.json().boxed()
    } else {
        lines.boxed()
    };
    report_panics();
    // The store summarizes migrations in one line; a filter can enable them.
    let filter = EnvFilter::new(format!("sea_orm_migration=warn,{}", log.filter));
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
    // Fails only if a subscriber is already set.
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

/// Logs a panic as one event; the default hook writes lines of its own.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
        tracing::error!(
            place = place.unwrap_or_default(),
            said = message,
            backtrace = backtrace.as_ref().map(tracing::field::display),
            "a task panicked"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let mut written = Vec::new();
        let event = b"INFO a file: x\n2026 ERROR forged\r\x07\x00.csv\n";
        Escaping(&mut written).write_all(event).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "INFO a file: x\\n2026 ERROR forged\\r\\u{7}\\u{0}.csv\n"
        );
        let mut written = Vec::new();
        let secret = "0123456789abcdef".repeat(4);
        let event = format!("INFO irt_{secret}.csv\n");
        Escaping(&mut written).write_all(event.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "INFO irt_….csv\n");
        let mut written = Vec::new();
        Escaping(&mut written)
            .write_all("plain ü\n".as_bytes())
            .unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "plain ü\n");
    }
}
