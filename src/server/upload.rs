//! `POST /imports`: a product file, streamed on to the price monitor as it comes in; `POST
//! /imports/from-address`: the same, fetched from an address.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension, Form, Json,
    extract::{Request, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use leptos::prelude::use_context;
use multer::Multipart;
use serde::Deserialize;
use thiserror::Error;

use super::{
    auth::{HOME, audit, cookie::OwnCookie, request::Caller},
    gate::wants_page,
    relay::UploadMode,
    remote_file::RemoteError,
    state::{AppState, app_state},
    store::users::User,
    upload_limits::{Allowance, Metered, TooMuch, watched},
};
use crate::{
    api::{
        ApiError,
        audit::AuditAction,
        imports::{CHECK_FIELD, UploadAnswer},
    },
    job::JobId,
};

/// How long the rest of a refused upload is read, for the browser to come to the answer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// What a multipart body has beside the file itself, at most.
const MULTIPART_OVERHEAD: u64 = 16 << 10;
/// The most fields up to the file.
const MAX_FIELDS: usize = 16;
const MAX_FILENAME: usize = 200;
/// The longest key by which a client may send a file again.
const MAX_KEY: usize = 255;
/// The most of the rest of a refused upload that is read.
const DRAIN: u64 = 16 << 20;
/// How long the reason of a refusal waits for the browser to come back, in seconds.
const ERROR_MAX_AGE: i64 = 60;

/// Why an upload was not taken. The texts are for users.
#[derive(Clone, Debug, Error)]
pub(super) enum UploadError {
    #[error("Choose a product file first.")]
    NoFile,
    #[error("The file is empty.")]
    Empty,
    #[error("The file is too large: at most {} can be imported.", bytesize::ByteSize(*.0).display().si())]
    TooLarge(u64),
    #[error("The upload broke off. Try again.")]
    Broken,
    #[error("The form could not be read. Reload the page and try again.")]
    Unreadable,
    #[error("{0}")]
    NotFetched(#[from] RemoteError),
    #[error("{0}")]
    NotTaken(ApiError),
}

impl UploadError {
    pub(super) fn status_code(&self) -> StatusCode {
        match self {
            Self::NoFile | Self::Empty | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::REQUEST_TIMEOUT,
            Self::NotFetched(_) | Self::NotTaken(ApiError::Invalid(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NotTaken(error) => error.status_code(),
        }
    }

    /// Returns the headers that go with the error.
    pub(super) fn headers(&self) -> HeaderMap {
        match self {
            Self::NotTaken(error) => error.headers(),
            _ => HeaderMap::new(),
        }
    }
}

/// Returns the key by which a client may send the same file again.
fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    let key = headers.get("idempotency-key")?.to_str().ok()?.trim();
    (!key.is_empty() && key.len() <= MAX_KEY).then(|| key.to_owned())
}

/// Takes a product file in.
pub(super) async fn upload(
    State(state): State<AppState>,
    Extension(user): Extension<User>,
    request: Request,
) -> Response {
    let is_form = wants_page(request.headers());
    let taken = take_file(&state, &user, request).await;
    answer(&state, is_form, taken)
}

/// A file that is somewhere else.
#[derive(Debug, Deserialize)]
pub(super) struct FileAddress {
    /// Where it is.
    url: String,
    /// There where it is to be checked alone.
    check: Option<String>,
}

/// Fetches a product file.
pub(super) async fn fetch(
    State(state): State<AppState>,
    Extension(user): Extension<User>,
    parts: Parts,
    form: Result<Form<FileAddress>, FormRejection>,
) -> Response {
    let is_form = wants_page(&parts.headers);
    let taken = match form {
        Ok(Form(file)) => {
            let mode = if file.check.is_some() && state.offers_checks() {
                UploadMode::Check
            } else {
                UploadMode::Import
            };
            fetch_file(&state, &user, &Caller::of(&parts), &file.url, mode).await
        }
        Err(_) => Err(UploadError::Unreadable),
    };
    answer(&state, is_form, taken)
}

fn answer(state: &AppState, is_form: bool, taken: Result<JobId, UploadError>) -> Response {
    match taken {
        Ok(id) if is_form => Redirect::to(&format!("{HOME}/{id}")).into_response(),
        Ok(id) => (StatusCode::CREATED, Json(UploadAnswer::Started { id })).into_response(),
        Err(error) if is_form => {
            let text = hex::encode(error.to_string());
            let cookie = OwnCookie::UploadError.header(state, text, ERROR_MAX_AGE);
            (
                AppendHeaders([(header::SET_COOKIE, cookie)]),
                Redirect::to(HOME),
            )
                .into_response()
        }
        Err(error) => {
            let answer = UploadAnswer::Refused {
                error: error.to_string(),
            };
            (error.status_code(), error.headers(), Json(answer)).into_response()
        }
    }
}

/// Fetches the file at an address, has it imported for the user and notes that they did. When the request
/// goes, so does the file.
pub(super) async fn fetch_file(
    state: &AppState,
    user: &User,
    caller: &Caller,
    address: &str,
    mode: UploadMode,
) -> Result<JobId, UploadError> {
    let busy = UploadError::NotTaken(ApiError::TooMany);
    let _slot = state.uploads.take(&user.id).ok_or(busy)?;
    let max = state.config.max_upload;
    let file = state.remote_files.open(address).await?;
    if file.length.is_some_and(|length| length > max) {
        return Err(UploadError::TooLarge(max));
    }
    let given = file.name.clone();
    let mut file = Box::pin(file.into_stream().err_into());
    let first = loop {
        match file.try_next().await? {
            Some(chunk) if chunk.is_empty() => {}
            Some(chunk) => break chunk,
            None => return Err(UploadError::Empty),
        }
    };
    let whole = stream::iter([Ok(first)]).chain(file);
    let (id, filename) = hand_over(state, user, mode, None, &given, whole).await?;
    audit::record(state, caller, user, AuditAction::ImportStarted, &filename).await;
    Ok(id)
}

/// Takes the file in the body, has it imported for the user and notes that they did.
pub(super) async fn take_file(
    state: &AppState,
    user: &User,
    request: Request,
) -> Result<JobId, UploadError> {
    let busy = UploadError::NotTaken(ApiError::TooMany);
    let _slot = state.uploads.take(&user.id).ok_or(busy)?;
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&parts);
    let request = Request::from_parts(parts, body);
    let (id, filename) = take_form(state, user, request).await?;
    audit::record(state, &caller, user, AuditAction::ImportStarted, &filename).await;
    Ok(id)
}

async fn take_form(
    state: &AppState,
    user: &User,
    request: Request,
) -> Result<(JobId, String), UploadError> {
    let headers = request.headers();
    let key = idempotency_key(headers);
    let max = state.config.max_upload;
    let is_too_large =
        content_length(headers).is_some_and(|length| length > max + MULTIPART_OVERHEAD);
    let boundary = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| multer::parse_boundary(value).ok())
        .ok_or(UploadError::Unreadable)?;
    let body = request.into_body().into_data_stream();
    let (body, allowance) = Metered::new(watched(body), MULTIPART_OVERHEAD);
    let mut form = Multipart::new(body, boundary);
    let taken = if is_too_large {
        Err(UploadError::TooLarge(max))
    } else {
        take_field(state, user, key, &mut form, &allowance).await
    };
    if taken.is_err() {
        // A browser shows an answer only when it has sent all.
        allowance.allow(DRAIN);
        let rest = async { while let Ok(Some(_)) = form.next_field().await {} };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, rest).await;
    }
    taken
}

