//! Keeps the newest state of every followed job: connects the rooms to clock, database and price monitor.

use std::{
    sync::{Arc, MutexGuard},
    time::{Duration, Instant},
};

use price_monitor_wire::Report;
use relay_sync::ordered::{Listener, Ordered};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    frame::Frame,
    recorder::{LAST_WRITES, Recorder},
    rooms::{Applied, Command, Full, RoomNumber, Rooms, Write},
    snapshot::Snapshot,
};
use crate::{
    model::{
        clock::now,
        job::{JobId, ProductImportJob},
        job_state::Recorded,
    },
    server::config::RelayConfig,
};

const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How long a new job may be without a subscriber before it is joined. An uploader's page subscribes within this time,
/// and the price monitor then hears one join, not two.
const FIRST_SUBSCRIBER: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rooms: Ordered<Rooms, Upstream>,
    recorder: Recorder,
    arrivals: Notify,
    writes: Notify,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

#[derive(Debug)]
struct Upstream(mpsc::UnboundedSender<Command>);

impl Listener<Command> for Upstream {
    fn hear(&self, command: Command) {
        // A closed receiver means shutdown.
        let _ = self.0.send(command);
    }
}

/// A subscription to a job. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Hub,
    pub(crate) job: JobId,
    pub(super) room: RoomNumber,
    pub(crate) frames: watch::Receiver<Arc<Frame>>,
}

impl Hub {
    /// `upstream` receives which jobs are followed; `tasks` owns spawned tasks.
    pub(crate) fn new(
        config: &RelayConfig,
        recorder: Recorder,
        upstream: mpsc::UnboundedSender<Command>,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        let rooms = Rooms::new(config.max_jobs, config.unwatched_jobs, config.grace);
        let hub = Self(Arc::new(Shared {
            rooms: Ordered::new(rooms, Upstream(upstream)),
            recorder,
            arrivals: Notify::new(),
            writes: Notify::new(),
            tasks,
            shutdown,
        }));
        hub.0.tasks.spawn(hub.clone().sweep());
        hub.0.tasks.spawn(hub.clone().write());
        hub
    }

    pub(crate) fn subscribe(&self, job: &ProductImportJob) -> Result<Subscription, Full> {
        let entered =
            self.0
                .rooms
                .change(|rooms| match rooms.enter(&job.id, Snapshot::from(job)) {
                    Ok((frames, room, command)) => (Ok((frames, room)), command),
                    Err(full) => (Err(full), None),
                });
        let (frames, room) = entered?;
        self.0.arrivals.notify_one();
        Ok(Subscription {
            hub: self.clone(),
            job: job.id.clone(),
            room,
            frames,
        })
    }

    /// Follows an unfinished job to its end also without subscribers, within the limit.
    pub(crate) fn keep(&self, job: &ProductImportJob) {
        self.0
            .rooms
            .change(|rooms| ((), rooms.keep(&job.id, Snapshot::from(job))));
    }

