//! Records states of jobs in the database with few concurrent writes; retries ends and counts each once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    records::{JobRecords, RecordError},
    snapshot::Snapshot,
};
use crate::{
    model::{
        job::{JobId, ProductImportJob},
        job_state::{JobState, Recorded},
    },
    server::telemetry::Metrics,
};

pub(super) const LAST_WRITES: Duration = Duration::from_secs(5);
/// Leaves connections to readers.
const MOST_WRITES: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Recorder {
    records: Arc<dyn JobRecords>,
    metrics: Metrics,
    permits: Arc<Semaphore>,
}

impl Recorder {
    /// Uses at most half of the connections.
    pub(super) fn new(records: Arc<dyn JobRecords>, connections: u32, metrics: Metrics) -> Self {
        let half = connections as usize / 2;
        let permits = Arc::new(Semaphore::new(half.clamp(1, MOST_WRITES)));
        Self {
            records,
            metrics,
            permits,
        }
    }

    pub(super) async fn permit(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = self.permits.clone().acquire_owned().await {
                return permit;
            }
        }
    }

    /// Records a final state, retrying until it succeeds, and returns the recorded state with counts and ends of other
    /// instances.
    pub(super) async fn end(
        &self,
        job: &JobId,
        snapshot: &Snapshot,
        permit: OwnedSemaphorePermit,
    ) -> Recorded {
        let began = Instant::now();
        let mut permit = Some(permit);
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .with_jitter()
            .build();
        loop {
            let turn = match permit.take() {
                Some(turn) => turn,
                None => self.permit().await,
            };
            let written = self.try_end(job, snapshot, began).await;
            drop(turn);
            match written {
                Ok(recorded) => return recorded,
                Err(error) => {
                    tracing::error!(%error, %job, "cannot record the end of a job yet");
                }
            }
            tokio::time::sleep(pauses.next().unwrap_or(LAST_WRITES)).await;
        }
    }

    /// Tries to record a final state, and counts it if new.
    async fn try_end(
        &self,
        job: &JobId,
        snapshot: &Snapshot,
        began: Instant,
    ) -> Result<Recorded, RecordError> {
        let state = |recorded: &ProductImportJob| JobState::from(&snapshot.over(recorded));
        let recorded = self.records.end(job, &state).await?;
        if let Recorded::Ended(job) = &recorded {
            self.metrics.import_ended(job.status, began.elapsed());
        }
        Ok(recorded)
    }

    /// Tries to record the state of an unfollowed job.
    pub(super) async fn state(
        &self,
        job: &JobId,
        snapshot: &Snapshot,
    ) -> Result<Recorded, RecordError> {
        let _permit = self.permit().await;
        if snapshot.is_final() {
            self.try_end(job, snapshot, Instant::now()).await
        } else {
            self.records.update(job, JobState::from(snapshot)).await
        }
    }

    /// Returns whether it succeeded; losses do not matter.
    pub(super) async fn counts(
        &self,
        counts: impl Iterator<Item = (&JobId, &Snapshot)>,
        _permit: OwnedSemaphorePermit,
    ) -> bool {
        let states = counts.map(|(job, counts)| (job.clone(), JobState::from(counts)));
        let recorded = self.records.update_all(states.collect()).await;
        if let Err(error) = &recorded {
            tracing::warn!(%error, "cannot record the counts of jobs");
        }
        recorded.is_ok()
    }

    /// Records failed products after the end. Returns whether it succeeded.
    pub(super) async fn details(
        &self,
        job: &JobId,
        skus: &[String],
        _permit: OwnedSemaphorePermit,
    ) -> bool {
        let recorded = self.records.set_failed_skus(job, skus).await;
        if let Err(error) = &recorded {
            tracing::warn!(%error, %job, "cannot record the failed products of a job");
        }
        recorded.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::server::store::test_database::TestDatabase;

    #[tokio::test]
    async fn few_write_at_once_and_half_of_the_connections_are_left_to_readers() {
        let (_database, store) = TestDatabase::opened().await;
        for (connections, most) in [(1, 1), (2, 1), (3, 1), (6, 3), (8, 4), (100, 4)] {
            let recorder = Recorder::new(Arc::new(store.clone()), connections, Metrics::default());
            let mut turns = Vec::new();
            while let Some(turn) = recorder.permit().now_or_never() {
                turns.push(turn);
            }
            assert_eq!(turns.len(), most, "of {connections} connections");
            turns.pop();
            assert!(recorder.permit().now_or_never().is_some());
        }
    }
}
