//! Runs one import: counts the products of the file, then writes them, batch by batch.

use std::{
    io,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use futures_util::FutureExt;
use thiserror::Error;
use tokio::{
    sync::{mpsc, watch},
    task::JoinError,
};
use tokio_util::sync::CancellationToken;

use super::{
    announcer::Announcer,
    feed::{FeedError, Limits, Mapping},
    reading::{self, Counted},
    uploads::Uploads,
};
use crate::{
    job::{ImportProgress, ImportStatus},
    server::store::{
        Store, StoreError,
        monitor_imports::{ImportBatch, ImportMode, MonitorImport, Problem, Seen},
        products::Written,
    },
    server::telemetry::Metrics,
};

/// Batches that may be ready while one is written.
const AHEAD: usize = 3;

/// The longest time between two tries at the database.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Why an import cannot go on. The text is for the user of the shop; the causes are for the log.
#[derive(Debug, Error)]
enum ImportError {
    /// The file holds no product list.
    #[error(transparent)]
    Feed(FeedError),
    /// The stored upload is not there.
    #[error("The uploaded file is no longer there. Please upload it again.")]
    FileGone(#[source] io::Error),
    /// There is no room for more products.
    #[error(
        "The products could not be saved because the disk is full. Please make room and import the file again."
    )]
    Full(#[source] StoreError),
    /// The database does not do its part.
    #[error("The products could not be saved because the database failed. Please try again.")]
    Store(#[source] StoreError),
    /// A thread of ours died.
    #[error("The import broke off because of an error of this service.")]
    Broken(#[source] JoinError),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        if error.is_full() {
            Self::Full(error)
        } else {
            Self::Store(error)
        }
    }
}

impl From<FeedError> for ImportError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::FileGone(error)
            }
            other => Self::Feed(other),
        }
    }
}

impl ImportError {
    fn problem(&self) -> Option<Problem> {
        match self {
            Self::Feed(error) if error.is_about_columns() => Some(Problem::Columns),
            _ => None,
        }
    }
}

/// How an import that met no error ended.
enum Outcome {
    /// All rows are through.
    Through,
    /// It was asked to stop: by its user, or for the service to shut down.
    Stopped,
    /// Somebody else has taken the import further or ended it.
    Superseded,
}

/// Runs imports.
#[derive(Debug)]
pub(super) struct Importer {
    store: Store,
    uploads: Uploads,
    announcer: Arc<Announcer>,
    metrics: Metrics,
    limits: Limits,
    shutdown: CancellationToken,
}

