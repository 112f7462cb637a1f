//! Why an upload was rejected.

use std::fmt;

use axum::http::{HeaderMap, StatusCode};

use super::remote_file::RemoteError;
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes,
        error::ApiError,
        import_options::{MissingProducts, PARAMETERS, WrittenProducts},
        reason::Reason,
    },
};

/// Lists the accepted values of a parameter.
fn values(parameter: &str) -> String {
    let [products, fields, _] = PARAMETERS;
    let words: Vec<_> = if parameter == products {
        WrittenProducts::ALL.map(WrittenProducts::as_str).to_vec()
    } else if parameter == fields {
        changes::Field::ALL.map(changes::Field::as_str).to_vec()
    } else {
        MissingProducts::ALL.map(MissingProducts::as_str).to_vec()
    };
    words.join(", ")
}

#[derive(Clone, Debug)]
pub(crate) enum UploadError {
    NoFile,
    Empty,
    TooLarge(u64),
    Broken,
    Unreadable,
    UnknownParameter(String),
    UnknownMode,
    UnknownValue { name: &'static str },
    NoChecks,
    NoOptions,
    BehindFile(String),
    NoSource,
    OfSource,
    NotFetched(RemoteError),
    NotTaken(ApiError),
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl std::error::Error for UploadError {}

impl From<RemoteError> for UploadError {
    fn from(error: RemoteError) -> Self {
        Self::NotFetched(error)
    }
}

impl UploadError {
    pub(crate) fn reason(&self) -> Reason {
        let code = match self {
            Self::NoFile => ErrorCode::NoFile,
            Self::Empty => ErrorCode::EmptyFile,
            Self::TooLarge(limit) => ErrorCode::TooLargeFile { limit: *limit },
            Self::Broken => ErrorCode::UploadInterrupted,
            Self::Unreadable => ErrorCode::UnreadableForm,
            Self::UnknownParameter(name) => {
                ErrorCode::UnknownUploadParameter { name: name.clone() }
            }
            Self::UnknownMode => ErrorCode::UnknownMode,
            Self::UnknownValue { name } => ErrorCode::UnknownValue {
                name: (*name).to_owned(),
                values: values(name),
            },
            Self::NoChecks => ErrorCode::NoChecks,
            Self::NoOptions => ErrorCode::NoOptions,
            Self::BehindFile(name) => ErrorCode::ParameterBehindFile { name: name.clone() },
            Self::NoSource => ErrorCode::SourceNotFound,
            Self::OfSource => ErrorCode::ParameterOfSource,
            Self::NotFetched(error) => error.code(),
            Self::NotTaken(error) => return error.reason(),
        };
        code.into()
    }

    pub(crate) fn status_code(&self) -> StatusCode {
        match self {
            Self::NoFile | Self::Empty | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownParameter(_)
            | Self::UnknownMode
            | Self::UnknownValue { .. }
            | Self::NoChecks
            | Self::NoOptions
            | Self::BehindFile(_)
            | Self::NoSource
            | Self::OfSource
            | Self::NotFetched(_)
            | Self::NotTaken(ApiError::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotTaken(error) => error.status_code(),
        }
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        match self {
            Self::NotTaken(error) => error.headers(),
            _ => HeaderMap::new(),
        }
    }
}
