//! Runs one import: counts the products of the file, then writes them, batch by batch.

use std::{io, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use futures_util::FutureExt;
use thiserror::Error;
use tokio::{
    fs::File,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use super::{
    announcer::Announcer,
    feed::{Feed, FeedError, FeedProduct, FeedRow},
    uploads::Uploads,
};
use crate::{
    job::{ImportProgress, ImportStatus},
    server::store::{
        Store, StoreError,
        monitor_imports::{FailedRow, ImportBatch, MonitorImport},
        products::NewProduct,
    },
};

/// Rows that are written in one transaction.
const BATCH: usize = 500;

/// Batches that may be read while one is written.
const AHEAD: usize = 2;

/// Rows that are read between two looks at whether to stop.
const READ_AT_ONCE: u64 = 1000;

/// Why an import cannot go on. The text is for the user of the shop; the causes are for the log.
#[derive(Debug, Error)]
enum ImportError {
    /// The file holds no product list.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The stored upload is not there.
    #[error("The uploaded file is no longer there. Please upload it again.")]
    FileGone(#[source] io::Error),
    /// The database does not do its part.
    #[error("The products could not be saved because the database failed. Please try again.")]
    Store(#[from] StoreError),
}

/// How an import that met no error ended.
enum Outcome {
    /// All rows are through.
    Through,
    /// The service is shutting down; the rest is for the next start.
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
    shutdown: CancellationToken,
}

impl Importer {
    pub(super) fn new(
        store: Store,
        uploads: Uploads,
        announcer: Arc<Announcer>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            store,
            uploads,
            announcer,
            shutdown,
        }
    }

    /// Runs an import to its end, from its last committed batch. On shutdown it commits the batch
    /// it is at and returns. Whatever goes wrong ends the import, never the service.
    pub(super) async fn run(&self, id: &str) {
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
        let importing = AssertUnwindSafe(self.import(&import, progress)).catch_unwind();
        let (result, ()) = tokio::join!(importing, self.announcer.follow(id, newest));
        let end = match result {
            Ok(Ok(Outcome::Through)) => None,
            Ok(Ok(Outcome::Stopped)) => {
                tracing::info!(id, "Import stopped; the next start goes on with it");
                return;
            }
            Ok(Ok(Outcome::Superseded)) => {
                tracing::warn!(id, "Import left to another process that works on it");
                return;
            }
            Ok(Err(error)) => {
                tracing::warn!(id, ?error, "Import failed");
                Some(error.to_string())
            }
            Err(_) => {
                tracing::error!(id, "Import panicked");
                Some("The import broke off because of an error of this service.".to_owned())
            }
        };
        self.finish(&import, end).await;
    }

    async fn import(
        &self,
        import: &MonitorImport,
        progress: watch::Sender<ImportProgress>,
    ) -> Result<Outcome, ImportError> {
        if import.progress.total_products == 0 {
            let Some(total) = self.count(import).await? else {
                return Ok(Outcome::Stopped);
            };
            self.store
                .set_monitor_import_total(&import.id, total)
                .await?;
            progress.send_modify(|progress| progress.total_products = total);
        }
        let feed = self.open(import).await?;
        let (batches, received) = mpsc::channel(AHEAD);
        let (read, written) = tokio::join!(
            self.read(feed, import.position, batches),
            self.write(import, received, &progress),
        );
        // When writing ends early, so does reading, and writing knows why.
        match (written?, read?) {
            (Outcome::Through, outcome) => Ok(outcome),
            (outcome, _) => Ok(outcome),
        }
    }

    async fn open(&self, import: &MonitorImport) -> Result<Feed<File>, ImportError> {
        let file = self
            .uploads
            .read(&import.stored_as)
            .await
            .map_err(ImportError::FileGone)?;
        Ok(Feed::open(file).await?)
    }

    /// Counts the rows that [`read`](Self::read) will give; `None` on shutdown.
    async fn count(&self, import: &MonitorImport) -> Result<Option<u64>, ImportError> {
        let mut feed = self.open(import).await?;
        let mut total = 0_u64;
        while feed.next().await?.is_some() {
            total += 1;
            if total.is_multiple_of(READ_AT_ONCE) && self.must_stop().await {
                return Ok(None);
            }
        }
        Ok(Some(total))
    }

    /// Reads the rows behind `position` into batches. Those before are read too: a row can take the
    /// title of one above it.
    async fn read(
        &self,
        mut feed: Feed<File>,
        position: u64,
        batches: mpsc::Sender<ImportBatch>,
    ) -> Result<Outcome, ImportError> {
        let mut batch = ImportBatch::default();
        while let Some(row) = feed.next().await? {
            if row.end <= position {
                if row.number.is_multiple_of(READ_AT_ONCE) && self.must_stop().await {
                    return Ok(Outcome::Stopped);
                }
                continue;
            }
            add(&mut batch, row);
            if batch.products.len() + batch.failed.len() < BATCH {
                continue;
            }
            if batches.send(std::mem::take(&mut batch)).await.is_err() {
                return Ok(Outcome::Through);
            }
            if self.shutdown.is_cancelled() {
                return Ok(Outcome::Stopped);
            }
        }
        if batch.position > 0 {
            // Nobody receives it only when writing has ended early.
            let _ = batches.send(batch).await;
        }
        Ok(Outcome::Through)
    }

    /// Lets others have a turn, and says whether the service is shutting down.
    async fn must_stop(&self) -> bool {
        tokio::task::yield_now().await;
        self.shutdown.is_cancelled()
    }

    async fn write(
        &self,
        import: &MonitorImport,
        mut batches: mpsc::Receiver<ImportBatch>,
        progress: &watch::Sender<ImportProgress>,
    ) -> Result<Outcome, ImportError> {
        let mut position = import.position;
        while let Some(batch) = batches.recv().await {
            if !self
                .store
                .commit_monitor_batch(&import.id, position, &batch)
                .await?
            {
                return Ok(Outcome::Superseded);
            }
            position = batch.position;
            progress.send_modify(|progress| {
                progress.processed_products += batch.products.len() as u64;
                progress.failed_products += batch.failed.len() as u64;
            });
        }
        Ok(Outcome::Through)
    }

    /// Records the end of an import and tells it. While the database fails the import stays as it
    /// is; the next start goes on with it.
    async fn finish(&self, import: &MonitorImport, error: Option<String>) {
        let recording = self.record_end_patiently(&import.id, error.as_deref());
        let recorded = self.shutdown.run_until_cancelled(recording).await;
        match recorded {
            Some(Ok(Some(ended))) => {
                let id = &ended.id;
                tracing::info!(id, status = %ended.status, progress = ?ended.progress, "Import finished");
                self.uploads.remove(&ended.stored_as).await;
                if let Err(error) = self.announcer.finished(&ended).await {
                    tracing::error!(id, %error, "the end of an import could not be told");
                }
            }
            Some(Ok(None)) | None => {}
            Some(Err(error)) => {
                tracing::error!(id = import.id, %error, "the end of an import could not be recorded");
            }
        }
    }

    async fn record_end_patiently(
        &self,
        id: &str,
        error: Option<&str>,
    ) -> Result<Option<MonitorImport>, StoreError> {
        (|| self.record_end(id, error)).retry(patience()).await
    }

    async fn record_end(
        &self,
        id: &str,
        error: Option<&str>,
    ) -> Result<Option<MonitorImport>, StoreError> {
        if error.is_some() {
            return self
                .store
                .finish_monitor_import(id, ImportStatus::Error, error)
                .await;
        }
        let Some(import) = self.store.monitor_import(id).await? else {
            return Ok(None);
        };
        let (status, error) = verdict(import.progress);
        self.store
            .finish_monitor_import(id, status, error.as_deref())
            .await
    }
}

/// How a database that fails for a moment is asked again: for about half a minute.
fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(7)
        .with_jitter()
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

fn add(batch: &mut ImportBatch, row: FeedRow) {
    batch.position = row.end;
    match row.outcome {
        Ok(product) => batch.products.push(new_product(product)),
        Err(failure) => batch.failed.push(FailedRow {
            row: row.number,
            line: row.line,
            sku: failure
                .label
                .unwrap_or_else(|| format!("line {}", row.line)),
            reason: failure.error.to_string(),
        }),
    }
}

fn new_product(product: FeedProduct) -> NewProduct {
    NewProduct {
        identity: product.identity,
        sku: product.sku,
        name: product.name,
        price: product.price,
    }
}

#[cfg(test)]
mod tests {

    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    async fn rows(file: &str) -> Vec<FeedRow> {
        let mut feed = Feed::open(Cursor::new(file.as_bytes().to_vec()))
            .await
            .unwrap();
        let mut rows = Vec::new();
        while let Some(row) = feed.next().await.unwrap() {
            rows.push(row);
        }
        rows
    }

    proptest! {
        #[test]
        fn every_counted_row_is_written_wherever_an_import_goes_on(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("tee,T-Shirt,S,,5,"), Just("tee,,M,,6,"), Just("tee,,,,,b.png"),
                    Just(",,,A-1,7,"), Just(",Nameless,,,7,"), Just("mug,Mug,,,x,"), Just(""),
                    Just(",,,,,"), Just("cap,\"Two\nlines\",,C-1,1,"), Just("a,b,c,d,1,f,g"),
                ],
                0..40,
            ),
            stop in any::<proptest::sample::Index>(),
        ) {
            let file = format!("Handle,Title,Option1 Value,SKU,Price,Image\n{}", lines.join("\n"));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let counted = runtime.block_on(rows(&file));
            let stop = stop.index(counted.len() + 1);
            let mut before = ImportBatch::default();
            counted.iter().take(stop).cloned().for_each(|row| add(&mut before, row));
            let mut after = ImportBatch::default();
            let rest = runtime.block_on(rows(&file)).into_iter().filter(|row| row.end > before.position);
            rest.for_each(|row| add(&mut after, row));

            let written = |batch: &ImportBatch| batch.products.len() + batch.failed.len();
            prop_assert_eq!(written(&before), stop);
            prop_assert_eq!(written(&before) + written(&after), counted.len());
            let ends: Vec<_> = counted.iter().map(|row| row.end).collect();
            prop_assert!(ends.is_sorted_by(|one, next| one < next));
        }
    }

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
