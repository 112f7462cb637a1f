//! Operations on an import that only the embedded price monitor has.
//!
//! | call | answer |
//! | --- | --- |
//! | `GET …/{id}` | the import and its available actions |
//! | `POST …/{id}/cancel` | 202; the import ends as `ERROR` within a second and keeps imported products |
//! | `POST …/{id}/again` | 201 and a new job, which imports the same file |
//! | `POST …/{id}/retry` | 201 and a new job, which imports or checks the failed rows |
//! | `GET …/{id}/failures?page=&search=` | a page of failed rows with reasons |
//! | `GET …/{id}/failures.csv` | all failed rows as an importable file |
//! | `GET …/{id}/cells?kind=&page=` | a page of failed rows or rows with warnings, by cell |
//! | `POST …/{id}/correct` | 201 and a new job, which imports rows with corrected cells |
//! | `GET …/{id}/notes?kind=&page=&search=` | a page of skipped rows, replaced rows or warnings |
//! | `GET …/{id}/notes.csv?kind=` | all recorded notes |
//! | `GET …/{id}/columns` | the first rows and the meanings of their columns |
//! | `POST …/{id}/columns/preview` | the first rows under a mapping |
//! | `POST …/{id}/columns` | 200 and the job if it waits for an answer; else 201 and a new job of the same mode. Stores
//! the mapping |
//! | `DELETE …/{id}` | 204; deletes the import, not its products |

mod columns;
mod row_lists;

use std::{io, pin::pin, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use futures_util::{Stream, TryStreamExt as _};
use uuid::Uuid;

pub(super) use self::{
    columns::MappingBody,
    row_lists::{file_of_rows, understood},
};
use self::{
    columns::{columns, map_columns, preview},
    row_lists::{FailedRows, failures, failures_csv, notes, notes_csv},
};
use super::{
    Service,
    changes::noted_as,
    corrections,
    message::{ImportBody, JobBody, Kept, Place},
    service::ServiceError,
    upload::{owner, record},
    uploads::stored_name,
};
use crate::{
    i18n::locale::Locale,
    server::store::{
        janitor::ago,
        monitor_imports::{ImportMode, MonitorImport, NewImport, Question},
    },
};

pub(super) type Created = Result<(StatusCode, Json<JobBody>), ServiceError>;

pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/products/imports/{id}", get(import).delete(remove))
        .route("/api/products/imports/{id}/cancel", post(cancel))
        .route("/api/products/imports/{id}/again", post(again))
        .route("/api/products/imports/{id}/retry", post(retry))
        .route("/api/products/imports/{id}/failures", get(failures))
        .route("/api/products/imports/{id}/failures.csv", get(failures_csv))
        .route("/api/products/imports/{id}/cells", get(corrections::cells))
        .route(
            "/api/products/imports/{id}/correct",
            post(corrections::correct),
        )
        .route("/api/products/imports/{id}/notes", get(notes))
        .route("/api/products/imports/{id}/notes.csv", get(notes_csv))
        .route(
            "/api/products/imports/{id}/columns",
            get(columns).post(map_columns),
        )
        .route("/api/products/imports/{id}/columns/preview", post(preview))
}

impl Service {
    pub(super) async fn found(&self, id: &str) -> Result<MonitorImport, ServiceError> {
        self.store
            .monitor_import(id)
            .await?
            .ok_or(ServiceError::NotFound)
    }

    async fn import_file_of(
        self: &Arc<Self>,
        import: MonitorImport,
        owner: Option<String>,
        mode: ImportMode,
        mapping: Option<String>,
    ) -> Created {
        if !import.status.is_final() {
            return Err(ServiceError::NotOver);
        }
        if !self.uploads.has(&import.stored_as).await {
            return Err(ServiceError::NotKept);
        }
        let id = Uuid::now_v7().to_string();
        let owner = owner.or(import.owner);
        let shared = self.uploads.share(&import.stored_as, &id, owner.as_deref());
        let incoming = shared.await?;
        let new = NewImport {
            stored_as: stored_name(&id),
            id,
            filename: import.filename,
            owner,
            mode,
            mapping: mapping.or(import.mapping),
            stored_in: None,
            file: import.file.unwrap_or_default(),
            undoes: None,
            options: import.options,
            limits: import.limits,
            source: import.source,
        };
        let recording = record(Arc::clone(self), new, incoming);
        let import = self
            .tasks
            .spawn(recording)
            .await
            .map_err(io::Error::other)??;
        Ok((StatusCode::CREATED, Json(import.into())))
    }
}

