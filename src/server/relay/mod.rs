//! Relays progress: one socket to the price monitor in, any number of event streams out.
//!
//! `upstream` and `rest` turn messages into reports, `hub` keeps and encodes the newest state of each job,
//! `delivery` writes it to subscribers.

mod controls;
mod delivery;
mod frame;
mod guesses;
mod heartbeat;
mod hub;
mod limits;
mod ordered;
pub mod probe;
mod problem;
mod recorder;
mod rest;
mod revocation;
mod rooms;
mod skips;
mod snapshot;
mod starts;
mod stream_control;
mod streams;
mod sync;
#[cfg(test)]
mod truth;
mod unwatched;
mod upstream;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::controls::Further;
pub(crate) use self::streams::{Asking, Jobs, ProgressAnswer};
use self::{
    delivery::Delivery,
    guesses::Guesses,
    heartbeat::Ticker,
    hub::Hub,
    limits::{MostStreams, StreamLimits},
    problem::Problem,
    recorder::Recorder,
    rest::Rest,
    revocation::Revoker,
    skips::Skips,
    snapshot::Snapshot,
    starts::Starts,
    unwatched::Unwatched,
    upstream::{Surroundings, Upstream},
};
use crate::{
    model::{
        audit::AuditAction,
        error::ApiError,
        job::{ImportMode, JobId, ProductImportJob, ProgressEvent},
        progress::UpstreamState,
        role::Permission,
        status::{ReportSource, UpstreamProblem},
    },
    server::{
        auth::{audit, principal::Principal},
        config::{Config, MonitorEndpoint, SseConfig},
        store::{
            Store, StoreError,
            job_scope::{ChangeableJob, JobOwner, JobScope, VisibleJob},
            jobs::{Created, Recorded},
            now,
            users::UserId,
        },
        telemetry::Metrics,
    },
};

/// How long a page waits for the price monitor's state of an unfollowed job.
const FRESHEN_TIMEOUT: Duration = Duration::from_millis(1500);
/// Concurrent requests for the jobs of a page.
const FRESHEN_CONCURRENCY: usize = 8;
/// Number of ticks between rechecks of sessions and tokens with open streams.
const TICKS_OF_A_PASS: u32 = 3;

/// The relay. Clones share it.
#[derive(Clone, Debug)]
pub struct Relay {
    hub: Hub,
    rest: Rest,
    recorder: Recorder,
    problem: Problem,
    store: Store,
    limits: StreamLimits,
    revoker: Revoker,
    metrics: Metrics,
    delivery: Delivery,
    tasks: TaskTracker,
    ticker: Ticker,
    starts: Starts,
    config: SseConfig,
    guesses: Guesses,
}

impl Relay {
    /// Starts the relay. `tasks` owns what it spawns, `shutdown` ends it.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be created.
    pub fn start(
        config: &Config,
        endpoint: MonitorEndpoint,
        store: Store,
        metrics: Metrics,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        let (commands, wanted) = mpsc::unbounded_channel();
        // SQLite has a single writer.
        let connections = if config.database.is_file() {
            1
        } else {
            config.database.max_connections()
        };
        let recorder = Recorder::new(store.clone(), connections, metrics.clone());
        let hub = Hub::new(
            &config.relay,
            recorder.clone(),
            commands,
            tasks.clone(),
            shutdown.clone(),
        );
        let (skips, problem) = (Skips::new(metrics.clone()), Problem::default());
        let rest = Rest::new(
            &endpoint,
            &config.relay,
            skips.clone(),
            problem.clone(),
            metrics.clone(),
            tasks.clone(),
        )?;
        let ticker = Ticker::new();
        let surroundings = Surroundings {
            rest: rest.clone(),
            hub: hub.clone(),
            ticker: ticker.clone(),
            problem: problem.clone(),
            skips,
            metrics: metrics.clone(),
        };
        let upstream = Upstream::new(&endpoint, config.relay.clone(), wanted, surroundings);
        tasks.spawn(upstream.run(shutdown.clone()));
        let unwatched = Unwatched {
            store: store.clone(),
            hub: hub.clone(),
            rest: rest.clone(),
            recorder: recorder.clone(),
        };
        tasks.spawn(unwatched.run(config.relay.unwatched_interval, shutdown.clone()));
        tasks.spawn(
            ticker
                .clone()
                .run(tick_interval(&config.sse), shutdown.clone()),
        );
        let starts = Starts::new();
        // Only if there can be other instances.
        if store.has_workers() {
            tasks.spawn(starts.clone().tell_of_others(
                store.clone(),
                config.sse.heartbeat,
                shutdown.clone(),
            ));
        }
        let limits = StreamLimits::new(MostStreams {
            of_all: config.sse.max_streams,
            of_user: config.sse.max_streams_per_user,
            of_address: config.sse.max_streams_per_address,
        });
        let revoker = Revoker {
            limits: limits.clone(),
            ticker: ticker.clone(),
            store: store.clone(),
            lifetime: config.auth.sessions,
        };
        let delivery = Delivery::new(
            hub.clone(),
            store.clone(),
            config.sse.max_jobs,
            ticker.clone(),
            metrics.clone(),
            tasks.clone(),
            config.sse.write_timeout,
        );
        let recheck = tick_interval(&config.sse) * TICKS_OF_A_PASS;
        tasks.spawn(revoker.clone().run(recheck, shutdown.clone()));
        Ok(Self {
            hub,
            rest,
            recorder,
            problem,
            store,
            limits,
            revoker,
            delivery,
            tasks: tasks.clone(),
            ticker,
            metrics,
            starts,
            config: config.sse.clone(),
            guesses: Guesses::default(),
        })
    }

