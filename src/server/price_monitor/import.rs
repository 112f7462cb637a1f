//! Runs one import: counts the products of the file, then writes them in batches.

mod end;
mod error;

use std::{
    collections::HashSet,
    io,
    num::NonZeroU32,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use product_feed::{Counted, FeedError, Header, Limits, Mapping};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::end::End;
pub(super) use self::error::ImportError;
use super::{
    PriceMonitorOptions,
    announcer::Announcer,
    beginning,
    pace::{self, Pace},
    readers::Readers,
    reading::{self, Reading},
    retries::{self, GaveUp, Retries, WaitingForSpace},
    uploads::Uploads,
};
use crate::{
    i18n::messages::ErrorCode,
    model::job::ImportProgress,
    server::{
        config::SafetyLimits,
        store::{
            Store, StoreError,
            monitor_imports::{ImportBatch, ImportMode, MonitorImport},
            preview::Checked,
        },
        telemetry::Metrics,
    },
};

const AHEAD: usize = 2;

/// Maximum starts without progress, for an import that crashes the process. Orderly stops do not count.
const STARTS: u64 = 2;

pub(super) enum Outcome {
    Through,
    /// Cancelled, or stopped by shutdown.
    Stopped,
    /// Another worker continued or ended the import.
    Superseded,
}

#[derive(Debug)]
pub(super) struct Importer {
    pub(super) store: Store,
    pub(super) uploads: Uploads,
    readers: Readers,
    announcer: Arc<Announcer>,
    pub(super) metrics: Metrics,
    pub(super) limits: Limits,
    pub(super) safety: SafetyLimits,
    pub(super) rows_per_second: Option<NonZeroU32>,
    pub(super) notes_changes: bool,
    shutdown: CancellationToken,
    /// Owns the retries of recording ends.
    tasks: TaskTracker,
    ending: Mutex<HashSet<String>>,
    pub(super) space: WaitingForSpace,
}

impl Importer {
    pub(super) fn new(
        store: Store,
        uploads: Uploads,
        readers: Readers,
        announcer: Arc<Announcer>,
        options: &PriceMonitorOptions,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            store,
            uploads,
            readers,
            announcer,
            metrics: options.metrics.clone(),
            limits: options.limits(),
            rows_per_second: options.rows_per_second,
            safety: options.safety,
            notes_changes: options.retention.changes != Some(Duration::ZERO),
            shutdown,
            tasks,
            ending: Mutex::default(),
            space: WaitingForSpace::default(),
        }
    }

    pub(super) async fn with_retries<T, F>(
        &self,
        id: &str,
        stop: &CancellationToken,
        act: impl FnMut() -> F,
    ) -> Result<T, GaveUp>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        retries::with_retries(&self.space, id, stop, act).await
    }

    /// Commits with retries. If nothing was committed after a failed attempt, that attempt may have succeeded without an
    /// answer: `find` returns its result from the unfinished import, if it is there.
    pub(super) async fn commit_once<T, F>(
        &self,
        id: &str,
        stop: &CancellationToken,
        mut commit: impl FnMut() -> F,
        find: impl FnOnce(MonitorImport) -> Option<T>,
    ) -> Result<Option<T>, GaveUp>
    where
        F: Future<Output = Result<Option<T>, StoreError>>,
    {
        let mut retries = Retries::new(&self.space, id, stop);
        let committed = loop {
            match commit().await {
                Ok(committed) => break committed,
                Err(error) => retries.after(error).await?,
            }
        };
        if committed.is_some() || !retries.is_tried() {
            return Ok(committed);
        }
        let there = self
            .with_retries(id, stop, || self.store.monitor_import(id))
            .await?;
        Ok(there
            .filter(|there| !there.status.is_final())
            .and_then(find))
    }

    /// Runs an import from its last committed batch. If `stop`, a child of the shutdown token, is cancelled, it commits
    /// the current batch; after a shutdown the next start continues, else the import ends. No error or panic leaves
    /// here.
    pub(super) async fn run(self: &Arc<Self>, id: &str, stop: &CancellationToken) {
        if self.ending().contains(id) {
            return;
        }
        let begun = self
            .with_retries(id, stop, || self.store.begin_monitor_import(id))
            .await;
        let import = match begun {
            Ok(Some(import)) => import,
            Ok(None) => return,
            Err(gave_up) => {
                let end = self.end(id, Err(gave_up.into()));
                return self
                    .finish_unless_stopped(id, end, ImportProgress::default())
                    .await;
            }
        };
        tracing::info!(id, position = import.position, "Import started");
        let (progress, newest) = watch::channel(import.told_progress());
        let last = newest.clone();
        // Dropping the import drops the sender, which ends the announcing.
        let importing = AssertUnwindSafe(self.import(&import, progress, stop)).catch_unwind();
        let (result, ()) = tokio::join!(importing, self.announcer.follow(id, newest));
        let end = match result {
            Ok(result) => self.end(id, result),
            Err(_) => {
                tracing::error!(id, "Import panicked");
                Some(End::Failed(ErrorCode::Crashed.into(), None))
            }
        };
        if end.is_none() && self.shutdown.is_cancelled() {
            // An orderly stop does not count as a start without progress.
            if let Err(error) = self.store.pause_monitor_import(id).await {
                tracing::debug!(id, %error, "cannot pause an import");
            }
        }
        let progress = *last.borrow();
        self.finish_unless_stopped(id, end, progress).await;
    }

    async fn import(
        &self,
        import: &MonitorImport,
        progress: watch::Sender<ImportProgress>,
        stop: &CancellationToken,
    ) -> Result<Outcome, ImportError> {
        if import.attempts > STARTS {
            return Err(ImportError::NoHeadway);
        }
        let Some(_place) = stop.run_until_cancelled(self.readers.import()).await else {
            return Ok(Outcome::Stopped);
        };
        if let Some(undo) = &import.undoes {
            return self.take_back(import, undo, &progress, stop).await;
        }
        let id = import.id.as_str();
        let position = import.position;
        if !self.check_file(import, stop).await? {
            return Ok(Outcome::Stopped);
        }
        let mapping = self.mapping(import, stop).await?;
        let within = self.check_limits(import, mapping.clone(), stop).await;
        self.note_over_limit(id, &within, stop).await?;
        within?;
        let mut total = import.progress.total_products;
        if total == 0 {
            let Some(counted) = self.count(import, mapping.clone(), stop).await? else {
                return Ok(Outcome::Stopped);
            };
            let (products, header) = (counted.products, &counted.header);
            let set = || self.store.set_monitor_import_total(id, products, header);
            self.with_retries(id, stop, set).await?;
            total = products;
            if !import.may_leave_rows_alone() {
                progress.send_modify(|progress| progress.total_products = products);
            }
        }
        // The total no longer counts rows excluded by the options.
        let all = total + import.left_alone;
        let within = self.check_missing_limit(import, mapping.clone(), all, stop);
        let within = within.await;
        self.note_over_limit(id, &within, stop).await?;
        within?;
        if import.is_approved && position == 0 {
            let forget = || self.store.forget_preview(id);
            self.with_retries(id, stop, forget).await?;
        }
        let number = if self.notes_changes {
            Some(
                self.with_retries(id, stop, || self.store.number_import(id))
                    .await?,
            )
        } else {
            None
        };
        if position == 0 && import.mode == ImportMode::Import {
            self.store.put_off_price_order(all).await;
        }
        let (batches, received) = mpsc::channel(AHEAD);
        let reading = Reading {
            input: self.uploads.input(&import.stored_as),
            limits: self.limits.clone(),
            mapping,
            kind: self
                .store
                .batch_kind(import.mode, number)
                .with(import.options),
            position,
            total: all,
            is_full_file: import.options.missing.is_full_file(),
            // PostgreSQL gains nothing from larger batches, and lists products to index per batch.
            largest_batch: pace::batch_rows(
                self.rows_per_second,
                match self.store.is_file() {
                    true => reading::LARGEST_BATCH,
                    false => reading::BATCH,
                },
            ),
            scratch: self.uploads.directory().to_owned(),
        };
        let stopped = stop.clone();
        let reading =
            tokio::task::spawn_blocking(move || reading::read_batches(reading, &batches, &stopped));
        let writing = self.write(import, (position, all), received, &progress, stop);
        let (read, written) = tokio::join!(reading, writing);
        // If writing stops early, so does reading; the writer has the cause.
        let (outcome, rows) = written?;
        let in_file = read.map_err(ImportError::Broken)??;
        let progress = *progress.borrow();
        let is_full_file = import.options.missing.is_full_file();
        match (outcome, in_file) {
            (Outcome::Through, Some(in_file)) if is_full_file => {
                self.apply_missing(import, in_file, rows, number, stop)
                    .await
            }
            (Outcome::Through | Outcome::Stopped, _) if stop.is_cancelled() => {
                // It may have finished nevertheless.
                if progress.done() < progress.total_products
                    || is_full_file
                    || import.may_leave_rows_alone()
                {
                    Ok(Outcome::Stopped)
                } else {
                    Ok(Outcome::Through)
                }
            }
            (outcome, _) => Ok(outcome),
        }
    }

    async fn note_over_limit(
        &self,
        id: &str,
        within: &Result<(), ImportError>,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let Err(ImportError::OverLimit(over, _)) = within else {
            return Ok(());
        };
        let note = || self.store.note_over_limit(id, *over);
        Ok(self.with_retries(id, stop, note).await?)
    }

    /// Verifies the stored upload. Returns whether it was verified before `stop`.
    async fn check_file(
        &self,
        import: &MonitorImport,
        stop: &CancellationToken,
    ) -> Result<bool, ImportError> {
        let Some(mark) = import.file.clone() else {
            return Ok(true);
        };
        let (uploads, stored_as, stop) =
            (self.uploads.clone(), import.stored_as.clone(), stop.clone());
        let checked = tokio::task::spawn_blocking(move || uploads.check(&stored_as, &mark, &stop));
        match checked.await.map_err(ImportError::Broken)? {
            Ok(None) => Ok(true),
            Ok(Some(unsound)) => Err(ImportError::Unsound(unsound)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(FeedError::Io(error).into()),
        }
    }

    /// Returns the mapping given for this import, or earlier for files with the same columns.
    async fn mapping(
        &self,
        import: &MonitorImport,
        stop: &CancellationToken,
    ) -> Result<Option<Mapping>, ImportError> {
        self.keep_beginning(import, stop).await?;
        let said = import.mapping.as_deref();
        let said: Option<Mapping> = said.and_then(|said| serde_json::from_str(said).ok());
        // A source may state the currency without the columns.
        if said.as_ref().is_some_and(Mapping::has_columns) {
            return Ok(said);
        }
        // A running import keeps its mapping.
        let has_begun = import.progress.total_products > 0 || import.position > 0;
        if has_begun {
            return Ok(said);
        }
        let id = import.id.as_str();
        let kept = || self.store.import_beginning(id);
        let kept = self.with_retries(id, stop, kept).await?.unwrap_or_default();
        // Counting reports what is wrong with the file.
        let Some(header) = kept.first() else {
            return Ok(said);
        };
        let header = Header::fingerprint(header);
        let source = import.source.as_deref();
        let look_up = || self.store.remembered_mapping(source, &header);
        let remembered = self.with_retries(id, stop, look_up).await?;
        let remembered =
            remembered.and_then(|mapping| serde_json::from_str::<Mapping>(&mapping).ok());
        let Some(remembered) = remembered else {
            return Ok(said);
        };
        let mapping = said.unwrap_or_default().or(remembered);
        // Serializing a mapping cannot fail.
        if let Ok(mapping) = serde_json::to_string(&mapping) {
            let set = || self.store.set_monitor_import_mapping(id, &mapping);
            self.with_retries(id, stop, set).await?;
        }
        Ok(Some(mapping))
    }

    /// Stores the first rows of the file for the pages about its columns.
    async fn keep_beginning(
        &self,
        import: &MonitorImport,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let id = import.id.as_str();
        let kept = || self.store.import_beginning(id);
        if self.with_retries(id, stop, kept).await?.is_some() {
            return Ok(());
        }
        let input = self.uploads.input(&import.stored_as).until(stop);
        let limits = self.limits.clone();
        let rows = tokio::task::spawn_blocking(move || beginning::of(input, &limits))
            .await
            .map_err(ImportError::Broken)?;
        if stop.is_cancelled() {
            return Err(ImportError::Stopped);
        }
        // Counting reports what is wrong with the file.
        let Ok(rows) = rows else { return Ok(()) };
        let keep = || self.store.keep_import_beginning(id, &rows);
        Ok(self.with_retries(id, stop, keep).await?)
    }

    /// Returns the number of rows; `None` if stopped.
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
        (mut position, all): (u64, u64),
        mut batches: mpsc::Receiver<ImportBatch>,
        progress: &watch::Sender<ImportProgress>,
        stop: &CancellationToken,
    ) -> Result<(Outcome, u64), ImportError> {
        let mut pace = Pace::new(self.rows_per_second);
        let mut left_alone = import.left_alone;
        while let Some(batch) = batches.recv().await {
            if stop.is_cancelled() {
                return Ok((Outcome::Stopped, position));
            }
            let began = Instant::now();
            let (end, products, failed) = (batch.position(), batch.products(), batch.failed());
            let checked = match import.mode {
                ImportMode::Import => Checked::default(),
                ImportMode::Check => {
                    let check = || self.store.check_monitor_batch(&batch);
                    self.with_retries(&import.id, stop, check).await?
                }
            };
            let committed = self.commit(import, (position, left_alone), &batch, &checked, stop);
            let Some(left) = committed.await? else {
                return Ok((Outcome::Superseded, position));
            };
            position = end;
            left_alone += left;
            let written = products.saturating_sub(left);
            self.metrics
                .batch_committed(written, failed, began.elapsed());
            progress.send_modify(|progress| {
                progress.processed_products += written;
                progress.failed_products += failed;
                if progress.done() > 0 || !import.may_leave_rows_alone() {
                    progress.total_products = all.saturating_sub(left_alone);
                }
            });
            pace.after(products + failed, stop).await;
        }
        Ok((Outcome::Through, position))
    }

    /// Commits a batch. Returns its number of unchanged rows; `None` if another worker has the import.
    async fn commit(
        &self,
        import: &MonitorImport,
        (position, left_alone): (u64, u64),
        batch: &ImportBatch,
        checked: &Checked,
        stop: &CancellationToken,
    ) -> Result<Option<u64>, ImportError> {
        let id = import.id.as_str();
        let commit = || async {
            let committed = self
                .store
                .commit_monitor_batch(id, position, batch, checked);
            Ok(committed.await?.map(|committed| committed.left_alone))
        };
        let find = |there: MonitorImport| {
            let is_there = there.position == batch.position();
            is_there.then(|| there.left_alone.saturating_sub(left_alone))
        };
        Ok(self.commit_once(id, stop, commit, find).await?)
    }
}