impl Importer {
    pub(super) fn new(
        store: Store,
        uploads: Uploads,
        announcer: Arc<Announcer>,
        metrics: Metrics,
        limits: Limits,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            store,
            uploads,
            announcer,
            metrics,
            limits,
            shutdown,
        }
    }

    /// Runs an import to its end, from its last committed batch. When `stop`, a child of the shutdown,
    /// is cancelled it commits the batch it is at; on shutdown the rest is for the next start, else the
    /// import is over. Whatever goes wrong ends the import, never the service.
    pub(super) async fn run(&self, id: &str, stop: &CancellationToken) {
        let found = (|| self.store.monitor_import(id)).retry(patience());
        let import = match found.await {
            Ok(Some(import)) if !import.status.is_final() => import,
            Ok(_) => return,
            Err(error) => {
                tracing::error!(id, %error, "an import could not be begun; the next start tries again");
                return;
            }
        };
        tracing::info!(id, position = import.position, "Import started");
        let (progress, newest) = watch::channel(import.progress);
        // The sender is dropped with the import, and that ends the announcing.
        let importing = AssertUnwindSafe(self.import(&import, progress, stop)).catch_unwind();
        let (result, ()) = tokio::join!(importing, self.announcer.follow(id, newest));
        let end = match result {
            Ok(Ok(Outcome::Through)) => End::Through,
            Ok(Ok(Outcome::Stopped)) if self.shutdown.is_cancelled() => {
                tracing::info!(id, "Import stopped; the next start goes on with it");
                return;
            }
            Ok(Ok(Outcome::Stopped)) => End::Cancelled,
            Ok(Ok(Outcome::Superseded)) => {
                tracing::warn!(id, "Import left to another process that works on it");
                return;
            }
            Ok(Err(error)) => {
                tracing::warn!(id, ?error, "Import failed");
                End::Failed(error.to_string(), error.problem())
            }
            Err(_) => {
                tracing::error!(id, "Import panicked");
                End::Failed(
                    "The import broke off because of an error of this service.".to_owned(),
                    None,
                )
            }
        };
        self.finish(&import.id, &end).await;
    }

    async fn import(
        &self,
        import: &MonitorImport,
        progress: watch::Sender<ImportProgress>,
        stop: &CancellationToken,
    ) -> Result<Outcome, ImportError> {
        let mut position = import.position;
        let mapping = self.mapping(import).await?;
        if import.progress.total_products == 0 {
            let Some(counted) = self.count(import, mapping.clone(), stop).await? else {
                return Ok(Outcome::Stopped);
            };
            self.store
                .set_monitor_import_total(&import.id, counted.products, &counted.header)
                .await?;
            progress.send_modify(|progress| progress.total_products = counted.products);
        }
        if import.mode == ImportMode::Check && position > 0 {
            // What it has seen is not kept, and it has written nothing.
            self.store.restart_monitor_import(&import.id).await?;
            position = 0;
            progress.send_modify(|progress| {
                progress.processed_products = 0;
                progress.failed_products = 0;
            });
        }
        let (batches, received) = mpsc::channel(AHEAD);
        let reading = {
            let input = self.uploads.input(&import.stored_as);
            let (limits, mode, stop) = (self.limits.clone(), import.mode, stop.clone());
            tokio::task::spawn_blocking(move || {
                reading::read_batches(
                    input,
                    &limits,
                    mapping.as_ref(),
                    mode,
                    position,
                    &batches,
                    &stop,
                )
            })
        };
        let (read, written) =
            tokio::join!(reading, self.write(import, position, received, &progress));
        // When writing ends early, so does reading, and writing knows why.
        let outcome = written?;
        read.map_err(ImportError::Broken)??;
        Ok(match outcome {
            Outcome::Through if stop.is_cancelled() => {
                let progress = *progress.borrow();
                // It may have come to the end all the same.
                if progress.done() < progress.total_products {
                    Outcome::Stopped
                } else {
                    Outcome::Through
                }
            }
            outcome => outcome,
        })
    }

    /// What is said of the file's columns: with this import, or before for files of the same columns.
    async fn mapping(&self, import: &MonitorImport) -> Result<Option<Mapping>, ImportError> {
        if let Some(mapping) = &import.mapping {
            return Ok(serde_json::from_str(mapping).ok());
        }
        let Some(owner) = import.owner.as_deref() else {
            return Ok(None);
        };
        let input = self.uploads.input(&import.stored_as);
        let limits = self.limits.clone();
        let rows = tokio::task::spawn_blocking(move || reading::header_of(input, &limits))
            .await
            .map_err(ImportError::Broken)?;
        // What is wrong with the file is said when it is counted.
        let Ok(header) = rows else { return Ok(None) };
        let remembered = self.store.remembered_mapping(owner, &header).await?;
        if let Some(mapping) = &remembered {
            self.store
                .set_monitor_import_mapping(&import.id, mapping)
                .await?;
        }
        Ok(remembered.and_then(|mapping| serde_json::from_str(&mapping).ok()))
    }

    /// Counts the rows that reading will give; `None` when it is to stop.
    async fn count(
        &self,
        import: &MonitorImport,
        mapping: Option<Mapping>,
        stop: &CancellationToken,
    ) -> Result<Option<Counted>, ImportError> {
        let input = self.uploads.input(&import.stored_as);
        let (limits, stop) = (self.limits.clone(), stop.clone());
        let counted = tokio::task::spawn_blocking(move || {
            reading::count(input, &limits, mapping.as_ref(), &stop)
        });
        Ok(counted.await.map_err(ImportError::Broken)??)
    }

    async fn write(
        &self,
        import: &MonitorImport,
        mut position: u64,
        mut batches: mpsc::Receiver<ImportBatch>,
        progress: &watch::Sender<ImportProgress>,
    ) -> Result<Outcome, ImportError> {
        let mut seen = Seen::default();
        while let Some(batch) = batches.recv().await {
            let began = Instant::now();
            let (end, products, failed) = (batch.position(), batch.products(), batch.failed());
            let checked = match import.mode {
                ImportMode::Import => Written::default(),
                ImportMode::Check => self.store.check_monitor_batch(&batch, &mut seen).await?,
            };
            let commit = || {
                let batch = batch.clone();
                self.store
                    .commit_monitor_batch(&import.id, position, batch, checked)
            };
            let committed = commit
                .retry(patience())
                .when(StoreError::is_passing)
                .notify(|error, wait| {
                    tracing::warn!(id = import.id, %error, ?wait, "a batch is written again");
                })
                .await?;
            if committed.is_none() {
                return Ok(Outcome::Superseded);
            }
            position = end;
            self.metrics
                .batch_committed(products, failed, began.elapsed());
            progress.send_modify(|progress| {
                progress.processed_products += products;
                progress.failed_products += failed;
            });
        }
        Ok(Outcome::Through)
    }

    /// Ends an import that waits, because its user wants it no more.
    pub(super) async fn finish_cancelled(&self, id: &str) {
        self.finish(id, &End::Cancelled).await;
    }

    /// Records the end of an import and tells it. It is tried for as long as the service runs; after
    /// that the next start goes on with the import.
    async fn finish(&self, id: &str, end: &End) {
        let recording = self.record_end_patiently(id, end);
        let recorded = self.shutdown.run_until_cancelled(recording).await;
        let Some(Some(ended)) = recorded else { return };
        tracing::info!(id, status = %ended.status, progress = ?ended.progress, "Import finished");
        if let Err(error) = self.announcer.finished(&ended).await {
            tracing::error!(id, %error, "the end of an import could not be told");
        }
    }

    async fn record_end_patiently(&self, id: &str, end: &End) -> Option<MonitorImport> {
        let mut waits = patience().without_max_times().build();
        loop {
            match self.record_end(id, end).await {
                Ok(ended) => return ended,
                Err(error) => {
                    let wait = waits.next().unwrap_or(LONGEST_WAIT);
                    tracing::error!(id, %error, ?wait, "the end of an import could not be recorded yet");
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn record_end(&self, id: &str, end: &End) -> Result<Option<MonitorImport>, StoreError> {
        let (status, error, problem) = match end {
            End::Failed(error, problem) => (ImportStatus::Error, Some(error.clone()), *problem),
            End::Through | End::Cancelled => {
                let Some(import) = self.store.monitor_import(id).await? else {
                    return Ok(None);
                };
                let (status, error) = match end {
                    End::Cancelled => (ImportStatus::Error, Some(cancelled(&import))),
                    _ => verdict(import.progress),
                };
                (status, error, None)
            }
        };
        self.store
            .finish_monitor_import(id, status, error.as_deref(), problem)
            .await
    }
}

/// How an import ends.
enum End {
    /// With its last row: the counts say how well.
    Through,
    /// Its user wants it no more.
    Cancelled,
    /// With an error, which a person may be able to help.
    Failed(String, Option<Problem>),
}

/// How a database that fails for a moment is asked again: for about half a minute.
fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(7)
        .with_jitter()
}

/// Says what is in of an import that was cancelled.
fn cancelled(import: &MonitorImport) -> String {
    let (done, all) = (
        import.progress.processed_products,
        import.progress.total_products,
    );
    match (import.mode, done) {
        (ImportMode::Check, _) => "The check was cancelled.".to_owned(),
        (_, 0) => "The import was cancelled before any product was imported.".to_owned(),
        (_, done) => {
            format!("The import was cancelled: {done} of {all} products are imported and stay.")
        }
    }
}

/// Says how an import of which all rows are through has ended.
fn verdict(progress: ImportProgress) -> (ImportStatus, Option<String>) {
    match (progress.processed_products, progress.failed_products) {
        (0, 0) => {
            let error = "The file holds a header but no products.".to_owned();
            (ImportStatus::Error, Some(error))
        }
        (_, 0) => (ImportStatus::Success, None),
        (0, failed) => {
            let error = format!("No product could be imported: all {failed} rows failed.");
            (ImportStatus::Error, Some(error))
        }
        _ => (ImportStatus::PartialSuccess, None),
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_counts_say_how_an_import_ended() {
        for (processed, failed, status, error) in [
            (3, 0, ImportStatus::Success, None),
            (2, 1, ImportStatus::PartialSuccess, None),
            (
                0,
                3,
                ImportStatus::Error,
                Some("No product could be imported: all 3 rows failed."),
            ),
            (
                0,
                0,
                ImportStatus::Error,
                Some("The file holds a header but no products."),
            ),
        ] {
            let progress = ImportProgress {
                processed_products: processed,
                failed_products: failed,
                total_products: processed + failed,
            };
            let (got, sentence) = verdict(progress);
            assert_eq!((got, sentence.as_deref()), (status, error));
        }
    }
}
