//! Receives an upload: multipart request to file.

use axum::{
    Json,
    extract::{
        Multipart, Query, State,
        multipart::{Field, MultipartRejection},
    },
    http::{HeaderMap, StatusCode},
};
use product_feed::Mapping;
use serde::Deserialize;
use std::{io, sync::Arc, time::Duration};
use uuid::Uuid;

use super::{
    Service,
    controls::MappingBody,
    message::JobBody,
    service::ServiceError,
    uploads::{Incoming, stored_name},
};
use crate::model::activity::ActivityKind;
use crate::model::import_options::{ImportOptions, OwnLimits, PARAMETERS};
use crate::server::{
    store::monitor_imports::{FileMark, ImportMode, MonitorImport, NewImport},
    uploads::{file_name, part_name},
};

const HEAD: usize = 8 << 10;

const MAX_FILENAME: usize = 255;

const MAX_SOURCE: usize = 64;

const LINGER: Duration = Duration::from_secs(10);

/// Owner of the import. Imports of one owner wait for each other.
const OWNER: &str = "x-import-owner";

/// A UUID that becomes the job's ID; a repeated request gets the existing job.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// `POST /api/products/imports`: stores the file, records the job and returns it. `?mode=check` writes no product;
/// `products`, `fields` and `missing` are [`ImportOptions`]; sources send `said`, `limits` and `source`.
///
/// A disconnect or shutdown before the file is complete leaves nothing behind.
pub(super) async fn upload(
    State(service): State<Arc<Service>>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<JobBody>), ServiceError> {
    let mode = match query.mode.as_deref() {
        Some(mode) => mode.parse().map_err(|_| ServiceError::UnknownMode)?,
        None => ImportMode::Import,
    };
    let options = query.options()?;
    let limits = query.limits()?;
    let mapping = query.mapping()?;
    let source = query.source()?;
    let mut multipart = multipart.map_err(|_| ServiceError::NotMultipart)?;
    let id = key(&headers)?.unwrap_or_else(Uuid::now_v7).to_string();
    if let Some(import) = service.store.monitor_import(&id).await? {
        linger(&service, &mut multipart).await;
        return Ok((StatusCode::CREATED, Json(import.into())));
    }
    let owner = owner(&headers);
    if let Err(error) = service.may_begin(owner.as_deref()).await {
        linger(&service, &mut multipart).await;
        return Err(error);
    }
    let receiving = receive(&service, &id, owner.as_deref(), &mut multipart);
    let received = service.shutdown.run_until_cancelled(receiving).await;
    let (incoming, file, filename) = match received.ok_or(ServiceError::ShuttingDown)? {
        Ok(received) => received,
        Err(error) => {
            linger(&service, &mut multipart).await;
            return Err(error);
        }
    };
    // From here on a disconnect has no effect.
    let new = NewImport {
        stored_as: stored_name(&id),
        id,
        filename,
        owner,
        mode,
        mapping,
        stored_in: None,
        file,
        undoes: None,
        options,
        limits,
        source,
    };
    let recording = record(Arc::clone(&service), new, incoming);
    let import = service
        .tasks
        .spawn(recording)
        .await
        .map_err(io::Error::other)??;
    Ok((StatusCode::CREATED, Json(import.into())))
}

/// Drains the upload, so that the client reads the answer.
async fn linger(service: &Service, multipart: &mut Multipart) {
    let rest = async { while let Ok(Some(_)) = multipart.next_field().await {} };
    let rest = tokio::time::timeout(LINGER, rest);
    let _ = service.shutdown.run_until_cancelled(rest).await;
}

async fn receive(
    service: &Service,
    id: &str,
    owner: Option<&str>,
    multipart: &mut Multipart,
) -> Result<(Incoming, FileMark, String), ServiceError> {
    while let Some(field) = multipart.next_field().await? {
        if field.name() == Some("file") {
            let name = part_name::given(field.headers());
            let filename = file_name::plain(&name.unwrap_or_default(), MAX_FILENAME);
            let (incoming, file) = store(service, id, owner, field).await?;
            return Ok((incoming, file, filename));
        }
    }
    Err(ServiceError::NoFile)
}

