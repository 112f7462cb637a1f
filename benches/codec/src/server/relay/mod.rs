//! The relay's pure modules, for benchmarks.

#[path = "../../../../../src/server/relay/frame.rs"]
mod frame;
#[path = "../../../../../src/server/relay/rooms.rs"]
mod rooms;
#[path = "../../../../../src/server/relay/snapshot.rs"]
mod snapshot;

use std::{sync::Arc, time::Duration};

use price_monitor_wire::Report;
use tokio::sync::watch;

use self::{rooms::Rooms, snapshot::Snapshot};
use crate::model::job::JobId;

/// A followed job: takes reports, encodes frames.
pub struct Followed {
    rooms: Rooms,
    job: JobId,
    frames: watch::Receiver<Arc<frame::Frame>>,
    processed: u64,
}

impl Followed {
    /// Follows a job.
    ///
    /// # Panics
    ///
    /// Never: the ID is valid, and there is room for one job.
    #[must_use]
    pub fn new() -> Self {
        let mut rooms = Rooms::new(1, Duration::from_secs(30));
        let job: JobId = "662f8c1e9b1d8a0012345678".parse().expect("an identifier");
        let (frames, _, _) = rooms
            .enter(&job, Snapshot::default())
            .expect("room for one");
        Self {
            rooms,
            job,
            frames,
            processed: 0,
        }
    }

    /// Applies a report. Returns the size of the frame for all subscribers.
    pub fn report(&mut self) -> usize {
        self.processed += 1;
        let report = Report {
            processed: self.processed,
            failed: 3,
            total: u64::MAX >> 11,
            ..Report::default()
        };
        self.rooms.report(&self.job, report, 7);
        self.frames.borrow_and_update().bytes.len()
    }
}

impl Default for Followed {
    fn default() -> Self {
        Self::new()
    }
}
