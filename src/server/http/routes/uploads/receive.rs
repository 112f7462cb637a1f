//! `POST /imports`: streams a product file to the price monitor. `POST /imports/from-address`: fetches it from a URL.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Form, Json,
    extract::{DefaultBodyLimit, Request, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use multer::{Field, Multipart};

use crate::{
    model::{
        audit::AuditAction,
        error::ApiError,
        import_options::{ChosenFields, FIELDS, Instructions, PARAMETERS},
        job::{ImportMode, JobId},
        refused_form::RefusedForm,
        role::Permission,
        source::source_path,
        upload::{
            ADDRESS_FIELD, ADDRESS_PATH, MODE_FIELD, SOURCE_FIELD, UPLOAD_PATH, UploadAnswer,
        },
    },
    server::{
        auth::{
            HOME, audit,
            request::{Caller, wants_page},
        },
        error::error_body,
        http::{
            middleware::{access::Access::Person, refused_forms},
            routes::Route,
            state::AppState,
        },
        identity::user::User,
        telemetry::masked,
        uploads::{
            limits::{Allowance, Metered, TooMuch, watched},
            part_name,
            upload_error::UploadError,
        },
    },
};

/// How long the rest of a rejected upload is read, so that the browser reads the answer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
const MULTIPART_OVERHEAD: u64 = 16 << 10;
const MAX_FIELDS: usize = 32;
const MAX_KEY: usize = 255;
const MAX_SHOWN: usize = 60;
const DRAIN: u64 = 16 << 20;

pub(in crate::server::http::routes) const ROUTES: &[Route] = &[
    Route::rest("POST", UPLOAD_PATH, Person(Permission::Import), || {
        post(upload).layer(DefaultBodyLimit::disable())
    }),
    Route::rest("POST", ADDRESS_PATH, Person(Permission::Import), || {
        post(fetch)
    }),
];

fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    let key = headers.get("idempotency-key")?.to_str().ok()?.trim();
    (!key.is_empty() && key.len() <= MAX_KEY).then(|| key.to_owned())
}

pub(crate) async fn upload(
    State(state): State<AppState>,
    Extension(user): Extension<User>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let source = source_in_query(request.uri().query());
    let page = source.as_deref().map(source_path);
    let (what, mut fields) = (Instructions::default(), Fields::new());
    let taken = take_file(&state, &user, what, source, request, &mut fields).await;
    let page = match &taken {
        Err(UploadError::NoSource) => None,
        _ => page,
    };
    let page = page.as_deref().unwrap_or(HOME);
    let sent = (UPLOAD_PATH, fields);
    answer(&state, &user, &headers, page, sent, taken.map(|(id, _)| id))
}

/// Returns the source whose page has the form.
fn source_in_query(query: Option<&str>) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    let (_, id) = pairs.find(|(name, _)| name == SOURCE_FIELD)?;
    Some(id.into_owned())
}

/// The fields of a form, to show it again if it is refused.
pub(crate) type Fields = Vec<(String, String)>;

pub(crate) async fn fetch(
    State(state): State<AppState>,
    Extension(user): Extension<User>,
    parts: Parts,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let fields = form.map(|Form(fields)| fields);
    let asked = match &fields {
        Ok(fields) => asked(&state, fields),
        Err(_) => Err(UploadError::Unreadable),
    };
    let taken = match asked {
        Ok((url, what)) => fetch_file(&state, &user, &Caller::of(&parts), &url, what).await,
        Err(error) => Err(error),
    };
    let sent = (ADDRESS_PATH, fields.unwrap_or_default());
    answer(&state, &user, &parts.headers, HOME, sent, taken)
}

fn asked(state: &AppState, fields: &Fields) -> Result<(String, Instructions), UploadError> {
    let (mut url, mut what) = (None, Instructions::default());
    for (name, value) in fields {
        if name == ADDRESS_FIELD {
            url = Some(value.clone());
        } else {
            instruct(state, &mut what, name, value)?;
        }
    }
    Ok((url.ok_or(UploadError::Unreadable)?, what))
}