    /// Returns the connection state of the price monitor.
    pub(crate) fn upstream_state(&self) -> UpstreamState {
        self.ticker.upstream()
    }

    /// Returns known problems of the price monitor.
    pub(crate) fn upstream_problems(&self) -> Vec<UpstreamProblem> {
        self.problem.all()
    }

    /// Returns the number of followed jobs.
    pub(crate) fn followed_jobs(&self) -> usize {
        self.hub.followed()
    }

    /// Returns whether the server is stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.ticker.is_draining()
    }

    /// Ends a user's streams after a session has ended. Browsers with a valid session reconnect.
    pub(crate) fn end_streams_of(&self, user: &UserId) {
        self.revoker.revoke(user);
        self.tasks
            .spawn(self.revoker.clone().tell_others(user.clone()));
    }

    /// Returns the newest states of those jobs that are in a scope.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(crate) async fn states(
        &self,
        scope: &JobScope,
        jobs: &[JobId],
    ) -> Result<Vec<(JobId, ProgressEvent)>, ApiError> {
        let mut jobs = self.store.find_jobs(scope, jobs).await?;
        self.freshen(&mut jobs).await;
        let state = |job: &ProductImportJob| (job.id.clone(), Snapshot::from(job).event);
        Ok(jobs.iter().map(state).collect())
    }

    /// Finds a visible job in its newest state.
    ///
    /// # Errors
    ///
    /// [`ApiError::NotFound`] if it does not exist or is not visible.
    pub async fn find_job(&self, who: &Principal, job: &JobId) -> Result<VisibleJob, ApiError> {
        let found = self.find(who, job).await?;
        let mut newest = ProductImportJob::clone(&found);
        self.freshen(std::slice::from_mut(&mut newest)).await;
        Ok(found.in_state(newest))
    }

    /// Finds a job that may be changed, in its newest state.
    ///
    /// # Errors
    ///
    /// As [`find_job`](Self::find_job), and [`ApiError::Forbidden`] with read-only access.
    pub(crate) async fn find_job_to_change(
        &self,
        who: &Principal,
        job: &JobId,
    ) -> Result<ChangeableJob, ApiError> {
        let scope = who.jobs_to_change().ok_or(ApiError::Forbidden)?;
        let found = self.find_job(who, job).await?;
        scope.admit(found).ok_or(ApiError::NotFound)
    }

    /// Finds a visible job. An unknown job that the price monitor knows was started elsewhere: it is recorded
    /// when a user who may import asks for it, for the owner that the price monitor names, else for all
    /// staff.
    ///
    /// Missing and invisible jobs cause the same queries, so that neither answer nor timing tells them apart.
    async fn find(&self, who: &Principal, job: &JobId) -> Result<VisibleJob, ApiError> {
        if let Some(found) = self.store.find_job(&who.jobs(), job).await? {
            return Ok(found);
        }
        if !who.may(Permission::Import) {
            return Err(ApiError::NotFound);
        }
        // Each guess would reach the price monitor.
        if self.guesses.are_too_many(&who.user.id) {
            return Err(ApiError::TooMany);
        }
        let is_known = self.store.knows_job(job).await?;
        let asked = tokio::time::timeout(FRESHEN_TIMEOUT, self.rest.progress(job)).await;
        // A service that answers anything, at a wrong URL, knows no job.
        let named = match asked {
            Ok(Ok(reading)) if reading.shows_import => reading.owner,
            _ => {
                self.guesses.count(&who.user.id);
                return Err(ApiError::NotFound);
            }
        };
        if is_known {
            self.guesses.count(&who.user.id);
            return Err(ApiError::NotFound);
        }
        let filename = format!("import {job}");
        let owner = match named {
            Some(named) => self.store.owner_named(&named).await?,
            None => JobOwner::Staff,
        };
        if let Some(adopted) = self
            .store
            .adopt_job(&who.user.id, &owner, job, &filename)
            .await?
        {
            let action = AuditAction::ImportAdopted;
            audit::record_by(&self.store, who, action, job.as_str()).await;
            self.has_started(owner, adopted);
        }
        let found = self.store.find_job(&who.jobs(), job).await?;
        found.ok_or(ApiError::NotFound)
    }

    /// Runs a future to its end, even if the caller is dropped.
    ///
    /// # Errors
    ///
    /// [`ApiError::Internal`] if it panics.
    pub(crate) async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = self.tasks.spawn(work).await;
        done.map_err(|_| ApiError::Internal)
    }

    /// Uploads a product file to the price monitor and records the job with its user, even if the caller is dropped.
    /// With a `key` the upload may be repeated.
    ///
    /// # Errors
    ///
    /// The price monitor's error, for the user.
    pub(crate) async fn create_import<S, E>(
        &self,
        user: &UserId,
        mode: ImportMode,
        key: Option<String>,
        filename: String,
        file: S,
    ) -> Result<JobId, ApiError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let (relay, user) = (self.clone(), user.clone());
        self.see_through(async move {
            let creating = relay
                .rest
                .create_import(&user, mode, key, filename.clone(), file);
            let job = creating.await.map_err(|error| {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an upload was not taken"
                );
                ApiError::from(error)
            })?;
            relay.record(&user, &job, &filename, mode).await?;
            Ok(job)
        })
        .await?
    }

    /// Records a created job, with retries: it exists at the price monitor.
    async fn record(
        &self,
        user: &UserId,
        job: &JobId,
        filename: &str,
        mode: ImportMode,
    ) -> Result<(), StoreError> {
        let create = || self.store.create_job(user, job, filename, mode);
        let waits = backon::ExponentialBuilder::default().with_max_times(5);
        let created = backon::Retryable::retry(create, waits)
            .when(StoreError::is_passing)
            .await?;
        match created {
            Created::Now(job) => self.has_started(JobOwner::User(user.clone()), job),
            Created::TakenBack(job, before) => {
                self.end_streams_of(&before);
                self.has_started(JobOwner::User(user.clone()), job);
            }
            Created::Before => {}
        }
        Ok(())
    }

    /// Counts a recorded job and announces it to streams of unfinished jobs.
    fn has_started(&self, owner: JobOwner, job: ProductImportJob) {
        self.metrics.import_started();
        self.starts.tell(owner, job);
    }

    /// Updates jobs to their newest state before they are shown: the hub's, else the price monitor's if it
    /// answers in time.
    pub async fn freshen(&self, jobs: &mut [ProductImportJob]) {
        let pending = jobs.iter_mut().filter(|job| !job.status.is_final());
        stream::iter(pending)
            .for_each_concurrent(FRESHEN_CONCURRENCY, |job| self.freshen_one(job))
            .await;
    }

    async fn freshen_one(&self, job: &mut ProductImportJob) {
        if let Some(snapshot) = self.hub.snapshot(&job.id) {
            return snapshot.show_in(job);
        }
        let asked = tokio::time::timeout(FRESHEN_TIMEOUT, self.rest.progress(&job.id)).await;
        let Ok(Ok(reading)) = asked else { return };
        self.rest.note_report(ReportSource::Answers, &reading);
        let Some(snapshot) = Snapshot::from(&*job).after(reading.report, now()) else {
            return;
        };
        // A stalled database must not delay known states.
        let recording = self.recorder.state(&job.id, &snapshot);
        match tokio::time::timeout(FRESHEN_TIMEOUT, recording).await {
            Ok(Ok(Recorded::Updated)) => snapshot.show_in(job),
            Ok(Ok(Recorded::Ended(recorded) | Recorded::Over(recorded))) => *job = *recorded,
            Ok(Ok(Recorded::Gone)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a job's newer state could not be recorded"),
            Err(_) => tracing::warn!(job = %job.id, "a job's newer state is not recorded yet"),
        }
    }
}

/// Ticks often enough for short maximum durations.
fn tick_interval(config: &SseConfig) -> Duration {
    config.max_duration.map_or(config.heartbeat, |longest| {
        config.heartbeat.min(longest / 4)
    })
}