async fn import(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Json<ImportBody>, ServiceError> {
    let import = service.announcer.up_to_date(service.found(&id).await?);
    let place = Place {
        position: service.workers.place(&id).await?,
        waits_for_room: service.queue.waits_for_room(),
        stands_still: service.queue.stands_still(&id),
    };
    let oldest = service.options.retention.rows.map(ago);
    let noted = noted_as(&import);
    let kept = Kept {
        file: service.uploads.has(&import.stored_as).await,
        rows: import
            .completed_at
            .is_none_or(|ended| oldest.is_none_or(|oldest| ended >= oldest)),
        changes: service.store.has_changes(&noted).await?,
        undone: service.store.undone(&id).await?,
        changed_since: match (import.mode, import.needs) {
            (_, Some(Question::Approval)) => service.store.changed_since_check(&noted).await?,
            (ImportMode::Check, _) if import.status.is_final() => {
                service.store.changed_since_check(&noted).await?
            }
            _ => 0,
        },
    };
    Ok(Json(ImportBody::new(import, place, kept)))
}

async fn remove(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ServiceError> {
    service.found(&id).await?;
    let removed = service.store.remove_monitor_import(&id).await?;
    let removed = removed.ok_or(ServiceError::NotOver)?;
    service.uploads.remove(&removed.stored_as).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn cancel(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ServiceError> {
    let import = service.found(&id).await?;
    // Its worker may still be cleaning up.
    if import.status.is_final() {
        return Err(ServiceError::Over);
    }
    service.queue.cancel(&id).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn again(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Created {
    let import = service.found(&id).await?;
    let (owner, mode) = (owner(&headers), ImportMode::Import);
    service.import_file_of(import, owner, mode, None).await
}

async fn retry(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Created {
    let import = service.found(&id).await?;
    if !import.status.is_final() {
        return Err(ServiceError::NotOver);
    }
    if import.progress.failed_products == 0 || import.undoes.is_some() {
        return Err(ServiceError::NothingFailed);
    }
    let rows = FailedRows::new(Locale::default(), service.store.clone(), import.clone())?;
    import_rows(service, import, &headers, rows.parts()).await
}

/// Imports some rows of an import, written as a new file.
pub(super) async fn import_rows(
    service: Arc<Service>,
    import: MonitorImport,
    headers: &HeaderMap,
    rows: impl Stream<Item = io::Result<Vec<u8>>> + Send,
) -> Created {
    let new_id = Uuid::now_v7().to_string();
    let owner = owner(headers).or_else(|| import.owner.clone());
    service.may_begin(owner.as_deref()).await?;
    let mut writing = service.uploads.begin(owner.as_deref()).await?;
    let mut rows = pin!(rows);
    while let Some(bytes) = rows.try_next().await? {
        writing.count(bytes.len())?;
        writing.write(&bytes).await?;
    }
    let (incoming, file) = service.uploads.complete(writing, &new_id).await?;
    let new = NewImport {
        stored_as: stored_name(&new_id),
        id: new_id,
        filename: import.filename,
        owner,
        mode: import.mode,
        mapping: import.mapping,
        stored_in: None,
        file,
        undoes: None,
        options: import.options.of_some_rows(),
        limits: import.limits,
        source: import.source,
    };
    let recording = record(Arc::clone(&service), new, incoming);
    let import = service
        .tasks
        .spawn(recording)
        .await
        .map_err(io::Error::other)??;
    Ok((StatusCode::CREATED, Json(import.into())))
}
