//! Opens event streams (docs/protocol.md): checks limits and `Last-Event-ID`, and finds the jobs.

use std::{collections::HashSet, sync::Arc};

use super::{
    Relay,
    delivery::{EventStream, Many, ManyId, One, Subscriber, SubscriberStream, Unfinished},
    failed,
    frame::{self, Frame},
    hub::Subscription,
    limits::Permit,
    rooms::Full,
    snapshot::Snapshot,
    stream_control::StreamControl,
    tick_interval,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        job::{JobId, ProductImportJob},
    },
    server::identity::{
        client_address::ClientAddress,
        credential::Pass,
        job_scope::{JobScope, VisibleJob},
    },
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) address: ClientAddress,
    pub(crate) last_event_id: Option<&'a str>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Jobs {
    pub(crate) listed: Vec<JobId>,
    /// Adds all unfinished jobs of the user, including new ones.
    pub(crate) unfinished: bool,
}

#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart at once, one for each stream that opens"
)]
pub(crate) enum ProgressAnswer {
    Stream(SubscriberStream),
    /// The client has the final state: 204 stops it from reconnecting.
    NothingMore,
}

#[derive(Default)]
struct Followed {
    live: Vec<Subscription>,
    over: Vec<(JobId, Arc<Frame>)>,
}

impl Relay {
    /// Opens a stream of one job. Returns [`ApiError::TooMany`] at a limit, [`ApiError::Unavailable`] during shutdown.
    pub(crate) fn open_stream(
        &self,
        pass: Pass,
        recorded: &VisibleJob,
        from: &Asking<'_>,
    ) -> Result<ProgressAnswer, ApiError> {
        self.refuse_while_draining()?;
        let has_seen = |id| frame::has_seen(id, recorded.status);
        if from.last_event_id.is_some_and(has_seen) {
            return Ok(ProgressAnswer::NothingMore);
        }
        let permit = self.permit(pass, from.address)?;
        let mut followed = Followed::default();
        self.follow(recorded, &mut followed)
            .map_err(|Full| self.too_many())?;
        let over = followed.over.pop().map(|(_, frame)| frame);
        Ok(ProgressAnswer::Stream(self.delivery.stream(EventStream {
            subscriber: Subscriber::One(One::new(over)),
            live: followed.live,
            started: None,
            control: self.control(permit),
        })))
    }

    /// Opens a stream of many jobs. Errors like [`open_stream`](Self::open_stream); also [`ApiError::TooMany`] if a
    /// listed job exceeds a limit, [`ApiError::NotFound`] if none exists, [`ApiError::Invalid`] if too many are listed.
    pub(crate) async fn open_many(
        &self,
        pass: Pass,
        scope: JobScope,
        jobs: Jobs,
        from: &Asking<'_>,
    ) -> Result<ProgressAnswer, ApiError> {
        tracing::info!("SSE Progress API called");
        self.refuse_while_draining()?;
        let Jobs {
            mut listed,
            unfinished,
        } = jobs;
        listed.sort_unstable();
        listed.dedup();
        let max_jobs = self.config.max_jobs;
        if listed.len() > max_jobs {
            return Err(ApiError::invalid(ErrorCode::MostImportsOfStream {
                limit: max_jobs as u64,
            }));
        }
        // Before the query, so that no start is missed.
        let started = unfinished.then(|| self.starts.listen());
        let mut found = self
            .records
            .jobs
            .find(&scope, &listed)
            .await
            .map_err(failed)?;
        let is_missing = |id: &&JobId| found.iter().all(|job| job.id != **id);
        let missing = listed.iter().filter(is_missing).cloned().collect();
        if unfinished {
            found.extend(
                self.records
                    .jobs
                    .unfinished(&scope, max_jobs)
                    .await
                    .map_err(failed)?,
            );
        } else if found.is_empty() {
            return Err(ApiError::NotFound);
        }
        let has_ended = !unfinished && found.iter().all(|job| job.status.is_final());
        if has_ended && from.last_event_id.is_some_and(frame::has_seen_all) {
            return Ok(ProgressAnswer::NothingMore);
        }
        let permit = self.permit(pass, from.address)?;
        let id = ManyId::new(&listed, from.last_event_id);
        let (Followed { live, over }, is_short) = self.follow_all(found, &listed, &id)?;
        let unfinished = unfinished.then(|| Unfinished::new(scope, max_jobs, is_short));
        let many = Many::new(listed, id, over, missing, unfinished);
        Ok(ProgressAnswer::Stream(self.delivery.stream(EventStream {
            subscriber: Subscriber::Many(Box::new(many)),
            live,
            started,
            control: self.control(permit),
        })))
    }

    /// Follows jobs whose end the client has not seen. Returns whether unlisted jobs were dropped because of a limit.
    fn follow_all(
        &self,
        jobs: Vec<ProductImportJob>,
        listed: &[JobId],
        id: &ManyId,
    ) -> Result<(Followed, bool), ApiError> {
        let (mut followed, mut is_short) = (Followed::default(), false);
        let mut ids = HashSet::new();
        for mut job in jobs {
            let place = listed.binary_search(&job.id).ok();
            if let Some(place) = place {
                // Shares the ID's allocation within the stream.
                job.id = listed[place].clone();
            }
            let has_seen_end =
                job.status.is_final() && place.is_some_and(|place| id.has_seen_end(place));
            if has_seen_end || !ids.insert(job.id.clone()) {
                continue;
            }
            if followed.live.len() + followed.over.len() >= self.config.max_jobs {
                is_short = true;
                continue;
            }
            match self.follow(&job, &mut followed) {
                Ok(()) => {}
                Err(Full) if place.is_some() => return Err(self.too_many()),
                Err(Full) => is_short = true,
            }
        }
        Ok((followed, is_short))
    }

    fn follow(&self, job: &ProductImportJob, followed: &mut Followed) -> Result<(), Full> {
        // An ended job needs no room.
        if job.status.is_final() {
            let frame = Frame::new(1, &Snapshot::from(job));
            followed.over.push((job.id.clone(), Arc::new(frame)));
        } else {
            let viewer = self.hub.subscribe(job).inspect_err(|Full| {
                tracing::warn!(job = %job.id, "the limit of followed jobs is reached");
            })?;
            followed.live.push(viewer);
        }
        tracing::info!("Client joining import job: {}", job.id);
        Ok(())
    }

    pub(crate) fn refuse_while_draining(&self) -> Result<(), ApiError> {
        if self.is_stopping() {
            return Err(ApiError::Unavailable(ErrorCode::Restarting.into()));
        }
        Ok(())
    }

    fn permit(&self, pass: Pass, address: ClientAddress) -> Result<Permit, ApiError> {
        self.limits
            .acquire(pass, address.network())
            .ok_or_else(|| self.too_many())
    }

    fn too_many(&self) -> ApiError {
        self.metrics.stream_refused();
        ApiError::TooMany
    }

    fn control(&self, permit: Permit) -> StreamControl {
        // Earlier by a tick, to end in time.
        let max_duration = self
            .config
            .max_duration
            .map(|longest| longest.saturating_sub(tick_interval(&self.config)));
        StreamControl::new(permit, self.metrics.stream_opened(), max_duration)
    }
}
