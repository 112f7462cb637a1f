//! Follows unfinished jobs without subscribers: joins them, because some services report errors by events only, and
//! polls them by REST, a few at a time in turn.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use price_monitor_wire::Report;
use tokio_util::sync::CancellationToken;

use super::{
    hub::Hub, recorder::Recorder, records::JobRecords, rest_client::RestClient, snapshot::Snapshot,
};
use crate::model::{
    clock::now,
    job::{JobId, ProductImportJob},
    job_state::Recorded,
};

const BATCH: u64 = 32;
const CONCURRENCY: usize = 4;

pub(super) struct Unwatched {
    pub(super) records: Arc<dyn JobRecords>,
    pub(super) hub: Hub,
    pub(super) rest: RestClient,
    pub(super) recorder: Recorder,
}

impl Unwatched {
    pub(super) async fn run(self, interval: Duration, shutdown: CancellationToken) {
        let rounds = async {
            let (mut after, mut unlisted) = (None, HashSet::new());
            loop {
                // At a random time per instance.
                let pause = interval.mul_f64(0.75 + fastrand::f64() / 2.0);
                tokio::time::sleep(pause).await;
                if !self.rest.is_resting() {
                    if after.is_none() {
                        unlisted = HashSet::from_iter(self.hub.unwatched());
                    }
                    after = self.round(after, &mut unlisted).await;
                }
            }
        };
        tokio::select! {
            () = rounds => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// Polls the jobs after one. Returns the last of them; `None` at the end of the list. Followed jobs in no part of
    /// the list were ended by another instance.
    async fn round(&self, after: Option<JobId>, unlisted: &mut HashSet<JobId>) -> Option<JobId> {
        let jobs = match self.records.unfinished_after(after.as_ref(), BATCH).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::warn!(%error, "cannot look for unfinished jobs");
                return after;
            }
        };
        let is_last = (jobs.len() as u64) < BATCH;
        let last = jobs.last().map(|job| job.id.clone());
        for job in &jobs {
            unlisted.remove(&job.id);
        }
        stream::iter(jobs)
            .for_each_concurrent(CONCURRENCY, |job| self.ask(job))
            .await;
        if is_last {
            for job in unlisted.drain() {
                self.forget_ended(&job).await;
            }
        }
        last.filter(|_| !is_last)
    }

    async fn forget_ended(&self, job: &JobId) {
        let Some(snapshot) = self.hub.snapshot(job) else {
            return;
        };
        match self.recorder.state(job, &snapshot).await {
            Ok(Recorded::Updated) => {}
            Ok(Recorded::Ended(_) | Recorded::Over(_) | Recorded::Gone) => {
                if !self.hub.is_watched(job) {
                    self.hub.forget(job);
                }
            }
            Err(error) => tracing::warn!(%error, %job, "cannot look for the end of a job"),
        }
    }

    async fn ask(&self, job: ProductImportJob) {
        self.hub.keep(&job);
        if self.hub.is_watched(&job.id) {
            return;
        }
        if let Some(report) = self.rest.poll(&job.id).await {
            self.record(&job, report).await;
        }
    }

    async fn record(&self, job: &ProductImportJob, report: Report) {
        // It may be followed by now.
        if self.hub.report(&job.id, report.clone()) {
            return;
        }
        if let Some(newer) = Snapshot::from(job).after(report, now())
            && let Err(error) = self.recorder.state(&job.id, &newer).await
        {
            tracing::warn!(%error, job = %job.id, "cannot record a job's newer state");
        }
    }
}
