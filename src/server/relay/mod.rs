//! Relays progress: one socket to the price monitor in, any number of event streams out.
//!
//! `upstream` and `rest_client` turn messages into reports, `hub` keeps and encodes each job's newest state, `delivery`
//! writes it to subscribers.

mod connection_log;
mod delivery;
mod diagnosis;
mod frame;
mod heartbeat;
mod hub;
mod import_calls;
mod limits;
pub mod probe;
mod reasons;
mod recorder;
pub(crate) mod records;
mod rest_client;
mod revocation;
mod rooms;
mod skips;
mod snapshot;
mod starts;
mod stream_control;
mod streams;
#[cfg(test)]
mod truth;
mod unwatched;
mod upstream;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::import_calls::Rerun;
pub(crate) use self::streams::{Asking, Jobs, ProgressAnswer};
use self::{
    connection_log::ConnectionLog,
    delivery::Delivery,
    diagnosis::Diagnosis,
    heartbeat::Ticker,
    hub::Hub,
    limits::{MostStreams, StreamLimits},
    recorder::Recorder,
    records::{RecordError, Records},
    rest_client::RestClient,
    revocation::Revoker,
    skips::Skips,
    snapshot::Snapshot,
    starts::Starts,
    unwatched::Unwatched,
    upstream::{Surroundings, Upstream},
};
use crate::{
    model::{
        clock::now,
        error::ApiError,
        import_options::Instructions,
        job::{JobId, ProductImportJob, ProgressEvent},
        job_state::Recorded,
        progress::UpstreamState,
        status::{ReportSource, UpstreamProblem},
    },
    server::{
        config::{Config, Monitor, MonitorEndpoint, SseConfig},
        identity::{
            job_scope::{JobOwner, JobScope},
            user::UserId,
        },
        telemetry::Metrics,
    },
};

/// Timeout for refreshing an unfollowed job before a page shows it.
const REFRESH_TIMEOUT: Duration = Duration::from_millis(1500);
const REFRESH_CONCURRENCY: usize = 8;
/// Ticks between rechecks of sessions and tokens with open streams.
const TICKS_OF_A_PASS: u32 = 3;

/// The relay. Clones share it.
#[derive(Clone, Debug)]
pub struct Relay {
    hub: Hub,
    rest: RestClient,
    recorder: Recorder,
    diagnosis: Diagnosis,
    records: Records,
    limits: StreamLimits,
    revoker: Revoker,
    metrics: Metrics,
    delivery: Delivery,
    tasks: TaskTracker,
    ticker: Ticker,
    starts: Starts,
    config: SseConfig,
}

