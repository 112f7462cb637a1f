//! Secrets in transit: passwords, and parts of links and tokens.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names of the fields of forms that hold secrets.
#[cfg(feature = "ssr")]
pub const SECRET_FIELDS: [&str; 6] = [
    "password",
    "current",
    "token",
    "setup",
    "credential",
    // Of a source's header.
    "value",
];

/// A text that `Debug` does not show.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Returns the text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Takes the text.
    #[must_use]
    pub fn into_exposed(self) -> String {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(feature = "ssr")]
impl From<Secret> for secrecy::SecretString {
    fn from(secret: Secret) -> Self {
        secret.0.into()
    }
}
