//! Resumable uploads: tus 1.0 (<https://tus.io/protocols/resumable-upload>), core with creation, expiration and
//! termination.
//!
//! Bytes are kept in the data directory. After the last one the file is handed to the price monitor, and the answer
//! names the import in `Import-Job`; later `HEAD`s repeat it, in case that answer was lost. Not offered where several
//! instances share no disk, such as with an external price monitor and PostgreSQL, or as a function.

use crate::{
    i18n::messages::ErrorCode,
    model::{
        audit::AuditAction,
        error::ApiError,
        import_options::{Instructions, PARAMETERS},
        job::{ImportMode, JobId},
        role::Permission,
        upload::{MODE_FIELD, RESUMABLE_PATH},
    },
    server::{
        auth::audit,
        config::{Config, Monitor},
        http::{
            middleware::access::Access::Person,
            routes::{Route, quick, uploads::receive::instruct},
            state::AppState,
        },
        identity::{principal::Principal, user::User},
        imports::intake::clean_filename,
        uploads::{limits::watched, private_directory::make_private_directory},
    },
};
use std::{
    io::{self, SeekFrom},
    time::Duration,
};

use axum::{
    Extension,
    body::Body,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{self, MethodRouter, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncSeekExt, AsyncWriteExt},
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

mod error;
mod janitor;
mod storage;

use self::{
    error::TusError,
    janitor::{count_unfinished, remove_orphans},
    storage::{Parts, Turn, Upload, name_of_bytes},
};

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const IMPORT_JOB: HeaderName = HeaderName::from_static("import-job");

const EXPIRY: Duration = Duration::from_secs(24 * 60 * 60);

const PART: &[u8] = b"application/offset+octet-stream";

const MAX_OF_USER: usize = 10;

const UPLOAD: &str = "/uploads/{id}";

/// Requires the extension [`parts`].
pub(in crate::server::http::routes) const ROUTES: &[Route] = &[
    part("POST", RESUMABLE_PATH, || post(create).layer(quick())),
    part("OPTIONS", RESUMABLE_PATH, || {
        routing::options(options).layer(quick())
    }),
    part("GET", UPLOAD, || routing::get(offset).layer(quick())),
    part("PATCH", UPLOAD, || {
        routing::patch(append).layer(DefaultBodyLimit::disable())
    }),
    part("DELETE", UPLOAD, || {
        routing::delete(terminate).layer(quick())
    }),
    part("OPTIONS", UPLOAD, || {
        routing::options(options).layer(quick())
    }),
];

const fn part(
    method: &'static str,
    path: &'static str,
    handler: fn() -> MethodRouter<AppState>,
) -> Route {
    Route::rest(method, path, Person(Permission::Import), handler)
}

pub(crate) fn parts(state: &AppState) -> Extension<Parts> {
    let directory = state.config.data_dir.join("parts");
    let tidied = remove_orphans(&directory);
    if let Err(error) = tidied.and_then(|()| count_unfinished(&directory, &state.space))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "cannot clean up parts of uploads");
    }
    Extension(Parts::new(directory, state.space.clone()))
}

/// Whether all requests of an upload reach the same disk.
fn is_offered(config: &Config) -> bool {
    config.database.is_file() || matches!(config.monitor, Monitor::Embedded { .. })
}

