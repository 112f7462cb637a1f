//! Logging.

use tracing_subscriber::EnvFilter;

use super::config::LogConfig;

/// Starts logging to standard error, for the rest of the process. A second call changes nothing.
pub fn init(config: &LogConfig) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.filter))
        .with_writer(std::io::stderr);
    // It fails only where a subscriber is set already.
    let _ = if config.json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
}
