//! The REST side: who may ask, what is answered, and how errors are said.

use std::{io, sync::Arc};

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
    message::{MAX_FAILED, ProgressBody},
    undo, upload, websocket,
};
use crate::{
    i18n::locale::Locale,
    server::{
        store::StoreError,
        uploads::space::{NoSpace, is_full},
    },
};

/// Bytes of an upload request beside the file itself.
const MULTIPART_OVERHEAD: u64 = 64 << 10;

/// Returns the routes. All but `/health` ask for the key.
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
    /// Returns whether this is the key, in a time that does not depend on how much of it is right.
    pub(super) fn knows(&self, shown: &[u8]) -> bool {
        let key = self.options.api_key.expose_secret().as_bytes();
        !key.is_empty() && bool::from(key.ct_eq(shown))
    }
}

const NOT_SAVED: &str = "The file could not be saved. Try again later.";

/// Why a request is refused. The text is the answer's `error`.
#[derive(Debug, Error)]
pub(super) enum ServiceError {
    #[error("Invalid API key")]
    WrongKey,
    #[error("Not found.")]
    NotFound,
    #[error("Method not allowed.")]
    MethodNotAllowed,
    #[error("The upload must be multipart/form-data with the product file in the field \"file\".")]
    NotMultipart,
    #[error("The upload has no \"file\" field.")]
    NoFile,
    #[error("The file is empty.")]
    Empty,
    #[error("The file is too large. The limit is {}.", Locale::English.bytes(*.0))]
    TooLarge(u64),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    NoSpace(#[from] NoSpace),
    #[error("You have reached the limit of unfinished imports. Wait until one of them finishes.")]
    TooManyUnderWay,
    #[error("The mode must be import or check.")]
    UnknownMode,
    #[error("The idempotency key must be a UUID.")]
    BadKey,
    #[error("The parameter {0} is not valid.")]
    BadParameter(&'static str),
    #[error("The import is still running. Cancel it first.")]
    NotOver,
    #[error("The import has already finished.")]
    Over,
    #[error("The file of this import is no longer stored. Upload it again.")]
    NotKept,
    #[error("The import is already running.")]
    Answered,
    #[error("The columns of this file cannot be shown because their names are too long.")]
    NoColumns,
    #[error("This import has no failed rows.")]
    NothingFailed,
    #[error("No cell was changed.")]
    NothingCorrected,
    #[error("This import changed no products, or its changes are no longer stored.")]
    NothingToUndo,
    #[error("This import is not waiting for approval.")]
    NothingToApprove,
    #[error("This import is already being undone.")]
    BeingUndone,
    #[error("Invalid column mapping: {0}")]
    BadMapping(String),
    #[error("The upload could not be read completely.")]
    Broken(MultipartError),
    #[error("The service is shutting down. Try again in a moment.")]
    ShuttingDown,
    #[error("Too many files are being read right now. Try again in a moment.")]
    Busy,
    #[error("{}", if is_full(.0) { NoSpace::Disk.to_string() } else { NOT_SAVED.to_owned() })]
    Disk(#[from] io::Error),
    #[error("A database error occurred. Try again later.")]
    Store(#[from] StoreError),
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
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}
