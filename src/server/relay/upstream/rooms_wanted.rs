//! Which jobs are followed, and since when nothing was heard of each (pure but for the clock).

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::Command;
use crate::job::JobId;

/// How far ahead a timer is set that has nothing to wait for.
const FAR: Duration = Duration::from_secs(3600);

/// The followed jobs.
#[derive(Debug, Default)]
pub(super) struct Wanted(HashMap<JobId, Instant>);

impl Wanted {
    pub(super) fn apply(&mut self, command: Command) {
        match command {
            Command::Join(job) => drop(self.0.insert(job, Instant::now())),
            Command::Leave(job) => drop(self.0.remove(&job)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &JobId> {
        self.0.keys()
    }

    /// Notes that a job has news.
    pub(super) fn heard(&mut self, job: &JobId) {
        if let Some(heard) = self.0.get_mut(job) {
            *heard = Instant::now();
        }
    }

    /// Returns when the first job will have been silent for `silence`.
    pub(super) fn next_silence(&self, silence: Duration) -> Instant {
        let oldest = self.0.values().min();
        oldest.map_or_else(|| Instant::now() + FAR, |heard| *heard + silence)
    }

    /// Takes the jobs that have been silent for `silence`; their clocks start anew.
    pub(super) fn take_silent(&mut self, silence: Duration) -> Vec<JobId> {
        let now = Instant::now();
        let is_silent = |(_, heard): &(_, &mut Instant)| now.duration_since(**heard) >= silence;
        let silent = self.0.iter_mut().filter(is_silent);
        silent
            .map(|(job, heard)| {
                *heard = now;
                job.clone()
            })
            .collect()
    }
}
