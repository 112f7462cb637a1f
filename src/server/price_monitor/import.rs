//! Runs one import: counts the products of the file, then writes them, batch by batch.

use std::{
    collections::HashSet,
    fmt, io,
    num::NonZeroU32,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backon::BackoffBuilder;
use futures_util::FutureExt;
use product_feed::{Counted, FeedError, Header, Limits, Mapping};
use thiserror::Error;
use tokio::{
    sync::{mpsc, watch},
    task::JoinError,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    PriceMonitorOptions,
    announcer::Announcer,
    beginning,
    pace::Pace,
    patience::{self, GaveUp, LONGEST_WAIT, Patience, WaitingForRoom, waits},
    readers::Readers,
    reading::{self, ReadError, Reading},
    reasons,
    uploads::{Unsound, Uploads},
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        activity::ActivityKind,
        changes::OverLimit,
        job::{ImportProgress, ImportStatus, UnixMillis},
        reason::Reason,
    },
    server::{
        config::{LimitAction, SafetyLimits},
        store::{
            Store, StoreError,
            monitor_imports::{ImportBatch, ImportMode, MonitorImport, Question},
            preview::Checked,
        },
        telemetry::Metrics,
    },
};

/// Batches that may be ready while one is written.
const AHEAD: usize = 2;

/// How often an import is begun without any headway: one that ends the process, as by the memory it takes,
/// must not do so for ever. One that is stopped in good order is not counted.
const STARTS: u64 = 2;

/// How often its end is recorded before it is told all the same.
const TRIES_TO_END: usize = 3;