    /// Calls [`keep`](Self::keep) after [`FIRST_SUBSCRIBER`].
    pub(crate) fn keep_soon(&self, job: ProductImportJob) {
        let hub = self.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(FIRST_SUBSCRIBER) => hub.keep(&job),
                () = hub.0.shutdown.cancelled() => {}
            }
        });
    }

    /// Waits for a new subscriber, or returns at once if one came since the last call. Cancel-safe.
    pub(crate) async fn subscriber_came(&self) {
        self.0.arrivals.notified().await;
    }

    pub(crate) fn forget(&self, job: &JobId) {
        self.0.rooms.change(|rooms| ((), rooms.forget(job)));
    }

    /// Applies a report. Returns whether the job is followed. Never waits.
    pub(crate) fn report(&self, job: &JobId, report: Report) -> bool {
        let applied = self.rooms().report(job, report, now());
        match applied {
            Applied::Unfollowed => return false,
            Applied::Nothing => {}
            Applied::Sent => tracing::debug!("Forwarding progress update for job: {job}"),
            Applied::Ended => {
                tracing::debug!("Forwarding progress update for job: {job}");
                self.0.writes.notify_one();
            }
            Applied::Detailed => self.0.writes.notify_one(),
        }
        true
    }

    pub(crate) fn snapshot(&self, job: &JobId) -> Option<Snapshot> {
        self.rooms().snapshot(job).cloned()
    }

    /// Returns whether a job is followed for subscribers, who may just have left.
    pub(crate) fn is_watched(&self, job: &JobId) -> bool {
        self.rooms().is_watched(job)
    }

    pub(crate) fn unwatched(&self) -> Vec<JobId> {
        self.rooms().unwatched()
    }

    pub(crate) fn followed(&self) -> usize {
        self.rooms().len()
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.0.rooms.lock()
    }

    /// Closes empty rooms and queues counts, until shutdown.
    async fn sweep(self) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.sweep_once(),
                () = self.0.shutdown.cancelled() => return,
            }
        }
    }

    fn sweep_once(&self) {
        self.0
            .rooms
            .change(|rooms| ((), rooms.sweep(Instant::now())));
        self.0.writes.notify_one();
    }

    /// Writes pending states, up to the recorder's permits. During a database stall only job IDs queue; each state is
    /// read at its turn.
    async fn write(self) {
        let last_moment = self.last_moment();
        tokio::pin!(last_moment);
        loop {
            let permit = tokio::select! {
                permit = self.0.recorder.permit() => permit,
                () = &mut last_moment => return,
            };
            let next = self.rooms().next_write();
            if let Some(write) = next {
                let hub = self.clone();
                self.0.tasks.spawn(async move {
                    tokio::select! {
                        () = hub.perform(write, permit) => {}
                        () = hub.last_moment() => {}
                    }
                });
                continue;
            }
            drop(permit);
            if self.0.shutdown.is_cancelled() {
                // Records final counts; a running write may queue more.
                self.0
                    .rooms
                    .change(|rooms| ((), rooms.sweep(Instant::now())));
                let rooms = self.rooms();
                if rooms.is_written() {
                    return;
                }
                if rooms.has_queued() {
                    continue;
                }
            }
            tokio::select! {
                () = self.0.writes.notified() => {}
                () = self.0.shutdown.cancelled(), if !self.0.shutdown.is_cancelled() => {}
                () = &mut last_moment => return,
            }
        }
    }

    async fn perform(&self, write: Write, permit: tokio::sync::OwnedSemaphorePermit) {
        match write {
            Write::End(job, room, snapshot) => {
                let recorded = self.0.recorder.end(&job, &snapshot, permit).await;
                self.0.rooms.change(|rooms| {
                    let command = match recorded {
                        Recorded::Ended(recorded) | Recorded::Over(recorded) => {
                            rooms.end_recorded(&job, room, Snapshot::from(&*recorded))
                        }
                        Recorded::Updated | Recorded::Gone => rooms.forget(&job),
                    };
                    ((), command)
                });
            }
            Write::Details(job, room, skus) => {
                let is_well = self.0.recorder.details(&job, &skus, permit).await;
                self.rooms().written(&job, room, is_well);
            }
            Write::Counts(batch) => {
                let states = batch.iter().map(|(job, _, counts)| (job, counts));
                let is_well = self.0.recorder.counts(states, permit).await;
                let mut rooms = self.rooms();
                for (job, room, _) in &batch {
                    rooms.written(job, *room, is_well);
                }
            }
        }
        self.0.writes.notify_one();
    }

    async fn last_moment(&self) {
        self.0.shutdown.cancelled().await;
        tokio::time::sleep(LAST_WRITES).await;
    }
}

impl AsRef<JobId> for Subscription {
    fn as_ref(&self) -> &JobId {
        &self.job
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.rooms().leave(&self.job, self.room, Instant::now());
    }
}

