//! Settings that cannot be used.

use thiserror::Error;

use super::{form::without_user, table::About};

/// A setting that cannot be used. Its text is one line: the name, what it held, what it takes.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The value is not of the setting's form.
    #[error("{name} is {value}; expected {takes}")]
    Bad {
        /// The environment variable.
        name: &'static str,
        /// The value in quotes, or a word in its place where it is a secret.
        value: String,
        /// What would be taken.
        takes: &'static str,
    },
    /// A setting is missing that another one asks for.
    #[error("{name} is not set; {because} requires {takes}")]
    Missing {
        /// The environment variable.
        name: &'static str,
        /// The setting that asks for it.
        because: &'static str,
        /// What would be taken.
        takes: &'static str,
    },
    /// The value is not even text.
    #[error("{name} is not UTF-8 text; expected {takes}")]
    NotText {
        /// The environment variable.
        name: &'static str,
        /// What would be taken.
        takes: &'static str,
    },
    /// The `.env` file cannot be read.
    #[error(".env cannot be read: {0}")]
    DotEnv(String),
}

impl About {
    /// Returns the error of a value that is not of the setting's form.
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
