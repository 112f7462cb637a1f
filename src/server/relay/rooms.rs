//! Which jobs are followed, by how many viewers, and their newest state (pure: no clock, no I/O).

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{frame::Frame, report::Report, snapshot::Snapshot};
use crate::job::{JobId, UnixMillis};

/// A room's newest frame, and every newer one.
pub(crate) type Frames = watch::Receiver<Arc<Frame>>;

/// The followed jobs.
#[derive(Debug)]
pub(crate) struct Rooms {
    rooms: HashMap<JobId, Room>,
    /// How many rooms there have been.
    opened: u64,
    max_rooms: usize,
    grace: Duration,
}

/// Tells a room from one that the same job had before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RoomNumber(u64);

/// One followed job: the newest frame in a cell that any number of viewers look at.
#[derive(Debug)]
struct Room {
    number: RoomNumber,
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
    /// Record what the failed products of a finished job are called.
    Detail(JobId, Vec<String>),
}

/// There are as many rooms as the settings allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl Rooms {
    pub(crate) fn new(max_rooms: usize, grace: Duration) -> Self {
        Self {
            rooms: HashMap::new(),
            opened: 0,
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
    ) -> Result<(Frames, RoomNumber, Vec<Effect>), Full> {
        let is_full = self.rooms.len() >= self.max_rooms;
        let mut effects = Vec::new();
        let room = match self.rooms.entry(job.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if is_full => return Err(Full),
            Entry::Vacant(entry) => {
                if !recorded.is_final() {
                    effects.push(Effect::Join(job.clone()));
                }
                self.opened += 1;
                entry.insert(Room::new(RoomNumber(self.opened), recorded))
            }
        };
        room.viewers += 1;
        room.empty_since = None;
        Ok((room.cell.subscribe(), room.number, effects))
    }

    /// Lets a viewer out of the room that it was let into.
    pub(crate) fn leave(&mut self, job: &JobId, room: RoomNumber, now: Instant) {
        if let Some(room) = self.rooms.get_mut(job).filter(|it| it.number == room) {
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
            return room.details(job, report);
        }
        let Some(next) = room.snapshot.after(report, now) else {
            return Applied::Nothing;
        };
        room.snapshot = next;
        if room.snapshot.is_final() {
            room.phase = Phase::Settling;
            room.dirty = false;
            return Applied::Ended(Effect::Settle(job.clone(), room.snapshot.clone()));
        }
        room.dirty = true;
        room.publish();
        Applied::Sent
    }

    /// Sends a final state out, now that it is recorded: the one that was reported, or the one that
    /// somebody else has recorded before.
    pub(crate) fn settled(&mut self, job: &JobId, recorded: Option<Snapshot>) -> Vec<Effect> {
        let Some(room) = self.rooms.get_mut(job) else {
            return Vec::new();
        };
        if room.phase != Phase::Settling {
            return Vec::new();
        }
        if let Some(recorded) = recorded {
            room.snapshot = recorded;
        }
        room.phase = Phase::Ended;
        room.dirty = false;
        room.publish();
        vec![Effect::Leave(job.clone())]
    }

    /// Gives a job up that is no more. Its viewers see their cell closed.
    pub(crate) fn forget(&mut self, job: &JobId) -> Vec<Effect> {
        match self.rooms.remove(job) {
            Some(room) if room.phase != Phase::Ended => vec![Effect::Leave(job.clone())],
            _ => Vec::new(),
        }
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
    /// It comes after the counts had ended the job, and names what failed.
    Detailed(Effect),
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
            snapshot,
            revision,
            viewers: 0,
            empty_since: None,
            phase,
            dirty: false,
        }
    }

    /// Takes the names of the failed products from a report that comes after the end.
    fn details(&mut self, job: &JobId, report: Report) -> Applied {
        match report.failed_skus {
            Some(skus) if self.snapshot.failed_skus.is_none() && !skus.is_empty() => {
                self.snapshot.failed_skus = Some(skus.clone());
                Applied::Detailed(Effect::Detail(job.clone(), skus))
            }
            _ => Applied::Nothing,
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
    use proptest::prelude::*;

    use super::{super::report::Verdict, *};

    const GRACE: Duration = Duration::from_secs(30);

    fn counts(processed: u64, total: u64) -> Report {
        Report {
            processed,
            total,
            ..Report::default()
        }
    }

    fn job(name: &str) -> JobId {
        name.parse().unwrap()
    }

    #[test]
    fn the_first_viewer_joins_and_the_last_one_leaves_after_the_grace_period() {
        let (mut rooms, a, now) = (Rooms::new(9, GRACE), job("a"), Instant::now());
        let (_, room, effects) = rooms.enter(&a, Snapshot::default()).unwrap();
        assert_eq!(effects, [Effect::Join(a.clone())]);
        let (_, same, effects) = rooms.enter(&a, Snapshot::default()).unwrap();
        assert_eq!((same, effects), (room, vec![]));
        rooms.leave(&a, room, now);
        rooms.leave(&a, room, now);
        assert_eq!(rooms.sweep(now + GRACE / 2), []);
        assert_eq!(rooms.sweep(now + GRACE), [Effect::Leave(a)]);
        assert_eq!(rooms.len(), 0);
    }

    #[test]
    fn an_end_is_told_only_when_it_is_recorded() {
        let (mut rooms, a) = (Rooms::new(9, GRACE), job("a"));
        let (mut frames, _, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        frames.borrow_and_update();
        let applied = rooms.report(&a, counts(5, 5), 7);
        assert!(matches!(applied, Applied::Ended(Effect::Settle(..))));
        assert!(!frames.has_changed().unwrap());
        assert_eq!(rooms.snapshot(&a), None);
        assert_eq!(rooms.settled(&a, None), [Effect::Leave(a.clone())]);
        assert!(frames.borrow_and_update().is_final);
        assert_eq!(rooms.report(&a, counts(6, 6), 8), Applied::Nothing);
    }

    #[test]
    fn an_end_that_somebody_else_has_recorded_is_the_one_that_is_told() {
        let (mut rooms, a) = (Rooms::new(9, GRACE), job("a"));
        let (frames, _, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.report(&a, counts(5, 5), 7);
        let failed = Report {
            verdict: Verdict::Failed("gone".to_owned()),
            ..counts(4, 5)
        };
        let recorded = Snapshot::default().after(failed, 6);
        rooms.settled(&a, recorded.clone());
        assert!(frames.borrow().bytes.starts_with(b"id: 2-ERROR\n"));
        assert_eq!(rooms.snapshot(&a), recorded.as_ref());
    }

    #[test]
    fn a_job_that_is_no_more_leaves_nothing_behind() {
        let (mut rooms, a, now) = (Rooms::new(9, GRACE), job("a"), Instant::now());
        let (frames, before, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        assert_eq!(rooms.forget(&a), [Effect::Leave(a.clone())]);
        assert!(frames.has_changed().is_err(), "its viewers see it closed");
        assert_eq!(rooms.forget(&a), []);
        // Who leaves late leaves nobody else's room.
        let (_frames, after, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.leave(&a, before, now);
        assert_eq!(rooms.sweep(now + GRACE), []);
        rooms.leave(&a, after, now);
        assert_eq!(rooms.sweep(now + GRACE), [Effect::Leave(a)]);
    }

    #[test]
    fn what_failed_is_learned_after_the_counts_have_ended_the_job() {
        let (mut rooms, a) = (Rooms::new(9, GRACE), job("a"));
        let (_frames, _, _) = rooms.enter(&a, Snapshot::default()).unwrap();
        rooms.report(&a, counts(5, 5), 7);
        let late = Report {
            failed_skus: Some(vec!["x".to_owned()]),
            ..Report::default()
        };
        let detail = Effect::Detail(a.clone(), vec!["x".to_owned()]);
        assert_eq!(rooms.report(&a, late.clone(), 8), Applied::Detailed(detail));
        assert_eq!(rooms.report(&a, late, 9), Applied::Nothing);
    }

    #[test]
    fn a_recorded_end_asks_nothing_of_the_price_monitor() {
        let (mut rooms, a) = (Rooms::new(9, GRACE), job("a"));
        let ended = Snapshot::default().after(counts(5, 5), 7).unwrap();
        let (frames, _, effects) = rooms.enter(&a, ended).unwrap();
        assert_eq!(effects, []);
        assert!(frames.borrow().is_final);
    }

    #[test]
    fn there_are_no_more_rooms_than_allowed() {
        let mut rooms = Rooms::new(1, GRACE);
        rooms.enter(&job("a"), Snapshot::default()).unwrap();
        assert!(matches!(
            rooms.enter(&job("b"), Snapshot::default()),
            Err(Full)
        ));
        assert!(rooms.enter(&job("a"), Snapshot::default()).is_ok());
    }

    #[test]
    fn a_slow_viewer_gets_the_newest_state_alone() {
        let (mut rooms, a) = (Rooms::new(9, GRACE), job("a"));
        let (mut frames, _, _) = rooms.enter(&a, Snapshot::default()).unwrap();
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
        Report(u8, u64),
        Settled(u8),
        /// Another instance has recorded the end before.
        Beaten(u8),
        /// The connection to the price monitor is lost and had again: every room that is followed is
        /// asked for anew, and REST says how far it was meanwhile.
        Reconnect(u64),
        Forget(u8),
        Sweep(u64),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let job = 0..3u8;
        prop_oneof![
            job.clone().prop_map(Step::Enter),
            job.clone().prop_map(Step::Leave),
            (job.clone(), 0..12u64).prop_map(|(job, n)| Step::Report(job, n)),
            job.clone().prop_map(Step::Settled),
            job.clone().prop_map(Step::Beaten),
            (0..12u64).prop_map(Step::Reconnect),
            job.prop_map(Step::Forget),
            (0..40u64).prop_map(Step::Sweep),
        ]
    }

    proptest! {
        /// Whatever the order of comings, goings and reports: a job is joined exactly while it is
        /// followed and unfinished, every viewer of it is in the same room, each end is recorded
        /// once, and nobody is told of it before.
        #[test]
        fn any_interleaving_leaves_the_rooms_consistent(
            steps in proptest::collection::vec(any_step(), 0..80),
        ) {
            let names = ["a", "b", "c"].map(job);
            let mut rooms = Rooms::new(9, GRACE);
            let mut now = Instant::now();
            type Seat = (watch::Receiver<Arc<Frame>>, RoomNumber);
            let mut viewers: [Vec<Seat>; 3] = Default::default();
            let mut joined = [false; 3];
            let mut recording: [Option<Snapshot>; 3] = Default::default();
            let mut recorded: [Snapshot; 3] = Default::default();
            for step in steps {
                let effects = match step {
                    Step::Enter(i) => {
                        let i = usize::from(i);
                        let (frames, room, effects) =
                            rooms.enter(&names[i], recorded[i].clone()).unwrap();
                        viewers[i].push((frames, room));
                        effects
                    }
                    Step::Leave(i) => {
                        if let Some((_, room)) = viewers[usize::from(i)].pop() {
                            rooms.leave(&names[usize::from(i)], room, now);
                        }
                        Vec::new()
                    }
                    Step::Report(i, processed) => {
                        match rooms.report(&names[usize::from(i)], counts(processed, 10), 7) {
                            Applied::Ended(effect) => vec![effect],
                            _ => Vec::new(),
                        }
                    }
                    Step::Settled(i) => {
                        let i = usize::from(i);
                        match recording[i].take() {
                            Some(snapshot) => {
                                recorded[i] = snapshot;
                                rooms.settled(&names[i], None)
                            }
                            None => Vec::new(),
                        }
                    }
                    Step::Beaten(i) => {
                        let i = usize::from(i);
                        match recording[i].take() {
                            Some(_) => {
                                let failed = Report {
                                    verdict: Verdict::Failed("quicker".to_owned()),
                                    ..Report::default()
                                };
                                recorded[i] = Snapshot::default().after(failed, 6).unwrap();
                                rooms.settled(&names[i], Some(recorded[i].clone()))
                            }
                            None => Vec::new(),
                        }
                    }
                    Step::Reconnect(processed) => {
                        let joined = (0..3).filter(|i| joined[*i]);
                        let ended = joined.filter_map(|i| {
                            match rooms.report(&names[i], counts(processed, 10), 7) {
                                Applied::Ended(effect) => Some(effect),
                                _ => None,
                            }
                        });
                        ended.collect()
                    }
                    Step::Forget(i) => {
                        let i = usize::from(i);
                        (recording[i], recorded[i]) = (None, Snapshot::default());
                        let effects = rooms.forget(&names[i]);
                        for (frames, room) in viewers[i].drain(..) {
                            prop_assert!(frames.has_changed().is_err(), "its streams end");
                            rooms.leave(&names[i], room, now);
                        }
                        effects
                    }
                    Step::Sweep(seconds) => {
                        now += Duration::from_secs(seconds);
                        rooms.sweep(now)
                    }
                };
                for effect in effects {
                    let index = |job: &JobId| names.iter().position(|name| name == job).unwrap();
                    match effect {
                        Effect::Join(job) => {
                            prop_assert!(!joined[index(&job)], "joined twice");
                            joined[index(&job)] = true;
                        }
                        Effect::Leave(job) => {
                            prop_assert!(joined[index(&job)], "left what was not joined");
                            joined[index(&job)] = false;
                        }
                        Effect::Settle(job, snapshot) => {
                            prop_assert!(recording[index(&job)].is_none(), "recorded twice");
                            prop_assert!(snapshot.is_final());
                            recording[index(&job)] = Some(snapshot);
                        }
                        Effect::Detail(..) => {}
                        Effect::Record(job, snapshot) => {
                            let known = &mut recorded[index(&job)];
                            prop_assert!(!known.is_final() && !snapshot.is_final());
                            *known = snapshot;
                        }
                    }
                }
                for i in 0..3 {
                    for (frames, _) in &viewers[i] {
                        prop_assert_eq!(frames.borrow().is_final, recorded[i].is_final());
                    }
                    if !viewers[i].is_empty() {
                        prop_assert_eq!(joined[i], !recorded[i].is_final());
                    }
                }
            }
        }
    }
}
