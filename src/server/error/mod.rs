//! Converts errors to HTTP answers: a code with a sentence that names no internals.

pub mod advice;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    i18n::messages::Param,
    model::{
        error::ApiError,
        reason::{ErrorBody, Reason},
    },
    server::telemetry::masked,
};

impl ApiError {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        match self {
            Self::SignedOut | Self::Elsewhere(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Unconfirmed | Self::PasskeyDue => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid(_) | Self::WeakPassword(_) | Self::PasskeyRefused => {
                StatusCode::BAD_REQUEST
            }
            Self::TooMany | Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NoSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::Connection | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the headers of the error.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let (name, value) = match self {
            Self::TooMany | Self::Unavailable(_) => {
                (header::RETRY_AFTER, HeaderValue::from_static("5"))
            }
            Self::Throttled { seconds } | Self::Busy { seconds, .. } => {
                (header::RETRY_AFTER, (*seconds).into())
            }
            // RFC 6750, section 3.
            Self::SignedOut | Self::Elsewhere(_) => (
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"Import Relay\""),
            ),
            _ => return HeaderMap::new(),
        };
        HeaderMap::from_iter([(name, value)])
    }
}

/// Masks secrets, because the reason may repeat the input.
pub(crate) fn error_body(reason: Reason) -> ErrorBody {
    let mut body = ErrorBody::from(reason);
    body.error = masked(&body.error).into_owned();
    for value in body.params.values_mut() {
        if let Param::Text(text) = value {
            *text = masked(text).into_owned();
        }
    }
    body
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = error_body(self.reason());
        (self.status_code(), self.headers(), Json(body)).into_response()
    }
}
