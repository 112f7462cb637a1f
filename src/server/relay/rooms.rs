//! The followed jobs, their subscribers and newest states (pure: no clock, no I/O).

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use price_monitor_wire::Report;
use tokio::sync::watch;

use super::{frame::Frame, snapshot::Snapshot};
use crate::model::job::{JobId, UnixMillis};

pub(crate) type Frames = watch::Receiver<Arc<Frame>>;

const BATCH: usize = 100;

#[derive(Debug)]
pub(crate) struct Rooms {
    rooms: HashMap<JobId, Room>,
    opened: u64,
    max_rooms: usize,
    /// Rooms kept without subscribers; they do not count toward `max_rooms`.
    kept: usize,
    max_kept: usize,
    grace: Duration,
    urgent: VecDeque<JobId>,
    counts: VecDeque<JobId>,
}

/// Distinguishes rooms of the same job over time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct RoomNumber(u64);

#[derive(Debug)]
struct Room {
    number: RoomNumber,
    cell: watch::Sender<Arc<Frame>>,
    snapshot: Snapshot,
    revision: u64,
    viewers: usize,
    /// When the last subscriber left; `None` also after the grace period, if the room is kept.
    empty_since: Option<Instant>,
    /// Followed to its end also without subscribers.
    is_kept: bool,
    phase: Phase,
    is_joined: bool,
    /// At most one write per job at a time.
    is_writing: bool,
    /// Whether the newest counts are unwritten, and whether they are queued.
    has_counts: bool,
    is_queued: bool,
    /// Failed products arrived after the end was written.
    has_details: bool,
    written_skus: Option<Arc<Vec<String>>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Phase {
    Live,
    /// The end is being recorded; no subscriber has it.
    RecordingEnd,
    Ended,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Join(JobId),
    /// Joins a job without subscribers.
    Keep(JobId),
    /// Stops polling an ended job. Later reports are still accepted.
    Ended(JobId),
    Leave(JobId),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Write {
    /// A final state; then call [`Rooms::end_recorded`].
    End(JobId, RoomNumber, Box<Snapshot>),
    /// Failed products of an ended job; then call [`Rooms::written`].
    Details(JobId, RoomNumber, Arc<Vec<String>>),
    /// Counts of running jobs; then call [`Rooms::written`] for each.
    Counts(Vec<(JobId, RoomNumber, Snapshot)>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Applied {
    Nothing,
    Unfollowed,
    Sent,
    /// To be recorded before it is sent.
    Ended,
    /// Failed products arrived after the end.
    Detailed,
}

impl Rooms {
    pub(crate) fn new(max_rooms: usize, max_kept: usize, grace: Duration) -> Self {
        Self {
            rooms: HashMap::new(),
            opened: 0,
            max_rooms,
            kept: 0,
            max_kept,
            grace,
            urgent: VecDeque::new(),
            counts: VecDeque::new(),
        }
    }

    /// Adds a subscriber. `recorded` is the initial state of a job that is not followed yet.
    pub(crate) fn enter(
        &mut self,
        job: &JobId,
        recorded: Snapshot,
    ) -> Result<(Frames, RoomNumber, Option<Command>), Full> {
        let is_full = self.rooms.len() - self.kept >= self.max_rooms;
        let mut command = None;
        let room = match self.rooms.entry(job.clone()) {
            Entry::Occupied(entry) => {
                let room = entry.into_mut();
                if !room.is_watched() && room.phase == Phase::Live {
                    command = Some(Command::Join(job.clone()));
                }
                room
            }
            Entry::Vacant(_) if is_full => return Err(Full),
            Entry::Vacant(entry) => {
                if !recorded.is_final() {
                    command = Some(Command::Join(job.clone()));
                }
                self.opened += 1;
                entry.insert(Room::new(RoomNumber(self.opened), recorded))
            }
        };
        room.viewers += 1;
        room.empty_since = None;
        Ok((room.cell.subscribe(), room.number, command))
    }

    /// Follows an unfinished job to its end without subscribers, if there is room.
    pub(crate) fn keep(&mut self, job: &JobId, recorded: Snapshot) -> Option<Command> {
        if self.kept >= self.max_kept || recorded.is_final() {
            return None;
        }
        match self.rooms.entry(job.clone()) {
            Entry::Occupied(entry) => {
                let room = entry.into_mut();
                if !room.is_kept {
                    room.is_kept = true;
                    self.kept += 1;
                }
                None
            }
            Entry::Vacant(entry) => {
                self.opened += 1;
                self.kept += 1;
                let room = Room::new(RoomNumber(self.opened), recorded);
                entry.insert(room).is_kept = true;
                Some(Command::Keep(job.clone()))
            }
        }
    }

    pub(crate) fn leave(&mut self, job: &JobId, room: RoomNumber, now: Instant) {
        if let Some(room) = self.room(job, room) {
            room.viewers = room.viewers.saturating_sub(1);
            if room.viewers == 0 {
                room.empty_since = Some(now);
            }
        }
    }

    pub(crate) fn report(&mut self, job: &JobId, report: Report, now: UnixMillis) -> Applied {
        let Some(room) = self.rooms.get_mut(job) else {
            return Applied::Unfollowed;
        };
        if room.phase != Phase::Live {
            return match room.details(report) {
                true if room.phase == Phase::Ended && !room.is_writing => {
                    self.urgent.push_back(job.clone());
                    Applied::Detailed
                }
                true => Applied::Detailed,
                false => Applied::Nothing,
            };
        }
        let Some(next) = room.snapshot.after(report, now) else {
            return Applied::Nothing;
        };
        room.snapshot = next;
        if room.snapshot.is_final() {
            room.phase = Phase::RecordingEnd;
            room.has_counts = false;
            if !room.is_writing {
                self.urgent.push_back(job.clone());
            }
            return Applied::Ended;
        }
        room.has_counts = true;
        room.publish();
        Applied::Sent
    }

    /// Each job has one write at a time; newer states wait and are merged.
    pub(crate) fn next_write(&mut self) -> Option<Write> {
        while let Some(job) = self.urgent.pop_front() {
            let Some(room) = self.rooms.get_mut(&job).filter(|room| !room.is_writing) else {
                continue;
            };
            match room.phase {
                Phase::RecordingEnd => {
                    room.is_writing = true;
                    room.has_details = false;
                    return Some(Write::End(
                        job,
                        room.number,
                        Box::new(room.snapshot.clone()),
                    ));
                }
                Phase::Ended if room.has_details => {
                    room.has_details = false;
                    let Some(skus) = room.snapshot.failed_skus.clone() else {
                        continue;
                    };
                    room.is_writing = true;
                    return Some(Write::Details(job, room.number, skus));
                }
                Phase::Live | Phase::Ended => {}
            }
        }
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(job) = self.counts.pop_front()
        {
            let Some(room) = self.rooms.get_mut(&job) else {
                continue;
            };
            room.is_queued = false;
            if room.has_unwritten_counts() && !room.is_writing && room.phase == Phase::Live {
                room.has_counts = false;
                room.is_writing = true;
                batch.push((job, room.number, room.counts()));
            }
        }
        (!batch.is_empty()).then_some(Write::Counts(batch))
    }

    /// Ends a write, successful or not, and queues what waited.
    pub(crate) fn written(&mut self, job: &JobId, room: RoomNumber, is_well: bool) {
        let Some(room) = self.room(job, room) else {
            return;
        };
        room.is_writing = false;
        let is_urgent = match room.phase {
            Phase::Live => {
                if !is_well {
                    room.has_counts = true;
                    room.written_skus = None;
                }
                false
            }
            Phase::RecordingEnd => true,
            Phase::Ended => room.has_details,
        };
        if is_urgent {
            self.urgent.push_back(job.clone());
        }
    }

    /// Sends a recorded final state: the reported one, or an earlier one of another instance.
    pub(crate) fn end_recorded(
        &mut self,
        job: &JobId,
        number: RoomNumber,
        recorded: Snapshot,
    ) -> Option<Command> {
        let room = self.room(job, number)?;
        if room.phase != Phase::RecordingEnd {
            return None;
        }
        // The end sent has only what its report had.
        let failed_skus = room.snapshot.failed_skus.take();
        let completed_at = room.snapshot.event.completed_at;
        room.snapshot = recorded;
        room.snapshot.failed_skus = failed_skus;
        room.snapshot.event.completed_at = completed_at;
        room.phase = Phase::Ended;
        room.publish();
        self.written(job, number, true);
        Some(Command::Ended(job.clone()))
    }

    pub(crate) fn forget(&mut self, job: &JobId) -> Option<Command> {
        let room = self.rooms.remove(job)?;
        self.kept -= usize::from(room.is_kept);
        room.is_joined.then(|| Command::Leave(job.clone()))
    }

    /// Closes rooms that were empty for the grace period, unless kept, and queues unwritten counts.
    pub(crate) fn sweep(&mut self, now: Instant) -> Vec<Command> {
        let mut commands = Vec::new();
        let (grace, counts, kept) = (self.grace, &mut self.counts, &mut self.kept);
        self.rooms.retain(|job, room| {
            if room.has_unwritten_counts() && !room.is_queued {
                room.is_queued = true;
                counts.push_back(job.clone());
            }
            if room.viewers == 0 && room.phase == Phase::Ended {
                room.empty_since.get_or_insert(now);
            }
            let is_over = |since| now.duration_since(since) >= grace;
            let is_empty = room.empty_since.is_some_and(is_over);
            if room.is_kept && room.phase == Phase::Live {
                if is_empty {
                    room.empty_since = None;
                    commands.push(Command::Keep(job.clone()));
                }
                return true;
            }
            let keep = !room.is_written() || !is_empty;
            if !keep && room.is_joined {
                commands.push(Command::Leave(job.clone()));
            }
            *kept -= usize::from(!keep && room.is_kept);
            keep
        });
        commands
    }

    pub(crate) fn has_queued(&self) -> bool {
        !(self.urgent.is_empty() && self.counts.is_empty())
    }

    pub(crate) fn is_written(&self) -> bool {
        self.rooms.values().all(Room::is_written)
    }

    /// Returns the newest state sent to subscribers.
    pub(crate) fn snapshot(&self, job: &JobId) -> Option<&Snapshot> {
        let room = self.rooms.get(job)?;
        (room.phase != Phase::RecordingEnd).then_some(&room.snapshot)
    }

    /// Returns whether a job is followed for subscribers, who may just have left.
    pub(crate) fn is_watched(&self, job: &JobId) -> bool {
        self.rooms.get(job).is_some_and(Room::is_watched)
    }

    pub(crate) fn unwatched(&self) -> Vec<JobId> {
        let unwatched = |room: &Room| room.phase == Phase::Live && !room.is_watched();
        let rooms = self.rooms.iter().filter(|(_, room)| unwatched(room));
        rooms.map(|(job, _)| job.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    fn room(&mut self, job: &JobId, number: RoomNumber) -> Option<&mut Room> {
        self.rooms.get_mut(job).filter(|room| room.number == number)
    }
}

impl Room {
    fn new(number: RoomNumber, snapshot: Snapshot) -> Self {
        let revision = 1;
        let phase = if snapshot.is_final() {
            Phase::Ended
        } else {
            Phase::Live
        };
        let cell = watch::Sender::new(Arc::new(Frame::new(revision, &snapshot)));
        Self {
            number,
            cell,
            revision,
            viewers: 0,
            empty_since: None,
            is_kept: false,
            is_joined: phase == Phase::Live,
            phase,
            is_writing: false,
            has_counts: false,
            is_queued: false,
            has_details: false,
            written_skus: None,
            snapshot,
        }
    }

    fn is_watched(&self) -> bool {
        self.viewers > 0 || self.empty_since.is_some()
    }

    /// Without subscribers only the end is written, because every instance would write the same counts.
    fn has_unwritten_counts(&self) -> bool {
        self.has_counts && self.is_watched()
    }

    fn is_written(&self) -> bool {
        let has_more = self.has_unwritten_counts() || self.has_details || self.is_writing;
        self.phase != Phase::RecordingEnd && !has_more
    }

    /// Returns the counts to write, with failed products only if new.
    fn counts(&mut self) -> Snapshot {
        let mut counts = self.snapshot.clone();
        if counts.failed_skus == self.written_skus {
            counts.failed_skus = None;
        } else {
            self.written_skus.clone_from(&counts.failed_skus);
        }
        counts
    }

    /// Stores failed products that arrive after the end. Returns whether there are new ones.
    fn details(&mut self, report: Report) -> bool {
        let known = self
            .snapshot
            .failed_skus
            .as_ref()
            .map_or(0, |skus| skus.len());
        match report.failed_skus {
            Some(skus) if skus.len() > known => {
                self.snapshot.failed_skus = Some(Arc::new(skus));
                self.has_details = true;
                true
            }
            _ => false,
        }
    }

    fn publish(&mut self) {
        self.revision += 1;
        self.cell
            .send_replace(Arc::new(Frame::new(self.revision, &self.snapshot)));
    }
}

#[cfg(test)]
mod tests {
    use price_monitor_wire::Verdict;
    use proptest::prelude::*;

    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    fn counts(processed: u64, total: u64) -> Report {
        Report {
            processed,
            total,
            ..Report::default()
        }
    }

    fn skus(names: &[&str]) -> Report {
        Report {
            failed_skus: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            ..Report::default()
        }
    }

    fn failed(reason: &str) -> Snapshot {
        let report = Report {
            verdict: Verdict::Failed(reason.into()),
            ..counts(4, 5)
        };
        Snapshot::default().after(report, 6).unwrap()
    }

    fn job(name: &str) -> JobId {
        name.parse().unwrap()
    }

    fn next_end(rooms: &mut Rooms) -> (JobId, RoomNumber, Snapshot) {
        match rooms.next_write() {
            Some(Write::End(job, room, snapshot)) => (job, room, *snapshot),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_viewer_joins_and_the_last_one_leaves_after_the_grace_period() {
        let (mut rooms, a, now) = (Rooms::new(9, 9, GRACE), job("a"), Instant::now());
        let (_, room, command) = rooms.enter(&a, Snapshot::default()).unwrap();
        assert_eq!(command, Some(Command::Join(a.clone())));
        let (_, same, command) = rooms.enter(&a, Snapshot::default()).unwrap();
        assert_eq!((same, command), (room, None));
        rooms.leave(&a, room, now);
        rooms.leave(&a, room, now);
        assert_eq!(rooms.sweep(now + GRACE / 2), []);
        assert_eq!(rooms.sweep(now + GRACE), [Command::Leave(a)]);
        assert_eq!(rooms.len(), 0);
    }

    #[test]
    fn an_end_is_told_only_when_it_is_recorded() {
        let (mut rooms, a) = (Rooms::new(9, 9, GRACE), job("a"));
        let (mut frames, ..) = rooms.enter(&a, Snapshot::default()).unwrap();
        frames.borrow_and_update();
        assert_eq!(rooms.report(&a, counts(5, 5), 7), Applied::Ended);
        assert!(!frames.has_changed().unwrap());
        assert_eq!(rooms.snapshot(&a), None);
        let (job, room, end) = next_end(&mut rooms);
        assert_eq!(
            rooms.end_recorded(&job, room, end),
            Some(Command::Ended(a.clone()))
        );
        assert!(frames.borrow_and_update().is_final);
        assert_eq!(rooms.report(&a, counts(6, 6), 8), Applied::Nothing);
    }

    #[test]
    fn an_end_that_another_has_recorded_is_the_one_that_is_told() {
        let (mut rooms, a) = (Rooms::new(9, 9, GRACE), job("a"));
        let (frames, ..) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.report(&a, counts(5, 5), 7);
        let (job, room, _) = next_end(&mut rooms);
        let recorded = failed("gone");
        rooms.end_recorded(&job, room, recorded.clone());
        assert!(frames.borrow().bytes.starts_with(b"id: 2-ERROR\n"));
        assert_eq!(rooms.snapshot(&a), Some(&recorded));
    }

    #[test]
    fn a_job_that_is_no_more_leaves_nothing_behind() {
        let (mut rooms, a, now) = (Rooms::new(9, 9, GRACE), job("a"), Instant::now());
        let (frames, before, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.report(&a, counts(5, 5), 7);
        let (_, _, end) = next_end(&mut rooms);
        assert_eq!(rooms.forget(&a), Some(Command::Leave(a.clone())));
        assert!(frames.has_changed().is_err(), "its viewers see it closed");
        assert_eq!(rooms.forget(&a), None);
        // Late leaves and ends do not affect a newer room of the job.
        let (_frames, after, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.report(&a, counts(9, 9), 7);
        next_end(&mut rooms);
        assert_eq!(rooms.end_recorded(&a, before, end.clone()), None);
        rooms.leave(&a, before, now);
        assert_eq!(rooms.sweep(now + GRACE), []);
        rooms.end_recorded(&a, after, end);
        rooms.leave(&a, after, now);
        assert_eq!(rooms.sweep(now + GRACE), [Command::Leave(a)]);
    }

    #[test]
    fn counts_are_written_a_hundred_at_once_and_none_is_forgotten() {
        let mut rooms = Rooms::new(250, 0, GRACE);
        let jobs: Vec<_> = (0..250).map(|n| job(&format!("job-{n}"))).collect();
        let entered: Vec<_> = jobs
            .iter()
            .map(|job| rooms.enter(job, Snapshot::default()).unwrap())
            .collect();
        for job in &jobs {
            rooms.report(job, counts(1, 5), 7);
        }
        rooms.sweep(Instant::now());
        let mut written = Vec::new();
        while let Some(write) = rooms.next_write() {
            let Write::Counts(batch) = write else {
                panic!("{write:?}")
            };
            written.push(batch.len());
        }
        assert_eq!(written, [100, 100, 50]);
        drop(entered);
    }

    #[test]
    fn failed_products_are_learned_after_the_counts_have_ended_the_job() {
        // Before, during and after writing the end.
        for turn in 0..3 {
            let (mut rooms, a) = (Rooms::new(9, 9, GRACE), job("a"));
            let (_frames, ..) = rooms.enter(&a, Snapshot::default()).unwrap();
            let last = Report {
                failed_skus: Some(Vec::new()),
                failed: 1,
                ..counts(4, 5)
            };
            rooms.report(&a, last, 7);
            let late = skus(&["x"]);
            if turn == 0 {
                rooms.report(&a, late.clone(), 8);
            }
            let (job, room, end) = next_end(&mut rooms);
            if turn == 0 {
                assert_eq!(end.failed_skus, Some(Arc::new(vec!["x".to_owned()])));
                continue;
            }
            if turn == 1 {
                rooms.report(&a, late.clone(), 8);
                assert_eq!(rooms.next_write(), None, "one write at a time");
            }
            rooms.end_recorded(&job, room, end);
            if turn == 2 {
                assert_eq!(rooms.report(&a, late.clone(), 8), Applied::Detailed);
            }
            let details = Write::Details(job.clone(), room, Arc::new(vec!["x".to_owned()]));
            assert_eq!(rooms.next_write(), Some(details));
            rooms.written(&job, room, true);
            assert_eq!(rooms.report(&a, late, 9), Applied::Nothing);
            assert_eq!(rooms.next_write(), None);
        }
    }

    #[test]
    fn a_job_has_one_write_at_a_time_and_what_waits_is_its_newest_state() {
        let (mut rooms, a, now) = (Rooms::new(9, 9, GRACE), job("a"), Instant::now());
        let (_frames, room, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.report(&a, counts(1, 9), 7);
        rooms.sweep(now);
        let Some(Write::Counts(batch)) = rooms.next_write() else {
            panic!("no counts")
        };
        assert_eq!(batch[0].2.event.processed_products, 1);
        for processed in 2..8 {
            rooms.report(&a, counts(processed, 9), 7);
            rooms.sweep(now);
            assert_eq!(rooms.next_write(), None, "the first write is under way");
        }
        rooms.written(&a, room, true);
        rooms.sweep(now);
        let Some(Write::Counts(batch)) = rooms.next_write() else {
            panic!("no counts")
        };
        assert_eq!(batch[0].2.event.processed_products, 7);
        // An end waits for it too.
        assert_eq!(rooms.report(&a, counts(9, 9), 7), Applied::Ended);
        assert_eq!(rooms.next_write(), None);
        rooms.written(&a, room, false);
        assert_eq!(next_end(&mut rooms).2.event.processed_products, 9);
    }

    #[test]
    fn counts_that_could_not_be_written_are_written_again() {
        let (mut rooms, a, now) = (Rooms::new(9, 9, GRACE), job("a"), Instant::now());
        let (_frames, room, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.report(&a, skus(&["x"]), 7);
        for _ in 0..2 {
            rooms.sweep(now);
            let Some(Write::Counts(batch)) = rooms.next_write() else {
                panic!("no counts")
            };
            assert!(batch[0].2.failed_skus.is_some());
            rooms.written(&a, room, false);
        }
        // A written list is not repeated with later counts.
        rooms.sweep(now);
        rooms.next_write();
        rooms.written(&a, room, true);
        rooms.report(&a, counts(2, 9), 7);
        rooms.sweep(now);
        let Some(Write::Counts(batch)) = rooms.next_write() else {
            panic!("no counts")
        };
        assert_eq!(batch[0].2.failed_skus, None);
    }

    #[test]
    fn a_recorded_end_asks_nothing_of_the_price_monitor() {
        let (mut rooms, a) = (Rooms::new(9, 9, GRACE), job("a"));
        let ended = Snapshot::default().after(counts(5, 5), 7).unwrap();
        let (frames, _, command) = rooms.enter(&a, ended).unwrap();
        assert_eq!(command, None);
        assert!(frames.borrow().is_final);
        assert_eq!(rooms.forget(&a), None);
    }

    #[test]
    fn there_are_no_more_rooms_than_allowed() {
        let mut rooms = Rooms::new(1, 1, GRACE);
        rooms.enter(&job("a"), Snapshot::default()).unwrap();
        assert!(matches!(
            rooms.enter(&job("b"), Snapshot::default()),
            Err(Full)
        ));
        assert!(rooms.enter(&job("a"), Snapshot::default()).is_ok());
    }

    #[test]
    fn a_job_without_viewers_is_followed_to_its_end() {
        let (mut rooms, a, now) = (Rooms::new(1, 1, GRACE), job("a"), Instant::now());
        let kept = rooms.keep(&a, Snapshot::default());
        assert_eq!(kept, Some(Command::Keep(a.clone())));
        assert_eq!(rooms.keep(&job("b"), Snapshot::default()), None);
        assert!(!rooms.is_watched(&a));
        assert_eq!(rooms.unwatched(), std::slice::from_ref(&a));
        // It takes no place from rooms with subscribers.
        let (_other, ..) = rooms.enter(&job("c"), Snapshot::default()).unwrap();
        // REST is polled while there is a subscriber.
        let (_frames, room, command) = rooms.enter(&a, Snapshot::default()).unwrap();
        assert_eq!(command, Some(Command::Join(a.clone())));
        assert_eq!(rooms.unwatched(), []);
        rooms.leave(&a, room, now);
        assert!(rooms.is_watched(&a));
        assert_eq!(rooms.sweep(now + GRACE), [Command::Keep(a.clone())]);
        assert!(!rooms.is_watched(&a));
        assert_eq!(rooms.sweep(now + GRACE * 99), []);
        assert_eq!(rooms.report(&a, counts(5, 5), 7), Applied::Ended);
        let (job, room, end) = next_end(&mut rooms);
        rooms.end_recorded(&job, room, end);
        let now = now + GRACE * 100;
        assert_eq!(rooms.sweep(now), []);
        assert_eq!(rooms.sweep(now + GRACE), [Command::Leave(a)]);
        assert_eq!(rooms.kept, 0);
    }

    #[test]
    fn a_slow_viewer_gets_the_newest_state_alone() {
        let (mut rooms, a) = (Rooms::new(9, 9, GRACE), job("a"));
        let (mut frames, ..) = rooms.enter(&a, Snapshot::default()).unwrap();
        for processed in 1..100 {
            assert_eq!(rooms.report(&a, counts(processed, 1000), 7), Applied::Sent);
        }
        let frame = frames.borrow_and_update().clone();
        assert!(frame.bytes.starts_with(b"id: 100\n"));
        assert!(!frames.has_changed().unwrap());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Enter(u8),
        Leave(u8),
        Keep(u8),
        Report(u8, u64),
        Write,
        /// The oldest write ends, successfully or not.
        Written(bool),
        /// Another instance records the end.
        Beaten(u8),
        /// After a reconnect, followed rooms are joined again and REST reports the state.
        Reconnect(u64),
        Forget(u8),
        Sweep(u64),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let job = 0..3u8;
        prop_oneof![
            job.clone().prop_map(Step::Enter),
            job.clone().prop_map(Step::Leave),
            job.clone().prop_map(Step::Keep),
            (job.clone(), 0..12u64).prop_map(|(job, n)| Step::Report(job, n)),
            Just(Step::Write),
            Just(Step::Write),
            any::<bool>().prop_map(Step::Written),
            any::<bool>().prop_map(Step::Written),
            job.clone().prop_map(Step::Beaten),
            (0..12u64).prop_map(Step::Reconnect),
            job.prop_map(Step::Forget),
            (0..40u64).prop_map(Step::Sweep),
        ]
    }

    proptest! {
        /// For any order of events: a job is joined exactly while followed, its subscribers share one room, it has one
        /// write at a time, its end is recorded before it is sent, and finally all is recorded.
        #[test]
        fn any_interleaving_leaves_the_rooms_consistent(
            steps in proptest::collection::vec(any_step(), 0..120),
        ) {
            let names = ["a", "b", "c"].map(job);
            let index = |job: &JobId| names.iter().position(|name| name == job).unwrap();
            let mut rooms = Rooms::new(9, 9, GRACE);
            let mut now = Instant::now();
            type Seat = (watch::Receiver<Arc<Frame>>, RoomNumber);
            let mut viewers: [Vec<Seat>; 3] = Default::default();
            let mut joined = [false; 3];
            // Whether its last join was for subscribers.
            let mut watched = [false; 3];
            let mut recorded: [Snapshot; 3] = Default::default();
            // The job's room at a write; a deleted one is not written.
            let mut life = [0u32; 3];
            let mut writes: VecDeque<(Write, [u32; 3])> = VecDeque::new();
            let last = [Step::Sweep(0), Step::Write, Step::Written(true), Step::Write, Step::Written(true)];
            let quiet = last.into_iter().cycle().take(60);
            for step in steps.into_iter().chain(quiet) {
                let commands = match step {
                    Step::Enter(i) => {
                        let i = usize::from(i);
                        let (frames, room, command) =
                            rooms.enter(&names[i], recorded[i].clone()).unwrap();
                        viewers[i].push((frames, room));
                        command.into_iter().collect()
                    }
                    Step::Leave(i) => {
                        if let Some((_, room)) = viewers[usize::from(i)].pop() {
                            rooms.leave(&names[usize::from(i)], room, now);
                        }
                        Vec::new()
                    }
                    Step::Keep(i) => {
                        let i = usize::from(i);
                        rooms.keep(&names[i], recorded[i].clone()).into_iter().collect()
                    }
                    Step::Report(i, processed) => {
                        rooms.report(&names[usize::from(i)], counts(processed, 10), 7);
                        Vec::new()
                    }
                    Step::Write => {
                        if let Some(write) = rooms.next_write() {
                            let jobs: Vec<_> = jobs_of(&write).into_iter().cloned().collect();
                            for (other, lives) in &writes {
                                let is_same = |job: &&JobId| {
                                    let i = index(job);
                                    jobs.contains(job) && life[i] == lives[i]
                                };
                                let same = jobs_of(other).into_iter().find(is_same);
                                prop_assert_eq!(same, None, "two writes of one job");
                            }
                            writes.push_back((write, life));
                        }
                        Vec::new()
                    }
                    Step::Written(is_well) => match writes.pop_front() {
                        Some((Write::End(job, room, snapshot), lives)) => {
                            let i = index(&job);
                            if lives[i] == life[i] {
                                if !recorded[i].is_final() {
                                    recorded[i] = *snapshot;
                                }
                                rooms.end_recorded(&job, room, recorded[i].clone()).into_iter().collect()
                            } else {
                                Vec::new()
                            }
                        }
                        Some((Write::Details(job, room, _), _)) => {
                            rooms.written(&job, room, is_well);
                            Vec::new()
                        }
                        Some((Write::Counts(batch), lives)) => {
                            for (job, room, counts) in batch {
                                let i = index(&job);
                                prop_assert!(!counts.is_final());
                                if is_well && lives[i] == life[i] && !recorded[i].is_final() {
                                    recorded[i] = counts;
                                }
                                rooms.written(&job, room, is_well);
                            }
                            Vec::new()
                        }
                        None => Vec::new(),
                    },
                    Step::Beaten(i) => {
                        let i = usize::from(i);
                        if rooms.snapshot(&names[i]).is_none() && !recorded[i].is_final() {
                            recorded[i] = failed("quicker");
                            // Unfollowed, or its end is being recorded.
                            if !rooms.rooms.contains_key(&names[i]) {
                                prop_assert!(viewers[i].is_empty());
                            }
                        }
                        Vec::new()
                    }
                    Step::Reconnect(processed) => {
                        for i in 0..3 {
                            if joined[i] {
                                rooms.report(&names[i], counts(processed, 10), 7);
                            }
                        }
                        Vec::new()
                    }
                    Step::Forget(i) => {
                        let i = usize::from(i);
                        life[i] += 1;
                        recorded[i] = Snapshot::default();
                        let command = rooms.forget(&names[i]);
                        for (frames, room) in viewers[i].drain(..) {
                            prop_assert!(frames.has_changed().is_err(), "its streams end");
                            rooms.leave(&names[i], room, now);
                        }
                        command.into_iter().collect()
                    }
                    Step::Sweep(seconds) => {
                        now += Duration::from_secs(seconds);
                        rooms.sweep(now)
                    }
                };
                for command in commands {
                    match command {
                        Command::Join(job) => {
                            let i = index(&job);
                            prop_assert!(!joined[i] || !watched[i], "joined twice");
                            (joined[i], watched[i]) = (true, true);
                        }
                        Command::Keep(job) => {
                            let i = index(&job);
                            prop_assert!(!joined[i] || watched[i], "kept twice");
                            (joined[i], watched[i]) = (true, false);
                        }
                        Command::Ended(job) => prop_assert!(joined[index(&job)]),
                        Command::Leave(job) => {
                            prop_assert!(joined[index(&job)], "left what was not joined");
                            joined[index(&job)] = false;
                        }
                    }
                }
                for i in 0..3 {
                    for (frames, _) in &viewers[i] {
                        prop_assert!(!frames.borrow().is_final || recorded[i].is_final());
                    }
                    let room = rooms.rooms.get(&names[i]);
                    let is_live = room.is_some_and(|room| room.phase == Phase::Live);
                    if !viewers[i].is_empty() {
                        prop_assert!(joined[i] || recorded[i].is_final());
                        prop_assert!(watched[i] || !is_live, "REST is polled for them");
                    }
                    prop_assert!(!joined[i] || room.is_some());
                    if is_live && room.is_some_and(|room| room.is_kept) {
                        prop_assert!(joined[i], "it is followed to its end");
                    }
                }
                let kept = rooms.rooms.values().filter(|room| room.is_kept);
                prop_assert_eq!(kept.count(), rooms.kept);
            }
            prop_assert!(rooms.is_written());
            for i in 0..3 {
                for (frames, _) in &viewers[i] {
                    prop_assert_eq!(frames.borrow().is_final, recorded[i].is_final());
                }
                if let Some(snapshot) = rooms.snapshot(&names[i])
                    && (rooms.is_watched(&names[i]) || snapshot.is_final())
                {
                    prop_assert_eq!(&snapshot.event, &recorded[i].event);
                }
            }
        }
    }

    fn jobs_of(write: &Write) -> Vec<&JobId> {
        match write {
            Write::End(job, ..) | Write::Details(job, ..) => vec![job],
            Write::Counts(batch) => batch.iter().map(|(job, ..)| job).collect(),
        }
    }
}
