//! The relay: one socket to the price monitor in, any number of event streams out.
//!
//! `upstream` and `rest` turn what the price monitor says into reports, `hub` keeps the newest state
//! of each followed job and encodes it once, `sse` hands it to viewers.

mod frame;
mod hub;
mod limits;
mod pulse;
mod report;
mod rest;
mod rooms;
mod snapshot;
mod sse;
mod upstream;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    hub::Hub,
    limits::StreamLimits,
    pulse::Pulse,
    rest::{Rest, RestError},
    snapshot::Snapshot,
    upstream::Upstream,
};
use crate::{
    api::ApiError,
    job::{JobId, ProductImportJob, ProgressEvent},
    server::{
        config::{Config, MonitorEndpoint, SseConfig},
        store::{
            Store,
            jobs::JobState,
            now,
            users::{User, UserId},
        },
    },
};

/// How long a page waits for the price monitor's word on a job that nobody follows.
const FRESHEN_TIMEOUT: Duration = Duration::from_millis(1500);
/// How many jobs of a page are asked for at once.
const FRESHEN_CONCURRENCY: usize = 8;

/// The relay. Clones share it.
#[derive(Clone, Debug)]
pub struct Relay {
    hub: Hub,
    rest: Rest,
    store: Store,
    limits: StreamLimits,
    pulse: watch::Sender<Pulse>,
    config: SseConfig,
}

/// What a request for a job's progress is answered with.
pub enum ProgressAnswer<S> {
    /// The stream.
    Stream(S),
    /// The client has the final state already: it is to stop asking.
    NothingMore,
}

impl Relay {
    /// Starts the relay. What it spawns is owned by `tasks` and ends with `shutdown`.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be set up.
    pub fn start(
        config: &Config,
        endpoint: MonitorEndpoint,
        store: Store,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        let (commands, wanted) = mpsc::unbounded_channel();
        let hub = Hub::new(
            &config.relay,
            store.clone(),
            commands,
            tasks.clone(),
            shutdown.clone(),
        );
        let rest = Rest::new(&endpoint, tasks.clone())?;
        let upstream = Upstream::new(
            endpoint,
            config.relay.clone(),
            rest.clone(),
            hub.clone(),
            wanted,
        );
        tasks.spawn(upstream.run(shutdown.clone()));
        let pulse = watch::Sender::new(Pulse::Beat);
        tasks.spawn(pulse::beat(
            pulse.clone(),
            beat_interval(&config.sse),
            shutdown.clone(),
        ));
        let limits = StreamLimits::new(config.sse.max_streams, config.sse.max_streams_per_user);
        Ok(Self {
            hub,
            rest,
            store,
            limits,
            pulse,
            config: config.sse.clone(),
        })
    }

    /// Opens a user's stream of a job's progress.
    ///
    /// # Errors
    ///
    /// [`ApiError::NotFound`] when there is no such job or it is somebody else's,
    /// [`ApiError::TooMany`] at a limit, [`ApiError::Unavailable`] while the server stops.
    pub async fn open_stream(
        &self,
        user: &User,
        job: &JobId,
        last_event_id: Option<&str>,
    ) -> Result<ProgressAnswer<impl Stream<Item = Bytes> + Send + 'static + use<>>, ApiError> {
        tracing::info!("SSE Progress API called");
        if *self.pulse.borrow() == Pulse::Drain {
            return Err(ApiError::Unavailable(
                "The server is restarting.".to_owned(),
            ));
        }
        let recorded = self
            .store
            .find_job(&user.id, job)
            .await?
            .ok_or(ApiError::NotFound)?;
        if last_event_id.is_some_and(|id| frame::has_seen(id, recorded.status)) {
            return Ok(ProgressAnswer::NothingMore);
        }
        let permit = self.limits.acquire(&user.id).ok_or(ApiError::TooMany)?;
        let viewer = self
            .hub
            .watch(&recorded)
            .map_err(|_full| ApiError::TooMany)?;
        tracing::info!("Client joining import job: {job}");
        Ok(ProgressAnswer::Stream(sse::progress_stream(
            viewer,
            self.pulse.subscribe(),
            permit,
            // So much earlier that the next beat is still in time.
            self.config
                .max_duration
                .map(|longest| longest.saturating_sub(beat_interval(&self.config))),
        )))
    }

    /// Returns the newest state of a user's job.
    ///
    /// # Errors
    ///
    /// [`ApiError::NotFound`] when there is no such job or it is somebody else's.
    pub async fn state(&self, user: &UserId, job: &JobId) -> Result<ProgressEvent, ApiError> {
        let mut job = self
            .store
            .find_job(user, job)
            .await?
            .ok_or(ApiError::NotFound)?;
        self.freshen(std::slice::from_mut(&mut job)).await;
        Ok(Snapshot::from(&job).event)
    }

    /// Hands a product file to the price monitor and records the job with its user.
    ///
    /// # Errors
    ///
    /// What the price monitor says of it, for the user to read.
    pub async fn create_import<S, E>(
        &self,
        user: &UserId,
        filename: String,
        file: S,
    ) -> Result<JobId, ApiError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let job = self
            .rest
            .create_import(filename.clone(), file)
            .await
            .map_err(|error| {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an upload was not taken"
                );
                match &error {
                    RestError::Refused(_) => ApiError::Invalid(error.to_string()),
                    _ => ApiError::Unavailable(error.to_string()),
                }
            })?;
        self.store.create_job(user, &job, &filename).await?;
        Ok(job)
    }

    /// Puts the newest known state into jobs that are about to be shown: the hub's where a job is
    /// followed, else the price monitor's, if it answers soon.
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
        let Ok(Ok(report)) = asked else { return };
        let Some(snapshot) = Snapshot::from(&*job).after(report, now()) else {
            return;
        };
        if let Err(error) = self
            .store
            .update_job(&job.id, JobState::from(&snapshot))
            .await
        {
            tracing::warn!(%error, "a job's newer state could not be recorded");
            return;
        }
        snapshot.show_in(job);
    }
}

/// Streams are looked at so often that they end in time where the longest is shorter than a few
/// heartbeats.
fn beat_interval(config: &SseConfig) -> Duration {
    config.max_duration.map_or(config.heartbeat, |longest| {
        config.heartbeat.min(longest / 4)
    })
}
