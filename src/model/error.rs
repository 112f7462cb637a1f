//! Errors between the browser and the server.

use std::fmt;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

pub use import_relay_hook::model::refusal::Elsewhere;

use super::reason::Reason;
use crate::i18n::{locale::Locale, messages::ErrorCode};

/// Error of a server function. [`Display`](fmt::Display) writes it in English.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ApiError {
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
    /// The passkey was not accepted.
    PasskeyRefused,
    /// The request is invalid.
    Invalid(Reason),
    /// A new password is too weak.
    WeakPassword(Reason),
    /// There is no space for a file.
    NoSpace(Reason),
    /// Too many requests or streams at once.
    TooMany,
    /// Too many failed attempts.
    Throttled {
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The price monitor cannot be reached, or the server is shutting down.
    Unavailable(Reason),
    /// The price monitor's answer is invalid.
    BadGateway(Reason),
    /// The price monitor is busy.
    Busy {
        /// Its own words, or a code.
        reason: Reason,
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The server could not be reached, or its answer is unreadable.
    Connection,
    /// Internal error. Details are only in the server's log.
    Internal,
}

impl ApiError {
    /// Returns whether signing in would help.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::SignedOut | Self::Elsewhere(_))
    }

    /// Returns the reason: a code with parameters, or another service's own words.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let code = match self {
            Self::Invalid(reason)
            | Self::WeakPassword(reason)
            | Self::NoSpace(reason)
            | Self::Unavailable(reason)
            | Self::BadGateway(reason)
            | Self::Busy { reason, .. } => return reason.clone(),
            Self::SignedOut => ErrorCode::SignedOut,
            Self::Elsewhere(Elsewhere::Unreadable) => ErrorCode::UnreadableSession,
            Self::Elsewhere(Elsewhere::NoRole) => ErrorCode::NoRole,
            Self::NotFound => ErrorCode::NotFound,
            Self::Forbidden => ErrorCode::Forbidden,
            Self::Unconfirmed => ErrorCode::Unconfirmed,
            Self::PasskeyDue => ErrorCode::PasskeyDue,
            Self::PasskeyRefused => ErrorCode::PasskeyRefused,
            Self::TooMany => ErrorCode::TooMany,
            Self::Throttled { seconds } => ErrorCode::Throttled { seconds: *seconds },
            Self::Connection => ErrorCode::Connection,
            Self::Internal => ErrorCode::Internal,
        };
        code.into()
    }

    /// Creates the error of an invalid request.
    #[must_use]
    pub fn invalid(why: ErrorCode) -> Self {
        Self::Invalid(why.into())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl std::error::Error for ApiError {}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => Self::invalid(ErrorCode::Unreadable),
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Connection,
            _ => Self::Internal,
        }
    }
}

impl Locale {
    /// Returns an error as a sentence.
    pub(crate) fn error(self, error: &ApiError) -> String {
        self.reason(&error.reason())
    }
}
