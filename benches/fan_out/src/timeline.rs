//! When each update was sent: the common clock of price monitor and subscribers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

#[derive(Clone)]
pub(crate) struct Timeline(Arc<Shared>);

struct Shared {
    start: Instant,
    jobs: Vec<Vec<AtomicU64>>,
}

impl Timeline {
    /// Allocates for jobs and updates; updates count from 1.
    pub(crate) fn new(jobs: usize, updates: usize) -> Self {
        let of_one = || (0..=updates).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Shared {
            start: Instant::now(),
            jobs: (0..jobs).map(|_| of_one()).collect(),
        }))
    }

    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.0.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn sent(&self, job: usize, update: usize) {
        self.0.jobs[job][update].store(self.now(), Ordering::Release);
    }

    pub(crate) fn when(&self, job: usize, update: usize) -> Option<u64> {
        let at = self.0.jobs.get(job)?.get(update)?.load(Ordering::Acquire);
        (at > 0).then_some(at)
    }
}