impl Relay {
    /// `tasks` owns spawned tasks, `shutdown` ends them. Fails if TLS cannot be set up.
    pub(crate) fn start(
        config: &Config,
        endpoint: MonitorEndpoint,
        records: Records,
        metrics: Metrics,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        let (commands, wanted) = mpsc::unbounded_channel();
        let recorder = Recorder::new(records.jobs.clone(), records.connections, metrics.clone());
        let mut relay = config.relay.clone();
        if matches!(config.monitor, Monitor::Embedded { .. }) {
            // Its REST API reports everything that its events do.
            relay.unwatched_jobs = 0;
        }
        let hub = Hub::new(
            &relay,
            recorder.clone(),
            commands,
            tasks.clone(),
            shutdown.clone(),
        );
        let (skips, diagnosis) = (Skips::new(metrics.clone()), Diagnosis::default());
        let rest = RestClient::new(
            &endpoint,
            &config.relay,
            skips.clone(),
            diagnosis.clone(),
            metrics.clone(),
            tasks.clone(),
        )?;
        let ticker = Ticker::new();
        let surroundings = Surroundings {
            rest: rest.clone(),
            hub: hub.clone(),
            ticker: ticker.clone(),
            diagnosis: diagnosis.clone(),
            skips,
            metrics: metrics.clone(),
            log: ConnectionLog::new(records.activity.clone(), tasks.clone()),
        };
        let upstream = Upstream::new(&endpoint, config.relay.clone(), wanted, surroundings);
        tasks.spawn(upstream.run(shutdown.clone()));
        let unwatched = Unwatched {
            records: records.jobs.clone(),
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
        if records.is_shared {
            tasks.spawn(starts.clone().tell_of_others(
                records.jobs.clone(),
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
            known: records.passes.clone(),
        };
        let delivery = Delivery::new(
            hub.clone(),
            records.jobs.clone(),
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
            diagnosis,
            records,
            limits,
            revoker,
            delivery,
            tasks: tasks.clone(),
            ticker,
            metrics,
            starts,
            config: config.sse.clone(),
        })
    }

    pub(crate) fn upstream_state(&self) -> UpstreamState {
        self.ticker.upstream()
    }

    pub(crate) fn upstream_problems(&self) -> Vec<UpstreamProblem> {
        self.diagnosis.all()
    }

    pub(crate) fn followed_jobs(&self) -> usize {
        self.hub.followed()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.ticker.is_draining()
    }

    /// Ends a user's streams after a session has ended. Browsers with a valid session reconnect.
    pub(crate) fn end_streams_of(&self, user: &UserId) {
        self.revoker.revoke(user);
        self.tasks
            .spawn(self.revoker.clone().tell_others(user.clone()));
    }

    pub(crate) async fn states(
        &self,
        scope: &JobScope,
        jobs: &[JobId],
    ) -> Result<Vec<(JobId, ProgressEvent)>, ApiError> {
        let mut jobs = self.records.jobs.find(scope, jobs).await.map_err(failed)?;
        self.refresh(&mut jobs).await;
        let state = |job: &ProductImportJob| (job.id.clone(), Snapshot::recorded(job).told());
        Ok(jobs.iter().map(state).collect())
    }

    /// Runs a future to completion even if the caller is dropped. Returns [`ApiError::Internal`] if it panics.
    pub(crate) async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = self.tasks.spawn(work).await;
        done.map_err(|_| ApiError::Internal)
    }

    /// Uploads a product file to the price monitor and returns the job. With a `key` it can be repeated.
    pub(crate) async fn submit<S, E>(
        &self,
        user: &UserId,
        what: Instructions,
        key: Option<String>,
        filename: String,
        file: S,
    ) -> Result<JobId, ApiError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let creating = self.rest.create_import(user, what, key, filename, file);
        creating.await.map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an upload was rejected"
            );
            ApiError::from(error)
        })
    }

    /// Asks the price monitor for a job's owner. `None` if it does not know the job or does not answer in time; the
    /// owner is optional too.
    pub(crate) async fn ask_for_owner(&self, job: &JobId) -> Option<Option<String>> {
        let asked = tokio::time::timeout(REFRESH_TIMEOUT, self.rest.progress(job)).await;
        match asked {
            // A service that answers anything, at a wrong URL, knows no job.
            Ok(Ok(reading)) if reading.shows_import => Some(reading.owner),
            _ => None,
        }
    }

    pub(crate) fn forget(&self, job: &JobId) {
        self.hub.forget(job);
    }

    /// Counts a recorded job and announces it to streams of unfinished jobs.
    pub(crate) fn has_started(&self, owner: JobOwner, job: ProductImportJob) {
        self.metrics.import_started();
        self.hub.keep_soon(job.clone());
        self.starts.tell(owner, job);
    }

    /// Updates jobs before they are displayed, with the hub's state or, if it answers in time, the price monitor's.
    pub async fn refresh(&self, jobs: &mut [ProductImportJob]) {
        let pending = jobs.iter_mut().filter(|job| !job.status.is_final());
        stream::iter(pending)
            .for_each_concurrent(REFRESH_CONCURRENCY, |job| self.refresh_one(job))
            .await;
    }

    async fn refresh_one(&self, job: &mut ProductImportJob) {
        if let Some(snapshot) = self.hub.snapshot(&job.id) {
            snapshot.show_in(job);
            // Without subscribers, REST answers do not reach the hub.
            if job.status.is_final() || self.hub.is_watched(&job.id) {
                return;
            }
        }
        let asked = tokio::time::timeout(REFRESH_TIMEOUT, self.rest.progress(&job.id)).await;
        let Ok(Ok(reading)) = asked else { return };
        self.rest.note_report(ReportSource::Answers, &reading);
        let Some(snapshot) = Snapshot::from(&*job).after(reading.report, now()) else {
            return;
        };
        // A stalled database must not delay known states.
        let recording = self.recorder.state(&job.id, &snapshot);
        match tokio::time::timeout(REFRESH_TIMEOUT, recording).await {
            Ok(Ok(Recorded::Updated)) => snapshot.show_in(job),
            Ok(Ok(Recorded::Ended(recorded) | Recorded::Over(recorded))) => *job = *recorded,
            Ok(Ok(Recorded::Gone)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot record a job's newer state"),
            Err(_) => tracing::warn!(job = %job.id, "a job's newer state is not recorded yet"),
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // it is given to `map_err`
fn failed(error: RecordError) -> ApiError {
    tracing::error!(%error, "database error");
    ApiError::Internal
}

/// Ticks often enough for short maximum durations.
fn tick_interval(config: &SseConfig) -> Duration {
    config.max_duration.map_or(config.heartbeat, |longest| {
        config.heartbeat.min(longest / 4)
    })
}