pub(crate) fn instruct(
    state: &AppState,
    what: &mut Instructions,
    name: &str,
    value: &str,
) -> Result<(), UploadError> {
    if name == MODE_FIELD {
        what.mode = match value {
            "" => ImportMode::Import,
            mode => mode.parse().map_err(|_| UploadError::UnknownMode)?,
        };
    } else if PARAMETERS.contains(&name) {
        let set = what.options.set(name, value);
        set.map_err(|name| UploadError::UnknownValue { name })?;
    } else {
        return Err(UploadError::UnknownParameter(shown(name)));
    }
    if what.mode == ImportMode::Check && !state.offers_checks() {
        return Err(UploadError::NoChecks);
    }
    if !what.options.is_default() && !state.offers_options() {
        return Err(UploadError::NoOptions);
    }
    Ok(())
}

pub(crate) fn instructs(name: &str) -> bool {
    name == MODE_FIELD || PARAMETERS.contains(&name)
}

/// Answers a script with JSON; redirects a browser to the import or back to the form.
fn answer(
    state: &AppState,
    user: &User,
    headers: &HeaderMap,
    page: &str,
    (action, fields): (&str, Fields),
    taken: Result<JobId, UploadError>,
) -> Response {
    let is_form = wants_page(headers);
    match taken {
        Ok(id) if is_form => Redirect::to(&format!("{HOME}/{id}")).into_response(),
        Ok(id) => (StatusCode::CREATED, Json(UploadAnswer::Started { id })).into_response(),
        Err(error) if is_form => {
            let form = RefusedForm {
                action: action.to_owned(),
                error: Some(ApiError::Invalid(error.reason())),
                fields,
            };
            refused_forms::back_to(state, headers, Some(user), page, form)
        }
        Err(error) => {
            let answer = UploadAnswer::Refused(error_body(error.reason()));
            (error.status_code(), error.headers(), Json(answer)).into_response()
        }
    }
}

/// Fetches a file, imports it for the user, and records that. Cancelled with the request.
pub(crate) async fn fetch_file(
    state: &AppState,
    user: &User,
    caller: &Caller,
    address: &str,
    what: Instructions,
) -> Result<JobId, UploadError> {
    let busy = UploadError::NotTaken(ApiError::TooMany);
    let _slot = state.uploads.take(&user.id).ok_or(busy)?;
    let max = state.config.imports.max_upload;
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
    let (imports, max) = (&state.imports, state.config.imports.max_upload);
    let action = AuditAction::of_start(what.mode);
    let (id, filename) = imports
        .take_in(&user.id, what, None, &given, max, whole)
        .await?;
    audit::record(&state.auth, caller, user, action, &filename).await;
    Ok(id)
}

/// Imports the file in the body for the user, and records that. Fields of the form override `what` and `source`, and are added
/// to `fields`.
pub(crate) async fn take_file(
    state: &AppState,
    user: &User,
    what: Instructions,
    source: Option<String>,
    request: Request,
    fields: &mut Fields,
) -> Result<(JobId, ImportMode), UploadError> {
    let busy = UploadError::NotTaken(ApiError::TooMany);
    let _slot = state.uploads.take(&user.id).ok_or(busy)?;
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&parts);
    let request = Request::from_parts(parts, body);
    let (id, mode, filename) = take_form(state, user, what, source, request, fields).await?;
    audit::record(
        &state.auth,
        &caller,
        user,
        AuditAction::of_start(mode),
        &filename,
    )
    .await;
    Ok((id, mode))
}

async fn take_form(
    state: &AppState,
    user: &User,
    what: Instructions,
    source: Option<String>,
    request: Request,
    fields: &mut Fields,
) -> Result<(JobId, ImportMode, String), UploadError> {
    let headers = request.headers();
    let key = idempotency_key(headers);
    let max = state.config.imports.max_upload;
    let is_too_large =
        content_length(headers).is_some_and(|length| length > max + MULTIPART_OVERHEAD);
    let boundary = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| multer::parse_boundary(value).ok())
        .ok_or(UploadError::Unreadable)?;
    let body = request.into_body().into_data_stream();
    let (body, allowance) = Metered::new(watched(body), MULTIPART_OVERHEAD);
    let form = SharedForm::new(Multipart::new(body, boundary));
    let taken = if is_too_large {
        Err(UploadError::TooLarge(max))
    } else {
        take_field(state, user, (what, source), key, &form, &allowance, fields).await
    };
    if taken.is_err() {
        // A browser shows the answer only after sending everything.
        allowance.allow(DRAIN);
        let rest = async { while let Ok(Some(_)) = form.next_field().await {} };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, rest).await;
    }
    taken
}

