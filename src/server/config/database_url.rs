//! The database URL.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::form::where_it_leads;

/// A database URL. It may have a password, so `Debug` shows the kind only.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: SecretString,
    sqlite_path: Option<PathBuf>,
    max_connections: u32,
}

const MAX_CONNECTIONS_DEFAULT: u32 = 10;

impl DatabaseUrl {
    /// Returns the URL of a SQLite file.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self {
            url: format!("sqlite:{}", path.display()).into(),
            sqlite_path: Some(path.to_owned()),
            max_connections: MAX_CONNECTIONS_DEFAULT,
        }
    }

    /// Parses a `sqlite:` or `postgres:` URL.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let path = path.split('?').next().unwrap_or_default();
            let in_memory = path.is_empty() || path.starts_with(":memory:");
            return (!in_memory).then(|| Self {
                url: text.into(),
                sqlite_path: Some(PathBuf::from(path)),
                max_connections: MAX_CONNECTIONS_DEFAULT,
            });
        }
        let url = Url::parse(text).ok()?;
        matches!(url.scheme(), "postgres" | "postgresql").then(|| Self {
            url: text.into(),
            sqlite_path: None,
            max_connections: MAX_CONNECTIONS_DEFAULT,
        })
    }

    /// Sets the maximum connections.
    #[must_use]
    pub fn with_max_connections(self, max_connections: u32) -> Self {
        Self {
            max_connections,
            ..self
        }
    }

    /// Returns whether it is a SQLite file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.sqlite_path.is_some()
    }

    /// Returns whether it is a SQLite file that does not exist yet.
    #[must_use]
    pub fn is_missing_file(&self) -> bool {
        self.sqlite_path().is_some_and(|path| !path.exists())
    }

    pub(in crate::server) fn max_connections(&self) -> u32 {
        self.max_connections
    }

    pub(in crate::server) fn expose(&self) -> &str {
        self.url.expose_secret()
    }

    pub(super) fn shown(&self) -> String {
        match (&self.sqlite_path, Url::parse(self.expose())) {
            (Some(path), _) => format!("sqlite:{}", path.display()),
            (None, Ok(url)) => where_it_leads(&url),
            (None, Err(_)) => "***".to_owned(),
        }
    }

    pub(in crate::server) fn sqlite_path(&self) -> Option<&Path> {
        self.sqlite_path.as_deref()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.sqlite_path.is_some() {
            "sqlite:…"
        } else {
            "postgres:…"
        })
    }
}
