//! Which jobs are followed, by how many viewers, and their newest state (pure: no clock, no I/O).

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{frame::Frame, report::Report, snapshot::Snapshot};
use crate::job::{JobId, UnixMillis};

/// The followed jobs.
#[derive(Debug)]
pub(crate) struct Rooms {
    rooms: HashMap<JobId, Room>,
    max_rooms: usize,
    grace: Duration,
}

/// One followed job: the newest frame in a cell that any number of viewers look at.
#[derive(Debug)]
struct Room {
    cell: watch::Sender<Arc<Frame>>,
    snapshot: Snapshot,
    revision: u64,
    viewers: usize,
    /// When the last viewer left.
    empty_since: Option<Instant>,
    phase: Phase,
    /// Whether the newest counts are not recorded yet.
    dirty: bool,
}

/// How far a room's end is.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Phase {
    /// The job runs.
    Live,
    /// The job's end is known and being recorded; nobody has been told.
    Settling,
    /// The end is recorded and has been sent.
    Ended,
}

/// What is to be done about the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// Ask the price monitor for this job's reports.
    Join(JobId),
    /// They are wanted no more.
    Leave(JobId),
    /// Record this final state, then call [`Rooms::settled`].
    Settle(JobId, Snapshot),
    /// Record these counts, in case nobody is looking at the end.
    Record(JobId, Snapshot),
}

/// There are as many rooms as the settings allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl Rooms {
    pub(crate) fn new(max_rooms: usize, grace: Duration) -> Self {
        Self {
            rooms: HashMap::new(),
            max_rooms,
            grace,
        }
    }

    /// Lets a viewer in, who gets the newest frame at once and every newer one. `recorded` is the
    /// state to start from where nobody follows the job yet.
    pub(crate) fn enter(
        &mut self,
        job: &JobId,
        recorded: Snapshot,
    ) -> Result<(watch::Receiver<Arc<Frame>>, Vec<Effect>), Full> {
        let is_full = self.rooms.len() >= self.max_rooms;
        let mut effects = Vec::new();
        let room = match self.rooms.entry(job.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if is_full => return Err(Full),
            Entry::Vacant(entry) => {
                if !recorded.is_final() {
                    effects.push(Effect::Join(job.clone()));
                }
                entry.insert(Room::new(recorded))
            }
        };
        room.viewers += 1;
        room.empty_since = None;
        Ok((room.cell.subscribe(), effects))
    }

    /// Lets a viewer out.
    pub(crate) fn leave(&mut self, job: &JobId, now: Instant) {
        if let Some(room) = self.rooms.get_mut(job) {
            room.viewers = room.viewers.saturating_sub(1);
            if room.viewers == 0 {
                room.empty_since = Some(now);
            }
        }
    }

    /// Takes a report in. Reports about jobs that nobody follows are dropped.
    pub(crate) fn report(&mut self, job: &JobId, report: Report, now: UnixMillis) -> Applied {
        let Some(room) = self.rooms.get_mut(job) else {
            return Applied::Nothing;
        };
        if room.phase != Phase::Live {
            return Applied::Nothing;
        }
        let Some(next) = room.snapshot.after(report, now) else {
            return Applied::Nothing;
        };
        room.snapshot = next;
        if room.snapshot.is_final() {
            room.phase = Phase::Settling;
            return Applied::Ended(Effect::Settle(job.clone(), room.snapshot.clone()));
        }
        room.dirty = true;
        room.publish();
        Applied::Sent
    }

    /// Sends a final state out, now that it is recorded.
    pub(crate) fn settled(&mut self, job: &JobId) -> Vec<Effect> {
        let Some(room) = self.rooms.get_mut(job) else {
            return Vec::new();
        };
        if room.phase != Phase::Settling {
            return Vec::new();
        }
        room.phase = Phase::Ended;
        room.dirty = false;
        room.publish();
        vec![Effect::Leave(job.clone())]
    }

    /// Gives the rooms up that have been empty for the grace period, and says what is to be
    /// recorded.
    pub(crate) fn sweep(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        let grace = self.grace;
        self.rooms.retain(|job, room| {
            if room.dirty {
                room.dirty = false;
                effects.push(Effect::Record(job.clone(), room.snapshot.clone()));
            }
            let keep = room.phase == Phase::Settling
                || room
                    .empty_since
                    .is_none_or(|since| now.duration_since(since) < grace);
            if !keep && room.phase == Phase::Live {
                effects.push(Effect::Leave(job.clone()));
            }
            keep
        });
        effects
    }

    /// Returns the newest state that viewers have been told of a followed job.
    pub(crate) fn snapshot(&self, job: &JobId) -> Option<&Snapshot> {
        let room = self.rooms.get(job)?;
        (room.phase != Phase::Settling).then_some(&room.snapshot)
    }

    /// Returns how many jobs are followed.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }
}

/// What became of a report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Applied {
    /// It said nothing new, or nobody follows the job.
    Nothing,
    /// The viewers have it.
    Sent,
    /// It ends the job; the end is to be recorded before anybody is told.
    Ended(Effect),
}

impl Room {
    fn new(snapshot: Snapshot) -> Self {
        let revision = 1;
        let phase = if snapshot.is_final() {
            Phase::Ended
        } else {
            Phase::Live
        };
        let cell = watch::Sender::new(Arc::new(Frame::new(revision, &snapshot)));
        Self {
            cell,
            snapshot,
            revision,
            viewers: 0,
            empty_since: None,
            phase,
            dirty: false,
        }
    }

    fn publish(&mut self) {
        self.revision += 1;
        self.cell
            .send_replace(Arc::new(Frame::new(self.revision, &self.snapshot)));
    }
}