/// A form shared by the reader of the fields before the file and the reader of the file. Clones share it.
#[derive(Clone)]
struct SharedForm(Arc<tokio::sync::Mutex<Multipart<'static>>>);

impl SharedForm {
    fn new(form: Multipart<'static>) -> Self {
        Self(Arc::new(tokio::sync::Mutex::new(form)))
    }

    async fn next_field(&self) -> multer::Result<Option<Field<'static>>> {
        self.0.lock().await.next_field().await
    }
}

async fn take_field(
    state: &AppState,
    user: &User,
    (mut what, mut source): (Instructions, Option<String>),
    key: Option<String>,
    form: &SharedForm,
    allowance: &Allowance,
    fields: &mut Fields,
) -> Result<(JobId, ImportMode, String), UploadError> {
    let mut left = 0..MAX_FIELDS;
    let mut are_fields_said = false;
    let mut field = loop {
        if left.next().is_none() {
            return Err(UploadError::Unreadable);
        }
        let found = form.next_field().await;
        allowance.allow(MULTIPART_OVERHEAD);
        let field = match found {
            Ok(Some(field)) => field,
            Ok(None) => return Err(UploadError::NoFile),
            Err(error) => return Err(form_error(&error)),
        };
        match field.name() {
            Some("file") => break field,
            name => {
                let name = name.unwrap_or_default().to_owned();
                if name == SOURCE_FIELD {
                    let id = field.text().await.map_err(|error| form_error(&error))?;
                    source = Some(id);
                    continue;
                }
                if !instructs(&name) {
                    return Err(UploadError::UnknownParameter(shown(&name)));
                }
                let given = field.text().await.map_err(|error| form_error(&error))?;
                if name == FIELDS && !std::mem::replace(&mut are_fields_said, true) {
                    // Replaces those of the query.
                    what.options.fields = ChosenFields::ALL;
                }
                fields.push((name.clone(), given.clone()));
                instruct(state, &mut what, &name, &given)?;
            }
        }
    };
    // `Measured` limits the file's length.
    allowance.allow(u64::MAX);
    let given = part_name::given(field.headers()).unwrap_or_default();
    let first = loop {
        match field.chunk().await {
            Ok(Some(chunk)) if chunk.is_empty() => {}
            Ok(Some(chunk)) => break chunk,
            Ok(None) if given.is_empty() => return Err(UploadError::NoFile),
            Ok(None) => return Err(UploadError::Empty),
            Err(error) => return Err(form_error(&error)),
        }
    };
    let whole = stream::iter([Ok(first)]).chain(to_the_end(form.clone(), field));
    let source = match source {
        None => None,
        // A source determines the instructions alone.
        Some(_) if what != Instructions::default() => return Err(UploadError::OfSource),
        Some(id) => {
            let begun = state.sources.begin_upload(user, &id).await;
            Some(begun.map_err(|error| match error {
                ApiError::NotFound => UploadError::NoSource,
                error => UploadError::NotTaken(error),
            })?)
        }
    };
    let (imports, user) = (state.imports.clone(), user.id.clone());
    let (max, mut key) = (state.config.imports.max_upload, key);
    if let Some(source) = &source {
        (what, key) = (source.what(), None);
    }
    let mode = what.mode;
    let importing = async move { imports.take_in(&user, what, key, &given, max, whole).await };
    let (id, filename) = match source {
        None => importing.await?,
        Some(source) => source.import(importing).await?,
    };
    Ok((id, mode, filename))
}

/// Returns the rest of a file; fails if a field follows, which would come too late.
fn to_the_end(
    form: SharedForm,
    file: Field<'static>,
) -> impl Stream<Item = Result<Bytes, UploadError>> {
    stream::try_unfold((form, Some(file)), |(form, file)| async {
        let Some(mut file) = file else {
            return Ok(None);
        };
        match file.chunk().await {
            Ok(Some(chunk)) => return Ok(Some((chunk, (form, Some(file))))),
            Ok(None) => drop(file),
            Err(error) => return Err(form_error(&error)),
        }
        match form.next_field().await {
            Ok(None) => Ok(None),
            Ok(Some(field)) => {
                let name = field.name().unwrap_or_default();
                Err(if instructs(name) {
                    UploadError::BehindFile(shown(name))
                } else {
                    UploadError::UnknownParameter(shown(name))
                })
            }
            Err(error) => Err(form_error(&error)),
        }
    })
}

pub(crate) fn shown(name: &str) -> String {
    let name = masked(name);
    let plain = name.chars().filter(|character| !character.is_control());
    let plain: String = plain.take(MAX_SHOWN).collect();
    format!("“{plain}”")
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
