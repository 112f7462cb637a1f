//! What can go wrong between the browser and the server, as both see it.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a server function did not answer. Its text is for the user to read.
#[derive(Clone, Debug, Deserialize, Eq, Error, PartialEq, Serialize)]
pub enum ApiError {
    /// There is no session, or it has ended.
    #[error("You are signed out. Sign in to continue.")]
    SignedOut,
    /// There is a session elsewhere that counts here, and does not let its holder in.
    #[error("{0}")]
    Elsewhere(Elsewhere),
    /// There is no such thing, or it is somebody else's.
    #[error("Import not found.")]
    NotFound,
    /// Whoever asks is known, and their role or token does not allow it.
    #[error("You don't have permission.")]
    Forbidden,
    /// It is not certain enough that it is still the one who signed in.
    #[error("Confirm your identity first.")]
    Unconfirmed,
    /// A passkey is required, and the session has none.
    #[error("Use your passkey first.")]
    PasskeyDue,
    /// A passkey was not used, or is not accepted.
    #[error("The passkey was not accepted. Try again.")]
    PasskeyRefused,
    /// What was sent cannot be taken. The text says why.
    #[error("{0}")]
    Invalid(String),
    /// A new password cannot be taken. The text says why.
    #[error("{0}")]
    WeakPassword(String),
    /// There is no room for a file. The text says why.
    #[error("{0}")]
    NoSpace(String),
    /// Too many requests or streams at once.
    #[error("Too many requests. Try again in a moment.")]
    TooMany,
    /// Too many tries that failed.
    #[error("Too many attempts. Try again in {}.", in_words(*seconds))]
    Throttled {
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The price monitor cannot be asked, or the server is shutting down.
    #[error("{0}")]
    Unavailable(String),
    /// The price monitor's answer is of no use.
    #[error("{0}")]
    BadGateway(String),
    /// The price monitor wants to be asked less often.
    #[error("{sentence}")]
    Busy {
        /// Its words, or ours.
        sentence: String,
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The server could not be reached, or its answer not read.
    #[error("The server can't be reached. Check your connection and try again.")]
    Connection,
    /// A fault of ours. The details are in the server's log only.
    #[error("Something went wrong on our side. Try again in a moment.")]
    Internal,
}

/// Why a session of an Auth.js or NextAuth installation does not let its holder in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Error, PartialEq, Serialize)]
pub enum Elsewhere {
    /// It cannot be read here; the server's log says why.
    #[error(
        "You may be signed in elsewhere, but this server can't read that session. Ask your \
         administrator to check the server log."
    )]
    Unreadable,
    /// Its holder has no role here.
    #[error("Your account doesn't have access to this app. Ask the owner.")]
    NoRole,
}

impl ApiError {
    /// Returns whether nobody is known who makes the request: signing in would help.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::SignedOut | Self::Elsewhere(_))
    }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..=1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => {
                Self::Invalid("The request could not be read.".to_owned())
            }
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Connection,
            _ => Self::Internal,
        }
    }
}
