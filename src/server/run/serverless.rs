//! The app as a serverless function: no listener, no disk, no permanent process.

use axum::Router;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::start::{App, StartError};
use crate::server::{
    config::{Config, Monitor},
    store::Store,
};

/// The app, for a platform that passes requests to it.
pub struct Function(App);

/// Why a function does not start.
#[derive(Debug, Error)]
pub enum FunctionError {
    /// Required settings are missing.
    #[error("a serverless function has no disk and is short-lived, so these settings are required: {}", .0.join("; "))]
    Missing(Vec<&'static str>),
    /// The app does not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Function {
    /// Opens the database and starts the relay.
    ///
    /// # Errors
    ///
    /// If settings are missing or the database is unavailable.
    pub async fn start(config: Config, shutdown: CancellationToken) -> Result<Self, FunctionError> {
        let missing = missing(&config);
        if !missing.is_empty() {
            return Err(FunctionError::Missing(missing));
        }
        let store = Store::open(&config.database)
            .await
            .map_err(StartError::from)?;
        Ok(Self(App::start(config, store, shutdown).await?))
    }

    /// Returns the router.
    pub fn router(&self) -> Router {
        self.0.router()
    }

    /// Stops background tasks gracefully.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

fn missing(config: &Config) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if config.database.is_file() {
        missing.push("DATABASE_URL, a postgres: URL");
    }
    if matches!(config.monitor, Monitor::Embedded { .. }) {
        missing.push(
            "MONITOR_PRICE_APP_HOST and PRICE_MONITOR_API_KEY, the price monitor's URL and API key",
        );
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_of(set: &[(&str, &str)]) -> String {
        let config = Config::read(|name| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        });
        FunctionError::Missing(missing(&config.unwrap())).to_string()
    }

    #[test]
    fn all_that_is_missing_is_said_at_once() {
        let all = missing_of(&[]);
        assert!(
            all.contains("DATABASE_URL") && all.contains("MONITOR_PRICE_APP_HOST"),
            "{all}"
        );
        let one = missing_of(&[("DATABASE_URL", "postgres://h/d")]);
        assert!(
            !one.contains("DATABASE_URL") && one.contains("MONITOR_PRICE_APP_HOST"),
            "{one}"
        );
    }
}
