//! The jobs to follow, and when each had its last news (pure, except for the clock).

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::Command;
use crate::model::job::JobId;

const FAR: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(super) struct Wanted(HashMap<JobId, Interest>);

#[derive(Debug)]
enum Interest {
    /// For subscribers; with the time of its last news.
    Watched(Instant),
    /// For its end; `relay::unwatched` polls REST.
    Unwatched,
    /// For late reports of an ended job.
    Late,
}

impl Wanted {
    /// Returns whether a job was added.
    pub(super) fn apply(&mut self, command: Command) -> bool {
        match command {
            Command::Join(job) => {
                let interest = Interest::Watched(Instant::now());
                self.0.insert(job, interest).is_none()
            }
            Command::Keep(job) => self.0.insert(job, Interest::Unwatched).is_none(),
            Command::Ended(job) => {
                if let Some(interest) = self.0.get_mut(&job) {
                    *interest = Interest::Late;
                }
                false
            }
            Command::Leave(job) => {
                self.0.remove(&job);
                false
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs().next().is_none()
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &JobId> {
        let is_running = |interest: &Interest| !matches!(interest, Interest::Late);
        let running = self.0.iter().filter(move |(_, it)| is_running(it));
        running.map(|(job, _)| job)
    }

    pub(super) fn watched(&self) -> Vec<JobId> {
        let is_watched = |interest: &Interest| matches!(interest, Interest::Watched(_));
        let watched = self.0.iter().filter(|(_, it)| is_watched(it));
        watched.map(|(job, _)| job.clone()).collect()
    }

    pub(super) fn heard(&mut self, job: &JobId) {
        if let Some(Interest::Watched(heard)) = self.0.get_mut(job) {
            *heard = Instant::now();
        }
    }

    /// Returns when the first job will have been silent for `silence`.
    pub(super) fn next_silence(&self, silence: Duration) -> Instant {
        let heard = self.0.values().filter_map(|interest| match interest {
            Interest::Watched(heard) => Some(heard),
            Interest::Unwatched | Interest::Late => None,
        });
        heard
            .min()
            .map_or_else(|| Instant::now() + FAR, |heard| *heard + silence)
    }

    /// Returns the jobs that were silent for `silence` and restarts their clocks.
    pub(super) fn take_silent(&mut self, silence: Duration) -> Vec<JobId> {
        let now = Instant::now();
        let mut silent = Vec::new();
        for (job, interest) in &mut self.0 {
            if let Interest::Watched(heard) = interest
                && now.duration_since(*heard) >= silence
            {
                *heard = now;
                silent.push(job.clone());
            }
        }
        silent
    }
}
