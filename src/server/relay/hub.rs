//! The newest state of every followed job, for every viewer: the rooms, with a clock, a database and
//! the price monitor behind them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    frame::Frame,
    report::Report,
    rooms::{Applied, Effect, Full, Rooms},
    snapshot::Snapshot,
    upstream::Command,
};
use crate::{
    job::{JobId, ProductImportJob},
    server::{
        config::RelayConfig,
        store::{Store, StoreError, jobs::JobState, now},
        telemetry::Metrics,
    },
};

/// How often empty rooms are given up and counts recorded.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The followed jobs. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rooms: Mutex<Rooms>,
    store: Store,
    upstream: mpsc::UnboundedSender<Command>,
    metrics: Metrics,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// Somebody who looks at a job. Dropping it is leaving.
#[derive(Debug)]
pub(crate) struct Viewer {
    hub: Hub,
    /// The job that is looked at.
    pub(crate) job: JobId,
    /// The newest frame, and every newer one.
    pub(crate) frames: watch::Receiver<Arc<Frame>>,
}

impl Hub {
    /// Makes a hub. `upstream` is told which jobs are followed; `tasks` owns what it spawns.
    pub(crate) fn new(
        config: &RelayConfig,
        store: Store,
        upstream: mpsc::UnboundedSender<Command>,
        metrics: Metrics,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        let rooms = Mutex::new(Rooms::new(config.max_jobs, config.grace));
        let hub = Self(Arc::new(Shared {
            rooms,
            store,
            upstream,
            metrics,
            tasks,
            shutdown,
        }));
        hub.0.tasks.spawn(hub.clone().sweep());
        hub
    }

    /// Follows a job for one more viewer.
    pub(crate) fn watch(&self, job: &ProductImportJob) -> Result<Viewer, Full> {
        let (frames, effects) = self.rooms().enter(&job.id, Snapshot::from(job))?;
        self.carry_out(effects);
        Ok(Viewer {
            hub: self.clone(),
            job: job.id.clone(),
            frames,
        })
    }

    /// Takes a report of the price monitor in. Cheap, and never waits.
    pub(crate) fn report(&self, job: &JobId, report: Report) {
        let applied = self.rooms().report(job, report, now());
        match applied {
            Applied::Nothing => {}
            Applied::Detailed(effect) => self.carry_out([effect]),
            Applied::Sent => tracing::debug!("Forwarding progress update for job: {job}"),
            Applied::Ended(effect) => {
                tracing::debug!("Forwarding progress update for job: {job}");
                self.carry_out([effect]);
            }
        }
    }

    /// Returns the newest state of a job, where it is followed.
    pub(crate) fn snapshot(&self, job: &JobId) -> Option<Snapshot> {
        self.rooms().snapshot(job).cloned()
    }

    /// Returns how many jobs are followed.
    pub(crate) fn followed(&self) -> usize {
        self.rooms().len()
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        // A panic cannot leave the rooms half-changed in a way that matters to the next caller.
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_out(&self, effects: impl IntoIterator<Item = Effect>) {
        for effect in effects {
            match effect {
                // A receiver that is gone means that the process is stopping.
                Effect::Join(job) => drop(self.0.upstream.send(Command::Join(job))),
                Effect::Leave(job) => drop(self.0.upstream.send(Command::Leave(job))),
                Effect::Settle(job, snapshot) => {
                    self.0.tasks.spawn(self.clone().settle(job, snapshot));
                }
                Effect::Detail(job, skus) => {
                    self.0.tasks.spawn(self.clone().detail(job, skus));
                }
                Effect::Record(job, snapshot) => {
                    self.0.tasks.spawn(self.clone().record(job, snapshot));
                }
            }
        }
    }

    /// Records a final state, however long the database takes to come back, then sends it out.
    async fn settle(self, job: JobId, snapshot: Snapshot) {
        let began = Instant::now();
        let write = || self.0.store.update_job(&job, JobState::from(&snapshot));
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .with_jitter();
        let recorded = write.retry(backoff).notify(|error: &StoreError, _| {
            tracing::error!(%error, %job, "the end of a job could not be recorded yet");
        });
        tokio::select! {
            Ok(()) = recorded => {
                self.0
                    .metrics
                    .import_ended(snapshot.event.status, began.elapsed());
                let effects = self.rooms().settled(&job);
                self.carry_out(effects);
            }
            () = self.0.shutdown.cancelled() => {}
        }
    }

    /// Records running counts. Losing one is no harm: the next are newer.
    async fn record(self, job: JobId, snapshot: Snapshot) {
        if let Err(error) = self
            .0
            .store
            .update_job(&job, JobState::from(&snapshot))
            .await
        {
            tracing::warn!(%error, %job, "the counts of a job could not be recorded");
        }
    }

    /// Records what failed, once the end itself is recorded.
    async fn detail(self, job: JobId, skus: Vec<String>) {
        if let Err(error) = self.0.store.set_failed_skus(&job, skus).await {
            tracing::warn!(%error, %job, "the failed products of a job could not be recorded");
        }
    }

    async fn sweep(self) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let effects = self.rooms().sweep(Instant::now());
                    self.carry_out(effects);
                }
                () = self.0.shutdown.cancelled() => return,
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.hub.rooms().leave(&self.job, Instant::now());
    }
}