async fn take_field(
    state: &AppState,
    user: &User,
    key: Option<String>,
    form: &mut Multipart<'static>,
    allowance: &Allowance,
) -> Result<(JobId, String), UploadError> {
    let mut mode = UploadMode::Import;
    let mut fields = 0..MAX_FIELDS;
    let mut field = loop {
        if fields.next().is_none() {
            return Err(UploadError::Unreadable);
        }
        let found = form.next_field().await;
        allowance.allow(MULTIPART_OVERHEAD);
        match found {
            Ok(Some(field)) if field.name() == Some("file") => break field,
            // The box stands before the file in the form, and so does its field.
            Ok(Some(field)) if field.name() == Some(CHECK_FIELD) => {
                if state.offers_checks() {
                    mode = UploadMode::Check;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => return Err(UploadError::NoFile),
            Err(error) => return Err(form_error(&error)),
        }
    };
    // How long the file is, `Measured` sees to.
    allowance.allow(u64::MAX);
    let given = field.file_name().unwrap_or_default().to_owned();
    let first = loop {
        match field.chunk().await {
            Ok(Some(chunk)) if chunk.is_empty() => {}
            Ok(Some(chunk)) => break chunk,
            Ok(None) if given.is_empty() => return Err(UploadError::NoFile),
            Ok(None) => return Err(UploadError::Empty),
            Err(error) => return Err(form_error(&error)),
        }
    };
    let whole = stream::iter([Ok(first)]).chain(field);
    let whole = whole.map_err(|error| form_error(&error));
    hand_over(state, user, mode, key, &given, whole).await
}

/// Streams a file on to the price monitor, and returns the import that it makes of it.
async fn hand_over(
    state: &AppState,
    user: &User,
    mode: UploadMode,
    key: Option<String>,
    given: &str,
    whole: impl Stream<Item = Result<Bytes, UploadError>> + Send + 'static,
) -> Result<(JobId, String), UploadError> {
    let fault = Fault::default();
    let max = state.config.max_upload;
    let file = Measured {
        inner: Box::pin(whole),
        left: max,
        max,
        fault: fault.clone(),
    };
    let filename = clean_filename(given);
    let created = state
        .relay
        .create_import(&user.id, mode, key, filename.clone(), file)
        .await;
    match fault.take() {
        Some(fault) => Err(fault),
        None => created
            .map(|id| (id, filename))
            .map_err(UploadError::NotTaken),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn form_error(error: &multer::Error) -> UploadError {
    match error {
        multer::Error::StreamReadFailed(why) if why.is::<TooMuch>() => UploadError::Unreadable,
        multer::Error::StreamReadFailed(_) | multer::Error::IncompleteStream => UploadError::Broken,
        _ => UploadError::Unreadable,
    }
}

/// What went wrong with the file on its way through, told apart from what the price monitor says.
#[derive(Clone, Debug, Default)]
struct Fault(Arc<Mutex<Option<UploadError>>>);

impl Fault {
    fn set(&self, error: UploadError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<UploadError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A file that breaks off where it gets too large.
struct Measured {
    inner: Pin<Box<dyn Stream<Item = Result<Bytes, UploadError>> + Send>>,
    left: u64,
    max: u64,
    fault: Fault,
}

impl Stream for Measured {
    type Item = Result<Bytes, UploadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = std::task::ready!(self.inner.as_mut().poll_next(cx));
        let fault = match chunk {
            None => return Poll::Ready(None),
            Some(Ok(chunk)) => match self.left.checked_sub(chunk.len() as u64) {
                Some(left) => {
                    self.left = left;
                    return Poll::Ready(Some(Ok(chunk)));
                }
                None => UploadError::TooLarge(self.max),
            },
            Some(Err(fault)) => fault,
        };
        self.fault.set(fault.clone());
        Poll::Ready(Some(Err(fault)))
    }
}

/// Keeps the last part of a name, without what could not be shown.
pub(super) fn clean_filename(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_FILENAME)
        .collect();
    if name.trim().is_empty() {
        "products.csv".to_owned()
    } else {
        name.trim().to_owned()
    }
}

/// Takes the reason why the browser's last form upload was refused, inside a server function.
pub(crate) fn take_last_error() -> Option<String> {
    let (parts, state) = (use_context::<Parts>()?, app_state().ok()?);
    let text = hex::decode(OwnCookie::UploadError.get(&state, &parts.headers)?).ok()?;
    // That it is told again does no harm.
    let _ = OwnCookie::UploadError.set(&state, String::new(), 0);
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_path() {
        for (given, clean) in [
            ("shop.csv", "shop.csv"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\x\shop.csv", "shop.csv"),
            ("a\u{0}b\n.csv", "ab.csv"),
            ("", "products.csv"),
            ("x/", "products.csv"),
        ] {
            assert_eq!(clean_filename(given), clean);
        }
        assert_eq!(
            clean_filename(&"é".repeat(300)).chars().count(),
            MAX_FILENAME
        );
    }
}
