//! Why a request of an upload is rejected.

use std::io;

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{TUS_RESUMABLE, VERSION};
use crate::{
    i18n::messages::ErrorCode,
    model::{error::ApiError, reason::Reason, upload::UploadAnswer},
    server::{
        error::error_body,
        uploads::space::{NoSpace, is_full},
    },
};

#[derive(Debug)]
pub(super) enum TusError {
    Version,
    Unreadable,
    NotFound,
    ContentType,
    Offset,
    Busy,
    Empty,
    TooLarge(u64),
    TooMany,
    Broken,
    NoSpace(NoSpace),
    Disk(io::Error),
    NotTaken(ApiError),
}

impl TusError {
    fn reason(&self) -> Reason {
        let code = match self {
            Self::Version => ErrorCode::TusVersion,
            Self::Unreadable => ErrorCode::Unreadable,
            Self::NotFound => ErrorCode::NoUpload,
            Self::ContentType => ErrorCode::PartType,
            Self::Offset => ErrorCode::UploadOffset,
            Self::Busy => ErrorCode::UploadBusy,
            Self::Empty => ErrorCode::EmptyFile,
            Self::TooLarge(limit) => ErrorCode::TooLargeFile { limit: *limit },
            Self::TooMany => ErrorCode::MostUploads,
            Self::Broken => ErrorCode::UploadBroken,
            Self::NoSpace(error) => error.code(),
            Self::Disk(_) => ErrorCode::FileNotSaved,
            Self::NotTaken(error) => return error.reason(),
        };
        code.into()
    }
}

impl From<NoSpace> for TusError {
    fn from(error: NoSpace) -> Self {
        Self::NoSpace(error)
    }
}

impl From<io::Error> for TusError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) {
            Self::NoSpace(NoSpace::Disk)
        } else {
            Self::Disk(error)
        }
    }
}

impl IntoResponse for TusError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Version => StatusCode::PRECONDITION_FAILED,
            Self::Unreadable | Self::Empty => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Offset => StatusCode::CONFLICT,
            Self::Busy => StatusCode::LOCKED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken => StatusCode::REQUEST_TIMEOUT,
            Self::NoSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Disk(error) => {
                tracing::error!(%error, "cannot save a part of an upload");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::NotTaken(ApiError::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotTaken(error) => error.status_code(),
        };
        let headers = match &self {
            Self::NotTaken(error) => error.headers(),
            _ => HeaderMap::new(),
        };
        let answer = UploadAnswer::Refused(error_body(self.reason()));
        (status, headers, [(TUS_RESUMABLE, VERSION)], Json(answer)).into_response()
    }
}
