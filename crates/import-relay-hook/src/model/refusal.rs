//! Why the server refuses progress.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{params::Params, reason::Reason};

/// Why the server refuses progress. [`Display`](fmt::Display) writes it in English.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub enum Refusal {
    /// There is no session, or it has ended.
    SignedOut,
    /// A session of Auth.js or NextAuth gives no access.
    Elsewhere(Elsewhere),
    /// It does not exist, or is not visible to the user.
    NotFound,
    /// The user's role or token does not allow it.
    Forbidden,
    /// The user has to confirm their identity.
    Unconfirmed,
    /// The user has to use a passkey.
    PasskeyDue,
    /// The request is invalid.
    Invalid(Reason),
    /// Too many requests or streams at once.
    TooMany,
    /// Too many failed attempts.
    Throttled {
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The price monitor cannot be reached, or the server is shutting down.
    Unavailable(Reason),
    /// The server could not be reached, or its answer is unreadable.
    Connection,
    /// Internal error. Details are only in the server's log.
    Internal,
}

/// Why a session of Auth.js or NextAuth gives no access.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Elsewhere {
    /// It cannot be read here; the server's log says why.
    Unreadable,
    /// Its user has no role here.
    NoRole,
}

impl Refusal {
    /// Returns whether signing in would help.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::SignedOut | Self::Elsewhere(_))
    }

    /// Returns the reason: a code with parameters, or another service's own words.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let (code, message) = match self {
            Self::Invalid(reason) | Self::Unavailable(reason) => return reason.clone(),
            Self::Throttled { seconds } => return throttled(*seconds),
            Self::SignedOut => ("signed-out", "You are signed out. Sign in to continue."),
            Self::Elsewhere(Elsewhere::Unreadable) => (
                "unreadable-session",
                "You may be signed in elsewhere, but this server can't read that session. Ask your administrator to check the server log.",
            ),
            Self::Elsewhere(Elsewhere::NoRole) => (
                "no-role",
                "Your account doesn't have access to this app. Ask the owner.",
            ),
            Self::NotFound => ("not-found", "Import not found."),
            Self::Forbidden => ("forbidden", "You don't have permission."),
            Self::Unconfirmed => ("unconfirmed", "Confirm your identity first."),
            Self::PasskeyDue => ("passkey-due", "Use your passkey first."),
            Self::TooMany => (
                "too-many-requests",
                "Too many requests. Try again in a moment.",
            ),
            Self::Connection => (
                "unreachable",
                "The server can't be reached. Check your connection and try again.",
            ),
            Self::Internal => (
                "internal",
                "Something went wrong on our side. Try again in a moment.",
            ),
        };
        Reason::coded(code, message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl std::error::Error for Refusal {}

fn throttled(seconds: u64) -> Reason {
    let (number, unit) = match seconds {
        0..=1 => (1, "second"),
        2..=90 => (seconds, "seconds"),
        _ => (seconds.div_ceil(60), "minutes"),
    };
    Reason::new(
        format!("Too many attempts. Try again in {number} {unit}."),
        Some("throttled".to_owned()),
        Params::from_iter([("seconds".to_owned(), seconds.into())]),
    )
}
