//! REST routes, authentication and errors.

use std::{fmt, io, sync::Arc};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State, multipart::MultipartError},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use product_feed::FeedError;
use secrecy::ExposeSecret;
use serde_json::json;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{
    Service, approval, changes, controls,
    message::{ErrorFields, MAX_FAILED, ProgressBody},
    reasons, undo, upload, websocket,
};
use crate::{
    i18n::messages::ErrorCode,
    model::reason::Reason,
    server::{
        store::StoreError,
        uploads::space::{NoSpace, is_full},
    },
};

const MULTIPART_OVERHEAD: u64 = 64 << 10;

/// All routes but `/health` require the key.
pub(super) fn router(service: Arc<Service>) -> Router {
    let limit = service
        .options
        .max_upload
        .saturating_add(MULTIPART_OVERHEAD);
    let limit = DefaultBodyLimit::max(usize::try_from(limit).unwrap_or(usize::MAX));
    Router::new()
        .route("/", get(websocket::upgrade))
        .route("/api/products/imports", post(upload::upload).layer(limit))
        .route("/api/products/imports/{id}/progress", get(progress))
        .merge(controls::router())
        .merge(changes::router())
        .merge(undo::router())
        .merge(approval::router())
        .fallback(async || ServiceError::NotFound)
        .method_not_allowed_fallback(async || ServiceError::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&service),
            require_key,
        ))
        .route("/health", get(health))
        .with_state(service)
}

async fn health(
    State(service): State<Arc<Service>>,
) -> Result<Json<serde_json::Value>, ServiceError> {
    service.store.ping().await?;
    Ok(Json(json!({ "status": "ok" })))
}

async fn progress(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Json<ProgressBody>, ServiceError> {
    let import = service
        .store
        .monitor_import(&id)
        .await?
        .ok_or(ServiceError::NotFound)?;
    let import = service.announcer.up_to_date(import);
    let failed = service.store.monitor_failed_rows(&id, MAX_FAILED).await?;
    Ok(Json(ProgressBody::new(import, failed)))
}

async fn require_key(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let shown = headers
        .get("x-api-key")
        .map_or(&b""[..], |value| value.as_bytes());
    if service.knows(shown) {
        next.run(request).await
    } else {
        ServiceError::WrongKey.into_response()
    }
}

impl Service {
    /// Compares the key in constant time.
    pub(super) fn knows(&self, shown: &[u8]) -> bool {
        let key = self.options.api_key.expose_secret().as_bytes();
        !key.is_empty() && bool::from(key.ct_eq(shown))
    }
}

#[derive(Debug, Error)]
pub(super) enum ServiceError {
    WrongKey,
    NotFound,
    MethodNotAllowed,
    NotMultipart,
    NoFile,
    Empty,
    TooLarge(u64),
    Feed(#[from] FeedError),
    NoSpace(#[from] NoSpace),
    TooManyUnderWay,
    UnknownMode,
    BadKey,
    BadParameter(&'static str),
    NotOver,
    Over,
    NotKept,
    Answered,
    NoColumns,
    NothingFailed,
    NothingCorrected,
    NothingToUndo,
    NothingToApprove,
    BeingUndone,
    BadMapping(ErrorCode),
    Broken(MultipartError),
    ShuttingDown,
    Busy,
    Disk(#[from] io::Error),
    Store(#[from] StoreError),
}

impl ServiceError {
    pub(super) fn reason(&self) -> Reason {
        let code = match self {
            Self::WrongKey => ErrorCode::WrongApiKey,
            Self::NotFound => ErrorCode::ServiceNotFound,
            Self::MethodNotAllowed => ErrorCode::MethodNotAllowed,
            Self::NotMultipart => ErrorCode::NotMultipart,
            Self::NoFile => ErrorCode::NoFileField,
            Self::Empty => ErrorCode::EmptyFile,
            Self::TooLarge(limit) => ErrorCode::TooLargeFile { limit: *limit },
            Self::Feed(error) => return reasons::of_file(error),
            Self::NoSpace(error) => error.code(),
            Self::TooManyUnderWay => ErrorCode::MostUnfinished,
            Self::UnknownMode => ErrorCode::UnknownMode,
            Self::BadKey => ErrorCode::BadIdempotencyKey,
            Self::BadParameter(name) => ErrorCode::BadParameter {
                name: (*name).to_owned(),
            },
            Self::NotOver => ErrorCode::StillRunning,
            Self::Over => ErrorCode::AlreadyOver,
            Self::NotKept => ErrorCode::FileNotKept,
            Self::Answered => ErrorCode::AlreadyRunning,
            Self::NoColumns => ErrorCode::LongColumnNames,
            Self::NothingFailed => ErrorCode::NothingFailed,
            Self::NothingCorrected => ErrorCode::NothingCorrected,
            Self::NothingToUndo => ErrorCode::NothingToUndo,
            Self::NothingToApprove => ErrorCode::NothingToApprove,
            Self::BeingUndone => ErrorCode::BeingUndone,
            Self::BadMapping(code) => code.clone(),
            Self::Broken(_) => ErrorCode::UploadIncomplete,
            Self::ShuttingDown => ErrorCode::ShuttingDown,
            Self::Busy => ErrorCode::ManyFilesRead,
            Self::Disk(error) if is_full(error) => ErrorCode::DiskFull,
            Self::Disk(_) => ErrorCode::FileNotSaved,
            Self::Store(_) => ErrorCode::DatabaseFailed,
        };
        code.into()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl From<MultipartError> for ServiceError {
    fn from(error: MultipartError) -> Self {
        Self::Broken(error)
    }
}

impl ServiceError {
    fn status(&self) -> StatusCode {
        match self {
            Self::WrongKey => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotMultipart
            | Self::NoFile
            | Self::UnknownMode
            | Self::BadKey
            | Self::BadParameter(_) => StatusCode::BAD_REQUEST,
            Self::NotOver
            | Self::Over
            | Self::NotKept
            | Self::Answered
            | Self::NothingFailed
            | Self::NothingCorrected
            | Self::NothingToApprove
            | Self::NothingToUndo
            | Self::BeingUndone => StatusCode::CONFLICT,
            Self::Feed(FeedError::Io(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Feed(FeedError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Feed(FeedError::Empty | FeedError::Header(_)) | Self::BadMapping(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Feed(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Broken(error) if error.status().is_server_error() => StatusCode::BAD_REQUEST,
            Self::Broken(error) => error.status(),
            Self::Empty | Self::NoColumns => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::TooManyUnderWay => StatusCode::TOO_MANY_REQUESTS,
            Self::ShuttingDown | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Disk(error) if is_full(error) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Disk(_) | Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INSUFFICIENT_STORAGE {
            tracing::warn!(error = ?self, "no space for a file");
        } else if status.is_server_error() {
            tracing::error!(error = ?self, "request failed");
        }
        (status, Json(ErrorFields::of(self.reason()))).into_response()
    }
}
