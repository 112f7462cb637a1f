//! The jobs to follow, and when each had its last news (pure, except for the clock).

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::Command;
use crate::model::job::JobId;

/// Deadline of an idle timer.
const FAR: Duration = Duration::from_secs(3600);

/// Followed jobs with the time of their last news; `None` for ended ones, which are followed for late
/// reports.
#[derive(Debug, Default)]
pub(super) struct Wanted(HashMap<JobId, Option<Instant>>);

impl Wanted {
    pub(super) fn apply(&mut self, command: Command) {
        match command {
            Command::Join(job) => drop(self.0.insert(job, Some(Instant::now()))),
            Command::Ended(job) => {
                if let Some(heard) = self.0.get_mut(&job) {
                    *heard = None;
                }
            }
            Command::Leave(job) => drop(self.0.remove(&job)),
        }
    }

    /// Returns whether no running job is followed.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs().next().is_none()
    }

    /// Returns the running jobs.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &JobId> {
        let running = self.0.iter().filter(|(_, heard)| heard.is_some());
        running.map(|(job, _)| job)
    }

    /// Records news of a job.
    pub(super) fn heard(&mut self, job: &JobId) {
        if let Some(Some(heard)) = self.0.get_mut(job) {
            *heard = Instant::now();
        }
    }

    /// Returns when the first job will have been silent for `silence`.
    pub(super) fn next_silence(&self, silence: Duration) -> Instant {
        let oldest = self.0.values().flatten().min();
        oldest.map_or_else(|| Instant::now() + FAR, |heard| *heard + silence)
    }

    /// Takes the jobs that were silent for `silence`, and restarts their clocks.
    pub(super) fn take_silent(&mut self, silence: Duration) -> Vec<JobId> {
        let now = Instant::now();
        let mut silent = Vec::new();
        for (job, heard) in &mut self.0 {
            if let Some(heard) = heard
                && now.duration_since(*heard) >= silence
            {
                *heard = now;
                silent.push(job.clone());
            }
        }
        silent
    }
}