#[cfg(test)]
pub(super) mod tests {
    use price_monitor_wire::Verdict;

    use super::*;
    use crate::{
        model::{
            job::{ImportMode, ImportStatus},
            job_state::JobState,
            role::Role,
        },
        server::{
            config::Config,
            identity::user::User,
            relay::records::ActivityLog,
            store::{Store, jobs::Created, test_database::TestDatabase, users::NewUser},
            telemetry::Metrics,
        },
    };

    /// A hub with a database and a fake upstream.
    pub(in crate::server::relay) struct Scene {
        database: TestDatabase,
        store: Store,
        user: User,
        pub(in crate::server::relay) hub: Hub,
        pub(in crate::server::relay) tasks: TaskTracker,
        shutdown: CancellationToken,
        pub(in crate::server::relay) commands: mpsc::UnboundedReceiver<Command>,
    }

    impl Scene {
        pub(in crate::server::relay) async fn set() -> Self {
            let (database, store) = TestDatabase::opened().await;
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
                Recorder::new(Arc::new(store.clone()), 10, Metrics::default()),
                sender,
                tasks.clone(),
                shutdown.clone(),
            );
            Self {
                database,
                store,
                user,
                hub,
                tasks,
                shutdown,
                commands,
            }
        }

        pub(in crate::server::relay) fn log(&self) -> Arc<dyn ActivityLog> {
            Arc::new(self.store.clone())
        }

        pub(in crate::server::relay) async fn job(&self, name: &str) -> ProductImportJob {
            let id = name.parse().unwrap();
            let created = self
                .store
                .create_job(&self.user.id, &id, "shop.csv", ImportMode::Import);
            match created.await.unwrap() {
                Created::Now(job) => job,
                other => panic!("{other:?}"),
            }
        }