async fn store(
    service: &Service,
    id: &str,
    owner: Option<&str>,
    mut field: Field<'_>,
) -> Result<(Incoming, FileMark), ServiceError> {
    let mut writing = service.uploads.begin(owner).await?;
    let mut head = Vec::with_capacity(HEAD);
    while let Some(chunk) = field.chunk().await? {
        if writing.size() + chunk.len() as u64 > service.options.max_upload {
            return Err(ServiceError::TooLarge(service.options.max_upload));
        }
        writing.count(chunk.len())?;
        if head.len() < HEAD {
            let missing = chunk.len().min(HEAD - head.len());
            head.extend_from_slice(&chunk[..missing]);
        }
        writing.write(&chunk).await?;
    }
    if head.trim_ascii().is_empty() {
        return Err(ServiceError::Empty);
    }
    let complete = service.uploads.complete(writing, id).await?;
    let (input, limits) = (
        service.uploads.input(&stored_name(id)),
        service.options.limits(),
    );
    let check = move || product_feed::check(input, &limits);
    let place = service.readers.look(owner.unwrap_or_default()).await?;
    place.read(check).await?;
    Ok(complete)
}

impl Service {
    /// Checks an owner's limit; imports without owner are not limited. Fails with [`ServiceError::TooManyUnderWay`].
    pub(super) async fn may_begin(&self, owner: Option<&str>) -> Result<(), ServiceError> {
        let Some(owner) = owner else { return Ok(()) };
        if self.store.count_unfinished_of(owner).await? < self.options.queued_per_user {
            Ok(())
        } else {
            Err(ServiceError::TooManyUnderWay)
        }
    }
}

/// Records an import whose file is stored, and wakes the queue.
pub(super) async fn record(
    service: Arc<Service>,
    new: NewImport,
    incoming: Incoming,
) -> Result<MonitorImport, ServiceError> {
    let id = new.id.clone();
    let new = NewImport {
        stored_in: Some(service.uploads.id().to_owned()),
        ..new
    };
    let _one_at_a_time = service.recording.lock().await;
    service.may_begin(new.owner.as_deref()).await?;
    let import = match service.store.add_monitor_import(new).await {
        Ok(import) => import,
        Err(error) => {
            // A concurrent repetition of the request; the file belongs to the first one.
            let Some(first) = service.store.monitor_import(&id).await? else {
                return Err(error.into());
            };
            incoming.keep();
            return Ok(first);
        }
    };
    incoming.keep();
    let queued = ActivityKind::Queued.into();
    service.store.try_note_activity(&import.id, queued).await;
    tracing::info!(id = import.id, "Import accepted");
    service.queue.wake();
    Ok(import)
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct UploadQuery {
    mode: Option<String>,
    products: Option<String>,
    fields: Option<String>,
    missing: Option<String>,
    /// Decimal mark, currency and sheets, as in the body of `POST …/columns`; no columns, whose indices depend on the
    /// header.
    said: Option<String>,
    limits: Option<String>,
    /// The source; answers about columns of one file are remembered for its next files.
    source: Option<String>,
}

impl UploadQuery {
    fn mapping(&self) -> Result<Option<String>, ServiceError> {
        let Some(said) = &self.said else {
            return Ok(None);
        };
        let said: MappingBody =
            serde_json::from_str(said).map_err(|_| ServiceError::BadParameter("said"))?;
        if said.has_columns() {
            return Err(ServiceError::BadParameter("said"));
        }
        let mapping = said.added_to(Mapping::default(), &[])?;
        let json = serde_json::to_string(&mapping).map_err(io::Error::other)?;
        Ok(Some(json))
    }

    fn limits(&self) -> Result<OwnLimits, ServiceError> {
        let limits = self.limits.as_deref().map(serde_json::from_str);
        let limits = limits.transpose();
        limits
            .map(Option::unwrap_or_default)
            .map_err(|_| ServiceError::BadParameter("limits"))
    }

    fn source(&self) -> Result<Option<String>, ServiceError> {
        let source = self.source.as_deref().filter(|source| !source.is_empty());
        match source {
            Some(source) if source.len() > MAX_SOURCE => Err(ServiceError::BadParameter("source")),
            source => Ok(source.map(str::to_owned)),
        }
    }

    fn options(&self) -> Result<ImportOptions, ServiceError> {
        let mut options = ImportOptions::default();
        let values = [&self.products, &self.fields, &self.missing];
        for (name, value) in PARAMETERS.into_iter().zip(values) {
            let value = value.as_deref().unwrap_or_default();
            options
                .set(name, value)
                .map_err(ServiceError::BadParameter)?;
        }
        Ok(options)
    }
}

/// The header is trusted: the client has the key.
pub(super) fn owner(headers: &HeaderMap) -> Option<String> {
    let owner = headers.get(OWNER)?.to_str().ok()?.trim();
    (!owner.is_empty() && owner.len() <= MAX_FILENAME).then(|| owner.to_owned())
}

fn key(headers: &HeaderMap) -> Result<Option<Uuid>, ServiceError> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = key.to_str().ok().and_then(|key| key.parse().ok());
    key.map(Some).ok_or(ServiceError::BadKey)
}
