//! The newest state of every followed job, for every viewer: the rooms, with a clock, a database and
//! the price monitor behind them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    frame::Frame,
    report::Report,
    rooms::{Applied, Effect, Full, RoomNumber, Rooms},
    snapshot::Snapshot,
    upstream::Command,
};
use crate::{
    job::{JobId, ProductImportJob},
    server::{
        config::RelayConfig,
        store::{
            Store, StoreError,
            jobs::{JobState, Recorded},
            now,
        },
        telemetry::Metrics,
    },
};

/// How often empty rooms are given up and counts recorded.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How long what is still to be recorded may take once the server stops.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// The followed jobs. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rooms: Mutex<Rooms>,
    store: Store,
    upstream: mpsc::UnboundedSender<Command>,
    /// Somebody has come to look at a job.
    arrivals: Notify,
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
    room: RoomNumber,
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
            arrivals: Notify::new(),
            metrics,
            tasks,
            shutdown,
        }));
        hub.0.tasks.spawn(hub.clone().sweep());
        hub
    }

    /// Follows a job for one more viewer.
    pub(crate) fn watch(&self, job: &ProductImportJob) -> Result<Viewer, Full> {
        let (frames, room, effects) = self.rooms().enter(&job.id, Snapshot::from(job))?;
        self.carry_out(effects);
        self.0.arrivals.notify_one();
        Ok(Viewer {
            hub: self.clone(),
            job: job.id.clone(),
            room,
            frames,
        })
    }

    /// Waits until somebody comes to look at a job, or returns at once where somebody has since the
    /// last call. Safe to cancel.
    pub(crate) async fn somebody_came(&self) {
        self.0.arrivals.notified().await;
    }

    /// Gives a job up that is no more, and ends its viewers' streams.
    pub(crate) fn forget(&self, job: &JobId) {
        let effects = self.rooms().forget(job);
        self.carry_out(effects);
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

    /// Records a final state, however long the database takes to come back, then sends out what is
    /// recorded: another instance may have been quicker, and then all are told what it wrote.
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
        let effects = tokio::select! {
            Ok(recorded) = recorded => match recorded {
                Recorded::Updated => {
                    self.0
                        .metrics
                        .import_ended(snapshot.event.status, began.elapsed());
                    self.rooms().settled(&job, None)
                }
                Recorded::Over(other) => self.rooms().settled(&job, Some(Snapshot::from(&*other))),
                Recorded::Gone => self.rooms().forget(&job),
            },
            () = self.last_moment() => return,
        };
        self.carry_out(effects);
    }

    /// Resolves some time after the server was told to stop.
    async fn last_moment(&self) {
        self.0.shutdown.cancelled().await;
        tokio::time::sleep(LAST_WRITES).await;
    }

    /// Records running counts. Losing one is no harm: the next are newer.
    async fn record(self, job: JobId, snapshot: Snapshot) {
        let recorded = tokio::select! {
            recorded = self.0.store.update_job(&job, JobState::from(&snapshot)) => recorded,
            () = self.last_moment() => return,
        };
        if let Err(error) = recorded {
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
                () = self.0.shutdown.cancelled() => break,
            }
        }
        // The newest counts outlive this process. It waits for them, as for all tasks.
        let effects = self.rooms().sweep(Instant::now());
        self.carry_out(effects);
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.hub.rooms().leave(&self.job, self.room, Instant::now());
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        job::ImportStatus,
        role::Role,
        server::{
            config::Config,
            relay::report::Verdict,
            store::{
                jobs::Created,
                test_database::TestDatabase,
                users::{NewUser, User},
            },
        },
    };

    /// A hub with a database behind it, and nobody upstream.
    pub(in crate::server::relay) struct Scene {
        _database: TestDatabase,
        store: Store,
        user: User,
        pub(in crate::server::relay) hub: Hub,
        pub(in crate::server::relay) tasks: TaskTracker,
        shutdown: CancellationToken,
        /// What the upstream would be told.
        pub(in crate::server::relay) commands: mpsc::UnboundedReceiver<Command>,
    }

    impl Scene {
        pub(in crate::server::relay) async fn set() -> Self {
            let database = TestDatabase::create().await;
            let store = Store::open(&database.url).await.unwrap();
            let user = NewUser {
                email: "ada@example.com",
                name: "Ada",
                role: Role::Staff,
                password_hash: String::new().into(),
            };
            let user = store.create_user(user).await.unwrap().unwrap();
            let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
            let (sender, commands) = mpsc::unbounded_channel();
            let hub = Hub::new(
                &Config::read(|_| None).unwrap().relay,
                store.clone(),
                sender,
                Metrics::default(),
                tasks.clone(),
                shutdown.clone(),
            );
            Self {
                _database: database,
                store,
                user,
                hub,
                tasks,
                shutdown,
                commands,
            }
        }

        pub(in crate::server::relay) async fn job(&self, name: &str) -> ProductImportJob {
            let id = name.parse().unwrap();
            let created = self.store.create_job(&self.user.id, &id, "shop.csv");
            match created.await.unwrap() {
                Created::Now(job) => job,
                other => panic!("{other:?}"),
            }
        }

        async fn recorded(&self, job: &ProductImportJob) -> ProductImportJob {
            let found = self.store.find_job(&self.user.jobs(), &job.id).await;
            ProductImportJob::clone(&found.unwrap().unwrap())
        }

        async fn stop(&self) {
            self.shutdown.cancel();
            self.tasks.close();
            let ended = tokio::time::timeout(Duration::from_secs(20), self.tasks.wait());
            ended.await.expect("everything ends in time");
        }
    }

    fn counts(processed: u64, total: u64) -> Report {
        Report {
            processed,
            total,
            ..Report::default()
        }
    }

    fn failed(processed: u64) -> JobState {
        let report = Report {
            verdict: Verdict::Failed("cancelled".to_owned()),
            ..counts(processed, 9)
        };
        JobState::from(&Snapshot::default().after(report, 7).unwrap())
    }

    async fn last(viewer: &mut Viewer) -> Arc<Frame> {
        loop {
            let changed = tokio::time::timeout(Duration::from_secs(20), viewer.frames.changed());
            changed.await.expect("the end comes").unwrap();
            let frame = viewer.frames.borrow_and_update().clone();
            if frame.is_final {
                return frame;
            }
        }
    }

    #[tokio::test]
    async fn counts_that_are_not_recorded_yet_outlive_the_process() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let _viewer = scene.hub.watch(&job).unwrap();
        scene.hub.report(&job.id, counts(5, 9));
        scene.stop().await;
        assert_eq!(scene.recorded(&job).await.processed_products, 5);
    }

    #[tokio::test]
    async fn an_end_that_comes_with_the_server_s_own_is_recorded() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let _viewer = scene.hub.watch(&job).unwrap();
        scene.hub.report(&job.id, counts(9, 9));
        scene.stop().await;
        assert_eq!(scene.recorded(&job).await.status, ImportStatus::Success);
    }

    #[tokio::test]
    async fn an_end_that_another_instance_has_recorded_is_what_is_told() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let mut viewer = scene.hub.watch(&job).unwrap();
        scene.store.update_job(&job.id, failed(4)).await.unwrap();
        scene.hub.report(&job.id, counts(9, 9));
        let frame = last(&mut viewer).await;
        let text = std::str::from_utf8(&frame.bytes).unwrap();
        assert!(
            text.contains("-ERROR") && text.contains("cancelled"),
            "{text}"
        );
        assert_eq!(scene.recorded(&job).await.status, ImportStatus::Error);
    }

    #[tokio::test]
    async fn the_end_of_a_job_that_is_no_more_ends_its_streams() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let mut viewer = scene.hub.watch(&job).unwrap();
        let found = scene.store.find_job(&scene.user.jobs(), &job.id).await;
        let scope = scene.user.jobs_to_change().unwrap();
        let doomed = scope.admit(found.unwrap().unwrap()).unwrap();
        scene.store.delete_job(&doomed).await.unwrap();
        scene.hub.report(&job.id, counts(9, 9));
        let closed = tokio::time::timeout(Duration::from_secs(20), viewer.frames.changed());
        assert!(closed.await.expect("it ends in time").is_err());
        assert_eq!(scene.hub.followed(), 0);
    }

    #[tokio::test]
    async fn an_instance_that_lags_behind_takes_no_counts_back() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let state = |processed, total| {
            JobState::from(
                &Snapshot::default()
                    .after(counts(processed, total), 7)
                    .unwrap(),
            )
        };
        for (processed, total) in [(5, 20), (3, 9), (0, 30)] {
            let updated = scene.store.update_job(&job.id, state(processed, total));
            assert!(matches!(updated.await.unwrap(), Recorded::Updated));
        }
        let recorded = scene.recorded(&job).await;
        assert_eq!(
            (recorded.processed_products, recorded.total_products),
            (5, Some(20))
        );
        scene.store.update_job(&job.id, state(6, 21)).await.unwrap();
        assert_eq!(scene.recorded(&job).await.total_products, Some(21));
    }
}
