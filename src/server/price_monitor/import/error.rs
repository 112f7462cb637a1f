//! Why an import stops.

use std::{fmt, io};

use product_feed::FeedError;
use thiserror::Error;
use tokio::task::JoinError;

use crate::{
    i18n::messages::ErrorCode,
    model::{changes::OverLimit, reason::Reason},
    server::{
        config::LimitAction,
        price_monitor::{reading::ReadError, reasons, retries::GaveUp, uploads::Unsound},
        store::{StoreError, monitor_imports::Question},
    },
};

/// Why an import stops. The sources are for the log.
#[derive(Debug, Error)]
pub(in crate::server::price_monitor) enum ImportError {
    Feed(FeedError),
    FileGone(#[source] io::Error),
    Store(#[source] StoreError),
    Broken(#[source] JoinError),
    /// The stored upload differs from the received one.
    Unsound(Unsound),
    /// The table of the file's products cannot be written.
    Scratch(#[source] io::Error),
    OverLimit(OverLimit, LimitAction),
    /// The import to undo has no recorded changes.
    NothingKept,
    /// Maximum starts without progress reached.
    NoHeadway,
    Stopped,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl From<GaveUp> for ImportError {
    fn from(gave_up: GaveUp) -> Self {
        match gave_up {
            GaveUp::Stopped => Self::Stopped,
            GaveUp::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FeedError> for ImportError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::FileGone(error)
            }
            other => Self::Feed(other),
        }
    }
}

impl From<ReadError> for ImportError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Feed(error) => error.into(),
            ReadError::Scratch(error) => Self::Scratch(error),
        }
    }
}

impl ImportError {
    pub(super) fn reason(&self) -> Reason {
        let code = match self {
            Self::Feed(error) => return reasons::of_file(error),
            Self::FileGone(_) => ErrorCode::UploadGone,
            Self::Store(_) => ErrorCode::ProductsNotSaved,
            Self::Broken(_) => ErrorCode::Crashed,
            Self::Unsound(unsound) => unsound.code(),
            Self::Scratch(_) => ErrorCode::NoScratchSpace,
            Self::OverLimit(over, _) => reasons::of_limit(*over),
            Self::NothingKept => ErrorCode::ChangesNotKept,
            Self::NoHeadway => ErrorCode::NoHeadway,
            Self::Stopped => ErrorCode::Stopped,
        };
        code.into()
    }

    /// Returns the question whose answer lets the import continue.
    pub(super) fn question(&self) -> Option<Question> {
        let Self::Feed(error) = self else { return None };
        error.question().map(|question| match question {
            product_feed::Question::Columns => Question::Columns,
            product_feed::Question::DecimalMark => Question::DecimalMark,
            product_feed::Question::Sheets => Question::Sheets,
        })
    }
}