        /// Records counts like another instance: ten of twelve products, four failed.
        async fn counted_elsewhere(&self, job: &ProductImportJob) {
            let counted = Report {
                failed: 4,
                ..counts(6, 12)
            };
            let counted = Snapshot::default().after(counted, 7).unwrap();
            let counted = self.store.update_job(&job.id, JobState::from(&counted));
            counted.await.unwrap();
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
            verdict: Verdict::Failed("cancelled".into()),
            ..counts(processed, 9)
        };
        JobState::from(&Snapshot::default().after(report, 7).unwrap())
    }

    async fn last(viewer: &mut Subscription) -> Arc<Frame> {
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
    async fn a_new_job_is_joined_once_watched_or_not() {
        let mut scene = Scene::set().await;
        let (watched, unwatched) = (scene.job("a").await, scene.job("b").await);
        scene.hub.keep_soon(watched.clone());
        let _viewer = scene.hub.subscribe(&watched).unwrap();
        scene.hub.keep_soon(unwatched.clone());
        for expected in [Command::Join(watched.id), Command::Keep(unwatched.id)] {
            let command = tokio::time::timeout(Duration::from_secs(20), scene.commands.recv());
            assert_eq!(command.await.expect("it is joined"), Some(expected));
        }
        scene.stop().await;
    }

    #[tokio::test]
    async fn counts_that_are_not_recorded_yet_outlive_the_process() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let _viewer = scene.hub.subscribe(&job).unwrap();
        scene.hub.report(&job.id, counts(5, 9));
        scene.stop().await;
        assert_eq!(scene.recorded(&job).await.processed_products, 5);
    }

    #[tokio::test]
    async fn an_end_that_comes_with_the_server_s_own_is_recorded() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let _viewer = scene.hub.subscribe(&job).unwrap();
        scene.hub.report(&job.id, counts(9, 9));
        scene.stop().await;
        assert_eq!(scene.recorded(&job).await.status, ImportStatus::Success);
    }

    #[tokio::test]
    async fn an_end_that_another_instance_has_recorded_is_what_is_told() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let mut viewer = scene.hub.subscribe(&job).unwrap();
        let end = |_: &ProductImportJob| failed(4);
        scene.store.end_job(&job.id, end).await.unwrap();
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
        let mut viewer = scene.hub.subscribe(&job).unwrap();
        let found = scene.store.find_job(&scene.user.jobs(), &job.id).await;
        let scope = scene.user.changeable_jobs().unwrap();
        let doomed = scope.admit(found.unwrap().unwrap()).unwrap();
        scene.store.delete_job(&doomed).await.unwrap();
        scene.hub.report(&job.id, counts(9, 9));
        let closed = tokio::time::timeout(Duration::from_secs(20), viewer.frames.changed());
        assert!(closed.await.expect("it ends in time").is_err());
        assert_eq!(scene.hub.followed(), 0);
    }

    #[tokio::test]
    async fn a_database_that_stalls_costs_a_few_tasks_and_leaves_reads_alive() {
        use sea_orm::{ConnectionTrait, Database, TransactionTrait};

        let scene = Scene::set().await;
        let mut jobs = Vec::new();
        for number in 0..150 {
            jobs.push(scene.job(&format!("job-{number}")).await);
        }
        let viewers: Vec<_> = jobs
            .iter()
            .map(|job| scene.hub.subscribe(job).unwrap())
            .collect();
        // Locks the row, and with SQLite the whole database.
        let other = Database::connect(scene.database.url.expose())
            .await
            .unwrap();
        let stall = other.begin().await.unwrap();
        let touch = "UPDATE product_import_jobs SET updated_at = updated_at";
        stall.execute_unprepared(touch).await.unwrap();
        for processed in 1..30 {
            for job in &jobs {
                scene.hub.report(&job.id, counts(processed, 100));
            }
            scene.hub.sweep_once();
            tokio::task::yield_now().await;
        }
        scene.hub.report(&jobs[0].id, counts(100, 100));
        // The sweep, the writer, and one write per permit.
        assert!(scene.tasks.len() <= 6, "{} tasks", scene.tasks.len());
        let read = tokio::time::timeout(Duration::from_secs(5), scene.recorded(&jobs[1]));
        assert_eq!(
            read.await.expect("reads are answered").processed_products,
            0
        );
        assert!(!viewers[0].frames.borrow().is_final, "no end is told");
        stall.rollback().await.unwrap();
        let mut first = viewers.into_iter().next().unwrap();
        assert!(last(&mut first).await.is_final);
        scene.stop().await;
        assert_eq!(scene.recorded(&jobs[0]).await.status, ImportStatus::Success);
        for job in &jobs[1..] {
            assert_eq!(scene.recorded(job).await.processed_products, 29);
        }
    }

    #[tokio::test]
    async fn an_end_takes_in_what_another_instance_has_counted() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let mut viewer = scene.hub.subscribe(&job).unwrap();
        scene.counted_elsewhere(&job).await;
        let over = Report {
            verdict: Verdict::Completed,
            ..Report::default()
        };
        scene.hub.report(&job.id, over);
        let text = last(&mut viewer).await;
        let text = std::str::from_utf8(&text.bytes).unwrap();
        assert!(text.contains("-PARTIAL_SUCCESS"), "{text}");
        let recorded = scene.recorded(&job).await;
        assert_eq!(recorded.status, ImportStatus::PartialSuccess);
        let counts = (recorded.processed_products, recorded.failed_products);
        assert_eq!((counts, recorded.total_products), ((6, 4), Some(12)));
    }

    #[tokio::test]
    async fn a_last_word_that_adds_up_replaces_what_is_recorded() {
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let mut viewer = scene.hub.subscribe(&job).unwrap();
        scene.counted_elsewhere(&job).await;
        scene.hub.report(&job.id, counts(12, 12));
        last(&mut viewer).await;
        let recorded = scene.recorded(&job).await;
        assert_eq!(recorded.status, ImportStatus::Success);
        assert_eq!(
            (recorded.processed_products, recorded.failed_products),
            (12, 0)
        );
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
