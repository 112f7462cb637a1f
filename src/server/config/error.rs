//! Errors of settings.

use thiserror::Error;

use super::{declare::About, form::without_user};

/// An invalid setting. The text is one line: name, value, accepted values.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The value is invalid.
    #[error("{name} is {value}; expected {takes}")]
    Bad {
        /// The environment variable.
        name: &'static str,
        /// The value in quotes, or a placeholder for a secret.
        value: String,
        /// The accepted values.
        takes: &'static str,
    },
    /// A setting that another one requires is missing.
    #[error("{name} is not set; {because} requires {takes}")]
    Missing {
        /// The environment variable.
        name: &'static str,
        /// The setting that requires it.
        because: &'static str,
        /// The accepted values.
        takes: &'static str,
    },
    /// The value is not UTF-8.
    #[error("{name} is not UTF-8 text; expected {takes}")]
    NotText {
        /// The environment variable.
        name: &'static str,
        /// The accepted values.
        takes: &'static str,
    },
    /// The `.env` file cannot be read.
    #[error(".env cannot be read: {0}")]
    DotEnv(String),
}

impl About {
    pub(super) fn bad(&self, text: &str) -> ConfigError {
        ConfigError::Bad {
            name: self.name,
            value: if self.secret {
                "not usable".to_owned()
            } else {
                format!("{:?}", without_user(text))
            },
            takes: self.takes,
        }
    }
}