/// Why an import cannot go on. The causes are for the log.
#[derive(Debug, Error)]
pub(super) enum ImportError {
    /// The file holds no product list.
    Feed(FeedError),
    /// The stored upload is not there.
    FileGone(#[source] io::Error),
    /// The database does not do its part.
    Store(#[source] StoreError),
    /// A thread of ours died.
    Broken(#[source] JoinError),
    /// The stored upload is not what came in.
    Unsound(Unsound),
    /// What is remembered of the file's products cannot be kept.
    Scratch(#[source] io::Error),
    /// It would change more than it may.
    OverLimit(OverLimit),
    /// There is nothing by which an import could be taken back.
    NothingKept,
    /// It was begun again and again.
    NoHeadway,
    /// It is wanted no more.
    Stopped,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl From<GaveUp> for ImportError {
    fn from(gave_up: GaveUp) -> Self {
        match gave_up {
            GaveUp::Stopped => Self::Stopped,
            GaveUp::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
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

impl From<ReadError> for ImportError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Feed(error) => error.into(),
            ReadError::Scratch(error) => Self::Scratch(error),
        }
    }
}

impl ImportError {
    /// Returns what the user of the shop is told.
    fn reason(&self) -> Reason {
        let code = match self {
            Self::Feed(error) => return reasons::of_file(error),
            Self::FileGone(_) => ErrorCode::UploadGone,
            Self::Store(_) => ErrorCode::ProductsNotSaved,
            Self::Broken(_) => ErrorCode::Crashed,
            Self::Unsound(unsound) => unsound.code(),
            Self::Scratch(_) => ErrorCode::NoScratchSpace,
            Self::OverLimit(over) => reasons::of_limit(*over),
            Self::NothingKept => ErrorCode::ChangesNotKept,
            Self::NoHeadway => ErrorCode::NoHeadway,
            Self::Stopped => ErrorCode::Stopped,
        };
        code.into()
    }

    /// What a person has to say for the import to go on.
    fn question(&self) -> Option<Question> {
        let Self::Feed(error) = self else { return None };
        error.question().map(|question| match question {
            product_feed::Question::Columns => Question::Columns,
            product_feed::Question::DecimalMark => Question::DecimalMark,
            product_feed::Question::Sheets => Question::Sheets,
        })
    }
}

/// How an import that met no error ended.
pub(super) enum Outcome {
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
    pub(super) store: Store,
    pub(super) uploads: Uploads,
    readers: Readers,
    announcer: Arc<Announcer>,
    pub(super) metrics: Metrics,
    pub(super) limits: Limits,
    pub(super) safety: SafetyLimits,
    pub(super) rows_per_second: Option<NonZeroU32>,
    /// Whether it is kept what imports change.
    notes_changes: bool,
    shutdown: CancellationToken,
    /// Owns the ends that cannot be recorded yet.
    tasks: TaskTracker,
    /// The imports of these ends.
    ending: Mutex<HashSet<String>>,
    pub(super) room: WaitingForRoom,
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
            room: WaitingForRoom::default(),
        }
    }

    /// Retries an operation on an import.
    pub(super) async fn patiently<T, F>(
        &self,
        id: &str,
        stop: &CancellationToken,
        act: impl FnMut() -> F,
    ) -> Result<T, GaveUp>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        patience::patiently(&self.room, id, stop, act).await
    }

    /// Runs an import to its end, from its last committed batch. When `stop`, a child of the shutdown,
    /// is cancelled it commits the batch it is at; on shutdown the rest is for the next start, else the
    /// import is over. Whatever goes wrong ends the import, never the service.
    pub(super) async fn run(self: &Arc<Self>, id: &str, stop: &CancellationToken) {
        if self.ending().contains(id) {
            return;
        }
        let begun = self
            .patiently(id, stop, || self.store.begin_monitor_import(id))
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
        // The sender is dropped with the import, and that ends the announcing.
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
            // It was stopped in good order, and does not owe anybody headway.
            if let Err(error) = self.store.pause_monitor_import(id).await {
                tracing::debug!(id, %error, "cannot pause an import");
            }
        }
        let progress = *last.borrow();
        self.finish_unless_stopped(id, end, progress).await;
    }

    /// Tells how an import ends, if it does.
    fn end(&self, id: &str, result: Result<Outcome, ImportError>) -> Option<End> {
        match result {
            Ok(Outcome::Through) => Some(End::Through),
            Ok(Outcome::Stopped) | Err(ImportError::Stopped) if self.shutdown.is_cancelled() => {
                tracing::info!(id, "Import stopped; it continues on the next start");
                None
            }
            Ok(Outcome::Stopped) | Err(ImportError::Stopped) => Some(End::Cancelled),
            Ok(Outcome::Superseded) => {
                tracing::warn!(id, "Import left to another process that is running it");
                None
            }
            // It is as good as it was, and goes on with its last committed batch once there is a database.
            Err(ImportError::Store(error)) if error.is_passing() => {
                tracing::warn!(id, %error, "Import postponed until the database is back");
                None
            }
            Err(ImportError::OverLimit(over)) if self.safety.action == LimitAction::Ask => {
                tracing::info!(id, %over, "Import waits for approval");
                Some(End::Asks(Question::Approval))
            }
            Err(error) => Some(match error.question() {
                Some(question) => {
                    tracing::info!(id, needs = question.as_str(), "Import needs input");
                    End::Asks(question)
                }
                None => {
                    tracing::warn!(id, ?error, "Import failed");
                    End::Failed(error.reason(), None)
                }
            }),
        }
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
            self.patiently(id, stop, set).await?;
            total = products;
            if !import.may_leave_rows_alone() {
                progress.send_modify(|progress| progress.total_products = products);
            }
        }
        // Rows that were left alone count there no more.
        let all = total + import.left_alone;
        let within = self.check_missing_limit(import, mapping.clone(), all, stop);
        let within = within.await;
        self.note_over_limit(id, &within, stop).await?;
        within?;
        let number = if self.notes_changes {
            Some(
                self.patiently(id, stop, || self.store.number_import(id))
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
            // Who wants it slow wants it in small steps. PostgreSQL gains nothing by larger ones, and is told of each
            // what its search index lacks.
            largest_batch: match self.rows_per_second {
                None if self.store.is_file() => reading::LARGEST_BATCH,
                _ => reading::BATCH,
            },
            scratch: self.uploads.directory().to_owned(),
        };
        let stopped = stop.clone();
        let reading =
            tokio::task::spawn_blocking(move || reading::read_batches(reading, &batches, &stopped));
        let writing = self.write(import, (position, all), received, &progress, stop);
        let (read, written) = tokio::join!(reading, writing);
        // When writing ends early, so does reading, and writing knows why.
        let (outcome, rows) = written?;
        let in_file = read.map_err(ImportError::Broken)??;
        let progress = *progress.borrow();
        let is_full_file = import.options.missing.is_full_file();
        match (outcome, in_file) {
            (Outcome::Through, Some(in_file)) if is_full_file => {
                self.settle_missing(import, in_file, rows, number, stop)
                    .await
            }
            (Outcome::Through | Outcome::Stopped, _) if stop.is_cancelled() => {
                // It may have come to the end all the same.
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

    /// Records the limit that an import goes over, if that is what is wrong.
    async fn note_over_limit(
        &self,
        id: &str,
        within: &Result<(), ImportError>,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let Err(ImportError::OverLimit(over)) = within else {
            return Ok(());
        };
        let note = || self.store.note_over_limit(id, *over);
        Ok(self.patiently(id, stop, note).await?)
    }

    /// Checks that the stored upload is what came in; returns whether that was seen before `stop`.
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

    /// What is said of the file's columns: with this import, or before for files of the same columns.
    async fn mapping(
        &self,
        import: &MonitorImport,
        stop: &CancellationToken,
    ) -> Result<Option<Mapping>, ImportError> {
        self.keep_beginning(import, stop).await?;
        let said = import.mapping.as_deref();
        let said: Option<Mapping> = said.and_then(|said| serde_json::from_str(said).ok());
        // A source knows its currency, say, and not what the columns of its next file hold.
        if said.as_ref().is_some_and(Mapping::has_columns) {
            return Ok(said);
        }
        // One that is under way goes on as it began, whatever was said of such files since.
        let has_begun = import.progress.total_products > 0 || import.position > 0;
        if has_begun {
            return Ok(said);
        }
        let id = import.id.as_str();
        let kept = || self.store.import_beginning(id);
        let kept = self.patiently(id, stop, kept).await?.unwrap_or_default();
        // What is wrong with the file is said when it is counted.
        let Some(header) = kept.first() else {
            return Ok(said);
        };
        let header = Header::fingerprint(header);
        let look_up = || self.store.remembered_mapping(&header);
        let remembered = self.patiently(id, stop, look_up).await?;
        let remembered =
            remembered.and_then(|mapping| serde_json::from_str::<Mapping>(&mapping).ok());
        let Some(remembered) = remembered else {
            return Ok(said);
        };
        let mapping = said.unwrap_or_default().or(remembered);
        // A mapping always serializes.
        if let Ok(mapping) = serde_json::to_string(&mapping) {
            let set = || self.store.set_monitor_import_mapping(id, &mapping);
            self.patiently(id, stop, set).await?;
        }
        Ok(Some(mapping))
    }

    /// Keeps the first rows of the file for the pages about its columns.
    async fn keep_beginning(
        &self,
        import: &MonitorImport,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let id = import.id.as_str();
        let kept = || self.store.import_beginning(id);
        if self.patiently(id, stop, kept).await?.is_some() {
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
        // What is wrong with the file is said when it is counted.
        let Ok(rows) = rows else { return Ok(()) };
        let keep = || self.store.keep_import_beginning(id, &rows);
        Ok(self.patiently(id, stop, keep).await?)
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
                    self.patiently(&import.id, stop, check).await?
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

    /// Commits a batch of an import that is at a position and has left so many rows alone. Returns how many of the
    /// batch's it leaves alone; `None` where it is in other hands.
    async fn commit(
        &self,
        import: &MonitorImport,
        (position, left_alone): (u64, u64),
        batch: &ImportBatch,
        checked: &Checked,
        stop: &CancellationToken,
    ) -> Result<Option<u64>, ImportError> {
        let id = import.id.as_str();
        let mut patience = Patience::new(&self.room, id, stop);
        let committed = loop {
            let commit = self
                .store
                .commit_monitor_batch(id, position, batch, checked);
            match commit.await {
                Ok(committed) => break committed.map(|committed| committed.left_alone),
                Err(error) => patience.after(error).await?,
            }
        };
        if committed.is_some() || !patience.is_tried() {
            return Ok(committed);
        }
        // The answer to an earlier try may have been lost, not the try.
        let there = self
            .patiently(id, stop, || self.store.monitor_import(id))
            .await?;
        let is_there =
            there.filter(|there| !there.status.is_final() && there.position == batch.position());
        Ok(is_there.map(|there| there.left_alone.saturating_sub(left_alone)))
    }

    /// Ends imports that have waited for an answer since before a time.
    pub(super) async fn give_unanswered_up(
        self: &Arc<Self>,
        before: UnixMillis,
    ) -> Result<(), StoreError> {
        for import in self.store.unanswered_monitor_imports(before).await? {
            let (error, problem) = match import.needs {
                Some(Question::Approval) => (ErrorCode::ApprovalExpired, None),
                needs => (ErrorCode::InputExpired, needs),
            };
            let end = Some(End::Failed(error.into(), problem));
            self.finish_unless_stopped(&import.id, end, import.progress)
                .await;
        }
        Ok(())
    }

    /// Ends an import that waits, because its user wants it no more.
    pub(super) async fn finish_cancelled(self: &Arc<Self>, id: &str) {
        let end = Some(End::Cancelled);
        self.finish_unless_stopped(id, end, ImportProgress::default())
            .await;
    }

    /// Records the end of an import and tells it. Where it cannot be recorded, as on a full disk, it is told
    /// all the same, and recorded as soon as it can be, for as long as the service runs; after that the
    /// next start goes on with the import.
    async fn finish_unless_stopped(
        self: &Arc<Self>,
        id: &str,
        end: Option<End>,
        progress: ImportProgress,
    ) {
        let Some(end) = end else { return };
        let few = waits().with_max_times(TRIES_TO_END);
        let recording = self.record_and_tell(id, &end, few.build());
        let recorded = self.shutdown.run_until_cancelled(recording).await;
        if recorded != Some(false) {
            return;
        }
        if let Some(error) = end.reason() {
            self.announcer.failed(id, progress, error).await;
        }
        self.ending().insert(id.to_owned());
        let (importer, id) = (Arc::clone(self), id.to_owned());
        self.tasks.spawn(async move {
            let lasting = waits().without_max_times().build();
            let lasting = lasting.chain(std::iter::repeat(LONGEST_WAIT));
            let recording = importer.record_and_tell(&id, &end, lasting);
            importer.shutdown.run_until_cancelled(recording).await;
            importer.ending().remove(&id);
        });
    }

    /// Returns whether the end is recorded.
    async fn record_and_tell(
        &self,
        id: &str,
        end: &End,
        mut waits: impl Iterator<Item = Duration>,
    ) -> bool {
        let ended = loop {
            match self.record_end(id, end).await {
                Ok(ended) => break ended,
                Err(error) => {
                    let wait = waits.next();
                    tracing::error!(id, %error, ?wait, "cannot record the end of an import yet");
                    let Some(wait) = wait else { return false };
                    tokio::time::sleep(wait).await;
                }
            }
        };
        if let Some(ended) = ended {
            if let Some(question) = ended.needs {
                let kind = match question {
                    Question::Approval => ActivityKind::NeedsApproval,
                    _ => ActivityKind::NeedsInput,
                };
                self.store.try_note_activity(id, kind.into()).await;
                self.announcer.asks(&ended).await;
                return true;
            }
            tracing::info!(id, status = %ended.status, progress = ?ended.progress, "Import finished");
            if let Err(error) = self.announcer.finished(&ended).await {
                tracing::error!(id, %error, "cannot announce the end of an import");
            }
        }
        true
    }

    /// Returns the imports that are over and could not be recorded as such yet.
    pub(super) fn ends_to_record(&self) -> Vec<String> {
        self.ending().iter().cloned().collect()
    }

    fn ending(&self) -> MutexGuard<'_, HashSet<String>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn record_end(&self, id: &str, end: &End) -> Result<Option<MonitorImport>, StoreError> {
        let (status, error, problem) = match end {
            End::Asks(question) => return self.store.ask_monitor_import(id, *question).await,
            End::Failed(error, problem) => (ImportStatus::Error, Some(error.clone()), *problem),
            End::Through | End::Cancelled => {
                let Some(import) = self.store.monitor_import(id).await? else {
                    return Ok(None);
                };
                let (status, error) = match end {
                    End::Cancelled => (ImportStatus::Error, Some(cancelled(&import).into())),
                    _ => {
                        let (said, error) = verdict(&import);
                        let done = import.progress.done();
                        if said != ImportStatus::Error && import.progress.total_products != done {
                            self.store.correct_monitor_import_total(id, done).await?;
                        }
                        (said, error)
                    }
                };
                (status, error, None)
            }
        };
        self.store
            .finish_monitor_import(id, status, error.as_ref(), problem)
            .await
    }
}

/// How an import ends.
enum End {
    /// With its last row: the counts say how well.
    Through,
    /// Its user wants it no more.
    Cancelled,
    /// With an error, and what it asked for in vain.
    Failed(Reason, Option<Question>),
    /// Not yet: it waits for an answer.
    Asks(Question),
}

impl End {
    /// What is told of an end that cannot be recorded. One that all rows are through for is only told
    /// once it is.
    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Through | Self::Asks(_) => None,
            Self::Cancelled => Some(ErrorCode::Cancelled.into()),
            Self::Failed(error, _) => Some(error.clone()),
        }
    }
}

/// Tells what is in of an import that was cancelled.
fn cancelled(import: &MonitorImport) -> ErrorCode {
    let (done, total) = (
        import.progress.processed_products,
        import.progress.total_products,
    );
    match (import.mode, done) {
        _ if import.undoes.is_some() => ErrorCode::CancelledUndo { done, total },
        (ImportMode::Check, _) => ErrorCode::CancelledCheck,
        (_, 0) => ErrorCode::CancelledBefore,
        (_, done) => ErrorCode::CancelledAfter { done, total },
    }
}

/// Tells how an import of which all rows are through has ended.
fn verdict(import: &MonitorImport) -> (ImportStatus, Option<Reason>) {
    let failed = |why: ErrorCode| (ImportStatus::Error, Some(why.into()));
    if let Some(mismatch) = import.mismatch() {
        return failed(mismatch);
    }
    let progress = import.progress;
    if import.undoes.is_some() && progress.processed_products == 0 {
        return failed(ErrorCode::NothingUndone);
    }
    match (progress.processed_products, progress.failed_products) {
        // There was nothing to do, as was wanted.
        (0, 0) if import.left_alone > 0 => (ImportStatus::Success, None),
        (0, _) if import.left_alone > 0 => failed(ErrorCode::AllFailedOrSkipped),
        (0, 0) => failed(ErrorCode::NoProducts),
        (_, 0) => (ImportStatus::Success, None),
        (0, failures) => failed(ErrorCode::AllFailed { failed: failures }),
        _ => (ImportStatus::PartialSuccess, None),
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::server::store::products::Written;

    fn over(processed: u64, failed: u64, total: u64) -> MonitorImport {
        MonitorImport {
            progress: ImportProgress {
                processed_products: processed,
                failed_products: failed,
                total_products: total,
            },
            written: Written {
                added: processed,
                ..Written::default()
            },
            ..MonitorImport::default()
        }
    }

    #[test]
    fn an_import_that_does_not_add_up_is_no_success() {
        for import in [over(404, 0, 1000), over(1000, 1, 1000), over(0, 0, 5)] {
            let (status, error) = verdict(&import);
            assert_eq!(status, ImportStatus::Error);
            let error = error.unwrap();
            let code = error.code().unwrap();
            assert!(code.starts_with("miscounted-"), "{code}");
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
                Some("No products were imported: all 3 rows failed."),
            ),
            (
                0,
                0,
                ImportStatus::Error,
                Some("The file has a header row but no products."),
            ),
        ] {
            let (got, sentence) = verdict(&over(processed, failed, processed + failed));
            let sentence = sentence.map(|reason| reason.to_string());
            assert_eq!((got, sentence.as_deref()), (status, error));
        }
    }
}
