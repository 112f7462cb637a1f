//! What can go wrong between the browser and the server, as both see it.

use std::fmt;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

pub use import_relay_hook::model::refusal::Elsewhere;

use super::reason::Reason;
use crate::i18n::{locale::Locale, messages::ErrorCode};

/// Why a server function did not answer. [`Display`](fmt::Display) writes it in English.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ApiError {
    /// There is no session, or it has ended.
    SignedOut,
    /// There is a session elsewhere that counts here, and does not let its holder in.
    Elsewhere(Elsewhere),
    /// There is no such thing, or it is somebody else's.
    NotFound,
    /// Whoever asks is known, and their role or token does not allow it.
    Forbidden,
    /// It is not certain enough that it is still the one who signed in.
    Unconfirmed,
    /// A passkey is required, and the session has none.
    PasskeyDue,
    /// A passkey was not used, or is not accepted.
    PasskeyRefused,
    /// What was sent cannot be taken.
    Invalid(Reason),
    /// A new password cannot be taken.
    WeakPassword(Reason),
    /// There is no room for a file.
    NoSpace(Reason),
    /// Too many requests or streams at once.
    TooMany,
    /// Too many tries that failed.
    Throttled {
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The price monitor cannot be asked, or the server is shutting down.
    Unavailable(Reason),
    /// The price monitor's answer is of no use.
    BadGateway(Reason),
    /// The price monitor wants to be asked less often.
    Busy {
        /// Its words, or ours.
        reason: Reason,
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The server could not be reached, or its answer not read.
    Connection,
    /// A fault of ours. The details are in the server's log only.
    Internal,
}

impl ApiError {
    /// Returns whether nobody is known who makes the request: signing in would help.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::SignedOut | Self::Elsewhere(_))
    }

    /// Returns it as a code with parameters, or as another service's words.
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

    /// Makes the error of a request that cannot be taken.
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
    /// Says why a server function did not answer.
    pub(crate) fn error(self, error: &ApiError) -> String {
        self.reason(&error.reason())
    }
}
