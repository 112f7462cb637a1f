//! An error of an import or of its connection.

use std::fmt;

use crate::model::{reason::Reason, refusal::Refusal};

/// An error of an import or of its connection. [`Display`](fmt::Display) writes it in English.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProgressError {
    /// The import failed.
    Import(Reason),
    /// The connection is lost and being restored. The import continues.
    Connection,
    /// A message is unreadable.
    Unreadable,
    /// The price monitor does not accept the server's key, so progress may not update.
    MonitorRefused,
    /// The server refuses progress for good.
    Refused(Refusal),
}

impl ProgressError {
    /// Returns the reason: a code with parameters, or the price monitor's own words.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Import(reason) => reason.clone(),
            Self::Connection => Reason::coded("stream-lost", "Connection error"),
            Self::Unreadable => Reason::coded("stream-unreadable", "Failed to parse progress data"),
            Self::MonitorRefused => Reason::coded(
                "live-connection-refused",
                "The price monitor rejected this server's API key, so progress may not update. Contact your administrator.",
            ),
            Self::Refused(error) => error.reason(),
        }
    }

    /// Returns whether signing in would help.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_signed_out())
    }

    /// Returns whether somebody cancelled the import.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Import(reason) if reason.is_cancelled())
    }
}

impl fmt::Display for ProgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl std::error::Error for ProgressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_in_the_contract_s_words() {
        for (error, words) in [
            (ProgressError::Connection, "Connection error"),
            (ProgressError::Unreadable, "Failed to parse progress data"),
        ] {
            assert_eq!(error.to_string(), words);
        }
    }
}
