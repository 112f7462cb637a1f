//! Undoes an import with an import of its own.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST …/{id}/undo?everything=` | 201 and a new job, which restores the previous values of changed products |

use std::{io, sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Service,
    controls::Created,
    import::{ImportError, Importer, Outcome},
    pace::{self, Pace},
    service::ServiceError,
    upload::owner,
    uploads::stored_name,
};
use crate::{
    model::{changes::undo_name, job::ImportProgress},
    server::store::{
        changes::ImportNumber,
        monitor_imports::{ImportMode, MonitorImport, NewImport},
        undo::{self, TakenBack, Undo, UndoBatch},
    },
};

pub(super) fn router() -> Router<Arc<Service>> {
    Router::new().route("/api/products/imports/{id}/undo", post(undo))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UndoQuery {
    everything: bool,
}

async fn undo(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(query): Query<UndoQuery>,
    headers: HeaderMap,
) -> Created {
    let import = service.found(&id).await?;
    if !import.status.is_final() {
        return Err(ServiceError::NotOver);
    }
    if import.mode != ImportMode::Import || !service.store.has_changes(&id).await? {
        return Err(ServiceError::NothingToUndo);
    }
    let new = NewImport {
        undoes: Some(Undo {
            import: id,
            everything: query.everything,
        }),
        filename: undo_name(&import.filename),
        owner: owner(&headers).or(import.owner),
        ..NewImport::default()
    };
    let recording = record(Arc::clone(&service), new);
    let import = service
        .tasks
        .spawn(recording)
        .await
        .map_err(io::Error::other)??;
    Ok((StatusCode::CREATED, Json(import.into())))
}

async fn record(service: Arc<Service>, new: NewImport) -> Result<MonitorImport, ServiceError> {
    let id = Uuid::now_v7().to_string();
    let new = NewImport {
        // There is no file; any worker of the directory runs it.
        stored_as: stored_name(&id),
        stored_in: Some(service.uploads.id().to_owned()),
        id,
        ..new
    };
    let _one_at_a_time = service.recording.lock().await;
    if let Some(undo) = &new.undoes
        && service.store.is_being_undone(&undo.import).await?
    {
        return Err(ServiceError::BeingUndone);
    }
    service.may_begin(new.owner.as_deref()).await?;
    let import = service.store.add_monitor_import(new).await?;
    tracing::info!(id = import.id, "Undo accepted");
    service.queue.wake();
    Ok(import)
}

impl Importer {
    /// Undoes changes from the last one that is not yet undone.
    pub(super) async fn take_back(
        &self,
        import: &MonitorImport,
        undo: &Undo,
        progress: &watch::Sender<ImportProgress>,
        stop: &CancellationToken,
    ) -> Result<Outcome, ImportError> {
        let id = import.id.as_str();
        let find = || self.store.import_number(&undo.import);
        let of = self.with_retries(id, stop, find).await?;
        let of = of.ok_or(ImportError::NothingKept)?;
        let number = self
            .with_retries(id, stop, || self.store.number_import(id))
            .await?;
        if import.progress.total_products == 0 {
            let total = self
                .with_retries(id, stop, || self.store.count_changes(of))
                .await?;
            if total == 0 {
                return Err(ImportError::NothingKept);
            }
            let set = || self.store.set_monitor_import_total(id, total, &[]);
            self.with_retries(id, stop, set).await?;
            progress.send_modify(|progress| progress.total_products = total);
        }
        let mut pace = Pace::new(self.rows_per_second);
        let most = pace::batch_rows(self.rows_per_second, undo::BATCH);
        let mut position = import.position;
        loop {
            if stop.is_cancelled() {
                return Ok(Outcome::Stopped);
            }
            let read = || self.store.changes_to_take_back(of, position, most);
            let Some(batch) = self.with_retries(id, stop, read).await? else {
                return Ok(Outcome::Through);
            };
            let began = Instant::now();
            let committed = self.commit_back(id, number, position, &batch, undo, stop);
            let Some(taken) = committed.await? else {
                return Ok(Outcome::Superseded);
            };
            position = batch.position();
            self.metrics
                .batch_committed(taken.done, taken.left, began.elapsed());
            progress.send_modify(|progress| {
                progress.processed_products += taken.done;
                progress.failed_products += taken.left;
            });
            pace.after(batch.changes(), stop).await;
        }
    }

    /// Commits a batch; `None` if another worker has the import.
    async fn commit_back(
        &self,
        id: &str,
        number: ImportNumber,
        position: u64,
        batch: &UndoBatch,
        undo: &Undo,
        stop: &CancellationToken,
    ) -> Result<Option<TakenBack>, ImportError> {
        let commit = || {
            self.store
                .commit_undo_batch(id, number, position, batch, undo.everything)
        };
        let find = |there: MonitorImport| {
            (there.position == batch.position()).then(|| TakenBack {
                done: batch.changes(),
                left: 0,
            })
        };
        Ok(self.commit_once(id, stop, commit, find).await?)
    }
}