async fn options(State(state): State<AppState>) -> Response {
    let headers = [
        (TUS_RESUMABLE, VERSION),
        (HeaderName::from_static("tus-version"), VERSION),
        (
            HeaderName::from_static("tus-extension"),
            HeaderValue::from_static("creation,expiration,termination"),
        ),
        (
            HeaderName::from_static("tus-max-size"),
            state.config.imports.max_upload.into(),
        ),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Creation, section "POST".
async fn create(
    State(state): State<AppState>,
    Extension(parts): Extension<Parts>,
    Extension(user): Extension<User>,
    headers: HeaderMap,
) -> Result<Response, TusError> {
    if !is_offered(&state.config) {
        return Err(TusError::NotFound);
    }
    check_version(&headers)?;
    let length = number(&headers, &UPLOAD_LENGTH)?;
    if length == 0 {
        return Err(TusError::Empty);
    }
    if length > state.config.imports.max_upload {
        return Err(TusError::TooLarge(state.config.imports.max_upload));
    }
    let metadata = headers
        .get(UPLOAD_METADATA)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut what = Instructions::default();
    for name in std::iter::once(MODE_FIELD).chain(PARAMETERS) {
        let value = value_of(metadata, name).unwrap_or_default();
        instruct(&state, &mut what, name, &value)
            .map_err(|error| TusError::NotTaken(ApiError::Invalid(error.reason())))?;
    }
    make_private_directory(&parts.directory).await?;
    let beginning = parts.beginning.lock().await;
    if parts.tidy_and_count(&user).await? >= MAX_OF_USER {
        return Err(TusError::TooMany);
    }
    let id = Uuid::now_v7();
    let upload = Upload {
        user: user.id.as_str().to_owned(),
        length,
        filename: clean_filename(&value_of(metadata, "filename").unwrap_or_default()),
        only_check: what.mode == ImportMode::Check,
        options: what.options,
        job: None,
    };
    parts.space.take(&name_of_bytes(id), &upload.user, length)?;
    let made = async {
        File::create_new(parts.bytes(id)).await?;
        parts.describe(id, &upload).await
    };
    if let Err(error) = made.await {
        parts.remove(id).await;
        return Err(error.into());
    }
    drop(beginning);
    let location = HeaderValue::try_from(format!("{RESUMABLE_PATH}/{id}"))
        .map_err(|_| TusError::Unreadable)?;
    let headers = [
        (TUS_RESUMABLE, VERSION),
        (header::LOCATION, location),
        (HeaderName::from_static("upload-expires"), expires()),
    ];
    Ok((StatusCode::CREATED, headers).into_response())
}

/// Returns the offset (core, section "HEAD"). A complete upload is imported first, because the last `PATCH` or the
/// server may have ended before that, and the client will send no more.
async fn offset(
    State(state): State<AppState>,
    Extension(parts): Extension<Parts>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, TusError> {
    check_version(&headers)?;
    let (id, mut upload) = parts.find(&who.user, &id).await?;
    let offset = parts.offset(id, &upload).await?;
    if offset == upload.length
        && upload.job.is_none()
        && let Ok(turn) = parts.turn(id)
    {
        // Read again, now that nothing else writes it.
        (_, upload) = parts.find(&who.user, &id.to_string()).await?;
        if upload.job.is_none() {
            upload = finish(&state, who, parts, id, upload, turn).await?;
        }
    }
    let mut answer = progress(offset, &upload);
    answer.insert(UPLOAD_LENGTH, upload.length.into());
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((StatusCode::OK, answer).into_response())
}

/// Appends bytes (core, section "PATCH"); starts the import after the last one.
async fn append(
    State(state): State<AppState>,
    Extension(parts): Extension<Parts>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, TusError> {
    check_version(request.headers())?;
    let _slot = state.uploads.take(&who.user.id).ok_or(TusError::TooMany)?;
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if content_type.is_none_or(|given| !given.as_bytes().eq_ignore_ascii_case(PART)) {
        return Err(TusError::ContentType);
    }
    let (id, _) = parts.find(&who.user, &id).await?;
    let turn = parts.turn(id)?;
    // Read again, now that nothing else writes it.
    let (_, mut upload) = parts.find(&who.user, &id.to_string()).await?;
    let mut offset = parts.offset(id, &upload).await?;
    if number(request.headers(), &UPLOAD_OFFSET)? != offset {
        return Err(TusError::Offset);
    }
    if upload.job.is_none() {
        let body = request.into_body();
        offset = receive(&parts, id, &upload, offset, body).await?;
        if offset == upload.length {
            upload = finish(&state, who, parts, id, upload, turn).await?;
        }
    }
    let mut answer = progress(offset, &upload);
    answer.insert(HeaderName::from_static("upload-expires"), expires());
    Ok((StatusCode::NO_CONTENT, answer).into_response())
}

/// Imports a complete upload and stores the import's ID. Runs to completion even if the client disconnects.
async fn finish(
    state: &AppState,
    who: Principal,
    parts: Parts,
    id: Uuid,
    mut upload: Upload,
    turn: Turn,
) -> Result<Upload, TusError> {
    let relay = state.relay.clone();
    let state = state.clone();
    let finishing = async move {
        // From now on it counts as the price monitor's.
        parts.space.let_go(&name_of_bytes(id));
        match hand_over(&state, &who.user, &parts, id, &upload).await {
            Ok(job) => upload.job = Some(job),
            Err(error) => {
                if fs::try_exists(parts.bytes(id)).await.unwrap_or(true) {
                    parts.space.hold(&name_of_bytes(id), upload.stored());
                }
                return Err(error);
            }
        }
        parts.describe(id, &upload).await?;
        // Later `HEAD`s need the description only.
        let _ = fs::remove_file(parts.bytes(id)).await;
        drop(turn);
        let action = AuditAction::of_start(upload.mode());
        audit::record_by(&state.store, &who, action, &upload.filename).await;
        Ok(upload)
    };
    let finished = relay.see_through(finishing).await;
    finished.map_err(TusError::NotTaken)?
}

/// Writes bytes as they arrive; those of an interrupted request stay.
async fn receive(
    parts: &Parts,
    id: Uuid,
    upload: &Upload,
    mut offset: u64,
    body: Body,
) -> Result<u64, TusError> {
    let mut file = OpenOptions::new().write(true).open(parts.bytes(id)).await?;
    // Not to its end: a late write of an interrupted request writes the same bytes to the same place.
    file.seek(SeekFrom::Start(offset)).await?;
    let mut body = std::pin::pin!(watched(body.into_data_stream()));
    let mut fault = None;
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else {
            fault = Some(TusError::Broken);
            break;
        };
        let end = offset + chunk.len() as u64;
        if end > upload.length {
            fault = Some(TusError::Unreadable);
            break;
        }
        file.write_all(&chunk).await?;
        offset = end;
    }
    file.flush().await?;
    file.sync_all().await?;
    fault.map_or(Ok(offset), Err)
}

/// Hands a complete file to the price monitor. A rejected one is removed.
async fn hand_over(
    state: &AppState,
    user: &User,
    parts: &Parts,
    id: Uuid,
    upload: &Upload,
) -> Result<JobId, TusError> {
    let what = Instructions {
        mode: upload.mode(),
        options: upload.options,
        ..Instructions::default()
    };
    let file = File::open(parts.bytes(id)).await?;
    if file.metadata().await?.len() != upload.length {
        parts.remove(id).await;
        return Err(TusError::NotTaken(ApiError::invalid(
            ErrorCode::FileChanged,
        )));
    }
    let file = ReaderStream::with_capacity(file, 256 << 10);
    let created = state
        .imports
        .create(
            &user.id,
            what,
            Some(id.to_string()),
            upload.filename.clone(),
            file,
        )
        .await;
    if matches!(created, Err(ApiError::Invalid(_))) {
        parts.remove(id).await;
    }
    created.map_err(TusError::NotTaken)
}

/// Termination.
async fn terminate(
    Extension(parts): Extension<Parts>,
    Extension(user): Extension<User>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, TusError> {
    check_version(&headers)?;
    let (id, _) = parts.find(&user, &id).await?;
    let _turn = parts.turn(id)?;
    parts.remove(id).await;
    Ok((StatusCode::NO_CONTENT, [(TUS_RESUMABLE, VERSION)]).into_response())
}

fn check_version(headers: &HeaderMap) -> Result<(), TusError> {
    if headers.get(TUS_RESUMABLE) == Some(&VERSION) {
        Ok(())
    } else {
        Err(TusError::Version)
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, TusError> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .ok_or(TusError::Unreadable)
}

fn progress(offset: u64, upload: &Upload) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([
        (TUS_RESUMABLE, VERSION),
        (UPLOAD_OFFSET, HeaderValue::from(offset)),
    ]);
    if let Some(job) = &upload.job
        && let Ok(job) = HeaderValue::try_from(job.as_str())
    {
        headers.insert(IMPORT_JOB, job);
    }
    headers
}

fn expires() -> HeaderValue {
    let at = std::time::SystemTime::now() + EXPIRY;
    HeaderValue::try_from(httpdate::fmt_http_date(at)).unwrap_or(HeaderValue::from_static(""))
}

/// Finds a value in `Upload-Metadata`: comma-separated pairs of key and Base64 value.
fn value_of(metadata: &str, key: &str) -> Option<String> {
    let value = metadata.split(',').find_map(|pair| {
        let mut parts = pair.trim().splitn(2, ' ');
        (parts.next()? == key).then(|| parts.next().unwrap_or_default().trim())
    })?;
    String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_where_the_next_one_comes_to_the_same_disk() {
        let offered = |settings: &[(&str, &str)]| {
            let config = Config::read(|name| {
                let found = settings.iter().find(|(key, _)| *key == name)?;
                Some(found.1.to_owned())
            });
            is_offered(&config.unwrap())
        };
        let postgres = ("DATABASE_URL", "postgres://db.example/relay");
        let external = [
            ("MONITOR_PRICE_APP_HOST", "https://monitor.example"),
            ("PRICE_MONITOR_API_KEY", "the-key"),
        ];
        assert!(offered(&[]));
        assert!(offered(&[postgres]));
        assert!(offered(&external));
        assert!(!offered(&[postgres, external[0], external[1]]));
    }

    #[test]
    fn metadata_is_read_as_the_protocol_writes_it() {
        let metadata = "filename w7xiZXIuY3N2,check,other eA==";
        assert_eq!(value_of(metadata, "filename").as_deref(), Some("über.csv"));
        assert_eq!(value_of(metadata, "check").as_deref(), Some(""));
        assert_eq!(value_of(metadata, "nothing"), None);
        assert_eq!(value_of("filename !!", "filename"), None);
    }
}
