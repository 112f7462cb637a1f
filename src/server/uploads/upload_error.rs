//! Why a product file is not taken.

use axum::http::{HeaderMap, StatusCode};
use thiserror::Error;

use super::remote_file::RemoteError;
use crate::{
    i18n::locale::Locale,
    model::{
        changes,
        error::ApiError,
        import_options::{MissingProducts, PARAMETERS, WrittenProducts},
    },
};

/// Why a file is not only checked.
const NO_CHECKS: &str = "The price monitor doesn't support dry runs.";
/// Why it is not said which products and values of a file are written.
const NO_OPTIONS: &str =
    "The price monitor doesn't support importing some products or fields only.";

/// Says which values a parameter takes.
fn values(parameter: &str) -> String {
    let [products, fields, _] = PARAMETERS;
    let words: Vec<_> = if parameter == products {
        WrittenProducts::ALL.map(WrittenProducts::as_str).to_vec()
    } else if parameter == fields {
        changes::Field::ALL.map(changes::Field::as_str).to_vec()
    } else {
        MissingProducts::ALL.map(MissingProducts::as_str).to_vec()
    };
    format!("It takes {}.", words.join(", "))
}

/// Why an upload was not taken. The texts are for users.
#[derive(Clone, Debug, Error)]
pub(crate) enum UploadError {
    #[error("Choose a product file first.")]
    NoFile,
    #[error("The file is empty.")]
    Empty,
    #[error("The file is too large. The limit is {}.", Locale::English.bytes(*.0))]
    TooLarge(u64),
    #[error("The upload was interrupted. Try again.")]
    Broken,
    #[error("The form could not be read. Reload the page and try again.")]
    Unreadable,
    #[error(
        "Unknown parameter {0}. Supported parameters are mode, products, fields, missing, source, file and, in JSON, url."
    )]
    UnknownParameter(String),
    #[error("The mode must be import or check.")]
    UnknownMode,
    #[error("Invalid value for {name}. {}", values(.name))]
    UnknownValue { name: &'static str },
    #[error("{NO_CHECKS}")]
    NoChecks,
    #[error("{NO_OPTIONS}")]
    NoOptions,
    #[error("The parameter {0} must come before the file.")]
    BehindFile(String),
    #[error("Source not found.")]
    NoSource,
    #[error("The source says what is done with its files. Leave the other parameters out.")]
    OfSource,
    #[error("{0}")]
    NotFetched(#[from] RemoteError),
    #[error("{0}")]
    NotTaken(ApiError),
}

impl UploadError {
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

    /// Returns the headers that go with the error.
    pub(crate) fn headers(&self) -> HeaderMap {
        match self {
            Self::NotTaken(error) => error.headers(),
            _ => HeaderMap::new(),
        }
    }
}
