//! A subscriber: its jobs, the revision last sent of each, and what is due. Encodes due events (pure: no socket, no
//! clock).

use std::{collections::VecDeque, sync::Arc};

use slab::Slab;

use super::{
    channels::{Channels, Membership},
    many_id::ManyId,
    piece::Piece,
};
use crate::{
    model::job::JobId,
    server::{
        identity::job_scope::JobScope,
        relay::frame::{END, Frame, not_found},
    },
};

const MAX_PIECE: usize = 16 << 10;
const REMEMBERED_ENDS: usize = 64;

/// The subscriptions of a client. Dropping an `S` unsubscribes.
#[derive(Debug)]
pub(in crate::server::relay) enum Subscriber<S> {
    One(One<S>),
    Many(Box<Many<S>>),
}

#[derive(Debug)]
pub(super) struct Topic<S> {
    subscription: S,
    at: Membership,
    told: u64,
    is_due: bool,
}

/// A stream of one job, which ends with it.
#[derive(Debug)]
pub(in crate::server::relay) struct One<S> {
    topic: Option<Topic<S>>,
    /// Final state of a job that ended before the stream, until sent.
    over: Option<Arc<Frame>>,
}

/// A stream of many jobs. Sends `end` when all listed ones have ended, unless it adds started jobs.
#[derive(Debug)]
pub(in crate::server::relay) struct Many<S> {
    topics: Slab<Topic<S>>,
    /// Due topics, longest waiting first.
    due: VecDeque<usize>,
    /// Jobs that ended before the stream, until sent.
    over: Vec<(JobId, Arc<Frame>)>,
    missing: Vec<JobId>,
    /// Listed jobs, in the order of the ID's bits.
    listed: Box<[JobId]>,
    id: ManyId,
    id_line: Box<str>,
    unfinished: Option<Box<Unfinished>>,
}

/// State of a stream that adds started jobs.
#[derive(Debug)]
pub(in crate::server::relay) struct Unfinished {
    pub(super) scope: JobScope,
    /// Whether jobs are missing because of a limit or a lagging receiver.
    pub(super) is_short: bool,
    max_jobs: usize,
    /// Recently ended jobs, whose start may still be announced.
    ended: VecDeque<JobId>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    Open,
    Finished,
    Forgotten,
}

impl Unfinished {
    pub(in crate::server::relay) fn new(scope: JobScope, max_jobs: usize, is_short: bool) -> Self {
        Self {
            scope,
            is_short,
            max_jobs,
            ended: VecDeque::new(),
        }
    }
}

impl<S> One<S> {
    pub(in crate::server::relay) fn new(over: Option<Arc<Frame>>) -> Self {
        Self { topic: None, over }
    }

    fn write_due(&mut self, channels: &mut Channels, piece: &mut Piece) -> Progress {
        if let Some(frame) = self.over.take() {
            piece.push(&frame.bytes);
            return Progress::Finished;
        }
        let Some(topic) = &mut self.topic else {
            return Progress::Open;
        };
        topic.is_due = false;
        let (newest, is_closed) = channels.newest(&topic.at);
        if newest.revision > topic.told {
            topic.told = newest.revision;
            piece.push(&newest.bytes);
            if newest.is_final {
                return Progress::Finished;
            }
        }
        if is_closed {
            Progress::Forgotten
        } else {
            Progress::Open
        }
    }
}

impl<S: AsRef<JobId>> Many<S> {
    /// Creates a stream of `listed` jobs: `over`, `missing`, the rest running.
    pub(in crate::server::relay) fn new(
        listed: Vec<JobId>,
        id: ManyId,
        over: Vec<(JobId, Arc<Frame>)>,
        missing: Vec<JobId>,
        unfinished: Option<Unfinished>,
    ) -> Self {
        // Saves memory: there are many streams with few jobs.
        let topics = listed.len().saturating_sub(over.len() + missing.len());
        Self {
            topics: Slab::with_capacity(topics),
            due: VecDeque::with_capacity(topics),
            over,
            missing,
            listed: listed.into(),
            id_line: line(&id),
            id,
            unfinished: unfinished.map(Box::new),
        }
    }

    fn wants(&mut self, job: &JobId) -> bool {
        let place = self.listed.binary_search(job);
        let was_told = place.is_ok_and(|place| self.id.has_seen_end(place));
        let Some(unfinished) = &mut self.unfinished else {
            return false;
        };
        let is_followed = |(_, topic): (usize, &Topic<S>)| topic.subscription.as_ref() == job;
        if was_told || unfinished.ended.contains(job) || self.topics.iter().any(is_followed) {
            return false;
        }
        if self.topics.len() >= unfinished.max_jobs {
            unfinished.is_short = true;
            return false;
        }
        true
    }

    fn write_due(&mut self, channels: &mut Channels, piece: &mut Piece) -> Progress {
        for job in self.missing.drain(..) {
            piece.push(&not_found(&job));
        }
        for (job, frame) in std::mem::take(&mut self.over) {
            self.tell(&job, &frame, piece);
        }
        while piece.len() < MAX_PIECE
            && let Some(key) = self.due.pop_front()
        {
            let Some(topic) = self.topics.get_mut(key) else {
                continue;
            };
            topic.is_due = false;
            let (newest, is_closed) = channels.newest(&topic.at);
            let is_news = newest.revision > topic.told;
            if is_news && newest.is_final {
                let newest = newest.clone();
                let topic = self.topics.remove(key);
                channels.leave(topic.at);
                self.tell(topic.subscription.as_ref(), &newest, piece);
                continue;
            }
            if is_news {
                topic.told = newest.revision;
                piece.push(self.id_line.as_bytes());
                piece.push(newest.tagged(topic.subscription.as_ref()));
            }
            if is_closed {
                let topic = self.topics.remove(key);
                channels.leave(topic.at);
                let job = topic.subscription.as_ref();
                piece.push(&not_found(job));
                self.remember_end(job);
            }
        }
        if self.topics.is_empty() && self.unfinished.is_none() {
            piece.push(&END);
            return Progress::Finished;
        }
        Progress::Open
    }

    fn tell(&mut self, job: &JobId, frame: &Frame, piece: &mut Piece) {
        match self.listed.binary_search(job) {
            Ok(place) => {
                self.id.tell_end(place);
                self.id_line = line(&self.id);
            }
            Err(_) => self.remember_end(job),
        }
        piece.push(self.id_line.as_bytes());
        piece.push(frame.tagged(job));
    }

    fn remember_end(&mut self, job: &JobId) {
        if let Some(unfinished) = &mut self.unfinished {
            if unfinished.ended.len() == REMEMBERED_ENDS {
                unfinished.ended.pop_front();
            }
            unfinished.ended.push_back(job.clone());
        }
    }
}

fn line(id: &ManyId) -> Box<str> {
    format!("id: {id}\n").into()
}

impl<S: AsRef<JobId>> Subscriber<S> {
    pub(super) fn next_topic(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Many(many) => many.topics.vacant_key(),
        }
    }

    /// Follows a job, whose newest state is due.
    pub(super) fn follow(&mut self, subscription: S, at: Membership) {
        let topic = Topic {
            subscription,
            at,
            told: 0,
            is_due: true,
        };
        match self {
            Self::One(one) => one.topic = Some(topic),
            Self::Many(many) => {
                let key = many.topics.insert(topic);
                many.due.push_back(key);
            }
        }
    }

    pub(super) fn mark(&mut self, topic: usize) {
        match self {
            Self::One(One { topic, .. }) => {
                if let Some(topic) = topic {
                    topic.is_due = true;
                }
            }
            Self::Many(many) => {
                if let Some(it) = many.topics.get_mut(topic)
                    && !std::mem::replace(&mut it.is_due, true)
                {
                    many.due.push_back(topic);
                }
            }
        }
    }

    pub(super) fn is_due(&self) -> bool {
        match self {
            Self::One(one) => one.over.is_some() || one.topic.as_ref().is_some_and(|it| it.is_due),
            Self::Many(many) => {
                !many.due.is_empty() || !many.over.is_empty() || !many.missing.is_empty()
            }
        }
    }

    /// Encodes due events, up to one piece.
    pub(super) fn write_due(&mut self, channels: &mut Channels, piece: &mut Piece) -> Progress {
        match self {
            Self::One(one) => one.write_due(channels, piece),
            Self::Many(many) => many.write_due(channels, piece),
        }
    }

    pub(super) fn leave(self, channels: &mut Channels) {
        match self {
            Self::One(one) => one.topic.into_iter().for_each(|it| channels.leave(it.at)),
            Self::Many(many) => {
                for (_, topic) in many.topics {
                    channels.leave(topic.at);
                }
            }
        }
    }

    pub(super) fn wants(&mut self, job: &JobId) -> bool {
        match self {
            Self::One(_) => false,
            Self::Many(many) => many.wants(job),
        }
    }

    pub(super) fn unfinished(&mut self) -> Option<&mut Unfinished> {
        match self {
            Self::One(_) => None,
            Self::Many(many) => many.unfinished.as_deref_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use futures_util::FutureExt;
    use proptest::prelude::*;
    use tokio::sync::watch;

    use super::*;
    use crate::{
        model::job::{ImportStatus, ProgressEvent},
        server::relay::{
            delivery::channels::Member,
            rooms::{Frames, RoomNumber, Rooms},
            snapshot::Snapshot,
        },
    };

    const TOTAL: u64 = 1_000;

    #[derive(Debug)]
    struct Subscription(JobId);

    impl AsRef<JobId> for Subscription {
        fn as_ref(&self) -> &JobId {
            &self.0
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Report(usize),
        End(usize),
        Forget(usize),
        Notice(usize),
        Write,
        Reconnect,
    }

    fn steps(jobs: usize) -> impl Strategy<Value = Vec<Step>> {
        let job = 0..jobs;
        let step = prop_oneof![
            4 => job.clone().prop_map(Step::Report),
            1 => job.clone().prop_map(Step::End),
            1 => job.clone().prop_map(Step::Forget),
            6 => job.prop_map(Step::Notice),
            4 => Just(Step::Write),
            1 => Just(Step::Reconnect),
        ];
        proptest::collection::vec(step, 0..80)
    }

    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    enum Truth {
        Runs,
        Ended,
        Gone,
    }

    /// Jobs, and one subscriber of all.
    struct World {
        jobs: Vec<JobId>,
        truth: Vec<Truth>,
        reported: u64,
        newest: Vec<u64>,
        rooms: Vec<RoomNumber>,
        cells: Vec<Option<watch::Sender<Arc<Frame>>>>,
        channels: Channels,
        watched: BTreeMap<usize, (usize, Frames)>,
        subscriber: Option<Subscriber<Subscription>>,
        client: Client,
    }

    #[derive(Default)]
    struct Client {
        last_event_id: Option<String>,
        told: BTreeMap<String, u64>,
        ended: Vec<String>,
        not_found: Vec<String>,
        has_seen_all: bool,
    }

    impl World {
        fn new(jobs: usize) -> Self {
            let name = |number| format!("job-{number}").parse().unwrap();
            let jobs: Vec<JobId> = (0..jobs).map(name).collect();
            let rooms = rooms(&jobs);
            let cell = |_: &JobId| Some(watch::Sender::new(frame(1, 0)));
            let cells = jobs.iter().map(cell).collect();
            let mut world = Self {
                truth: vec![Truth::Runs; jobs.len()],
                reported: 0,
                newest: vec![0; jobs.len()],
                jobs,
                rooms,
                cells,
                channels: Channels::default(),
                watched: BTreeMap::new(),
                subscriber: None,
                client: Client::default(),
            };
            world.connect();
            world
        }

        /// Opens a stream like `relay::streams`.
        fn connect(&mut self) {
            let id = ManyId::new(&self.jobs, self.client.last_event_id.as_deref());
            let (mut over, mut missing, mut live) = (Vec::new(), Vec::new(), Vec::new());
            for (job, name) in self.jobs.iter().enumerate() {
                match self.truth[job] {
                    Truth::Gone => missing.push(name.clone()),
                    Truth::Ended if id.has_seen_end(job) => {}
                    Truth::Ended => over.push((name.clone(), frame(1, TOTAL))),
                    Truth::Runs => live.push(job),
                }
            }
            let many = Many::new(self.jobs.clone(), id, over, missing, None);
            let mut subscriber = Subscriber::Many(Box::new(many));
            for job in live {
                self.join(&mut subscriber, job);
            }
            self.subscriber = Some(subscriber);
            self.client.told.clear();
            self.write();
        }

        fn join(&mut self, subscriber: &mut Subscriber<Subscription>, job: usize) {
            let frames = self.cells[job].as_ref().unwrap().subscribe();
            let member = Member {
                connection: 0,
                topic: subscriber.next_topic(),
            };
            let newest = frames.borrow().clone();
            let (at, new) = self.channels.join(self.rooms[job], newest, member);
            if let Some(channel) = new {
                self.watched.insert(job, (channel, frames));
            }
            subscriber.follow(Subscription(self.jobs[job].clone()), at);
        }

        fn take(&mut self, step: &Step) {
            match *step {
                Step::Report(job)
                    if self.truth[job] == Truth::Runs && self.reported < TOTAL - 1 =>
                {
                    self.reported += 1;
                    self.report(job, self.reported);
                }
                Step::End(job) if self.truth[job] == Truth::Runs => {
                    self.report(job, TOTAL);
                    self.truth[job] = Truth::Ended;
                }
                Step::Forget(job) if self.truth[job] == Truth::Runs => {
                    self.truth[job] = Truth::Gone;
                    self.cells[job] = None;
                }
                Step::Notice(job) => self.notice(job),
                Step::Write => self.write(),
                Step::Reconnect if !self.client.has_seen_all => {
                    self.leave();
                    self.connect();
                }
                _ => {}
            }
        }

        fn report(&mut self, job: usize, processed: u64) {
            self.newest[job] = processed;
            let cell = self.cells[job].as_ref().unwrap();
            let revision = cell.borrow().revision + 1;
            cell.send_replace(frame(revision, processed));
        }

        /// Publishes a room's change like the shard.
        fn notice(&mut self, job: usize) {
            let Some((channel, frames)) = self.watched.get_mut(&job) else {
                return;
            };
            let channel = *channel;
            let newest = match frames.changed().now_or_never() {
                None => return,
                Some(Ok(())) => Some(frames.borrow_and_update().clone()),
                Some(Err(_)) => None,
            };
            let is_closed = newest.is_none();
            let Some(members) = self.channels.publish(channel, newest) else {
                self.watched.remove(&job);
                return;
            };
            for member in members {
                if let Some(subscriber) = &mut self.subscriber {
                    subscriber.mark(member.topic);
                }
            }
            if is_closed {
                self.watched.remove(&job);
            }
        }

        fn write(&mut self) {
            let Some(subscriber) = &mut self.subscriber else {
                return;
            };
            let mut piece = Piece::new();
            let progress = subscriber.write_due(&mut self.channels, &mut piece);
            let text = std::str::from_utf8(piece.events()).unwrap();
            let has_ended = self.client.read(text, &self.jobs);
            assert_eq!(has_ended, progress == Progress::Finished);
            if has_ended {
                self.leave();
            }
        }

        fn leave(&mut self) {
            if let Some(subscriber) = self.subscriber.take() {
                subscriber.leave(&mut self.channels);
            }
        }

        fn settle(&mut self) {
            // Twice: final state, then deletion.
            for job in (0..self.jobs.len()).chain(0..self.jobs.len()) {
                self.notice(job);
            }
            while self.subscriber.as_ref().is_some_and(Subscriber::is_due) {
                self.write();
            }
        }
    }

    impl Client {
        /// Reads events. Returns whether the stream has ended.
        fn read(&mut self, events: &str, listed: &[JobId]) -> bool {
            for event in events.split_terminator("\n\n") {
                assert!(!self.has_seen_all, "nothing comes after the end");
                let fields: BTreeMap<_, _> = event
                    .lines()
                    .map(|line| line.split_once(": ").unwrap())
                    .collect();
                let data: serde_json::Value = serde_json::from_str(fields["data"]).unwrap();
                let job = || data["jobId"].as_str().unwrap().to_owned();
                match fields.get("event").copied() {
                    Some("end") => self.has_seen_all = true,
                    Some("not-found") => self.not_found.push(job()),
                    Some(other) => panic!("{other}"),
                    None => {
                        let processed = data["processedProducts"].as_u64().unwrap();
                        let before = self.told.insert(job(), processed);
                        assert!(before < Some(processed) || before.is_none(), "told twice");
                        assert!(!self.ended.contains(&job()), "nothing comes after an end");
                        if data["status"] != "PENDING" {
                            self.ended.push(job());
                        }
                        let id = fields["id"].to_owned();
                        let read = ManyId::new(listed, Some(&id));
                        for (place, one) in listed.iter().enumerate() {
                            let has_ended = self.ended.iter().any(|it| it == one.as_str());
                            assert_eq!(read.has_seen_end(place), has_ended, "{id}");
                        }
                        self.last_event_id = Some(id);
                    }
                }
            }
            self.has_seen_all
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_each_state_is_told_once_and_the_end_when_all_is_over(
            steps in (1..6_usize).prop_flat_map(|jobs| (Just(jobs), steps(jobs))),
        ) {
            let (jobs, steps) = steps;
            let mut world = World::new(jobs);
            for step in &steps {
                world.take(step);
            }
            world.settle();
            // Running jobs have their state, and `end` was not sent.
            let runs = world.truth.contains(&Truth::Runs);
            prop_assert_eq!(world.client.has_seen_all, !runs);
            for job in 0..jobs {
                if world.truth[job] == Truth::Runs {
                    let told = world.client.told.get(world.jobs[job].as_str());
                    prop_assert_eq!(told, Some(&world.newest[job]));
                    world.take(&Step::End(job));
                }
            }
            world.settle();
            prop_assert!(world.client.has_seen_all);
            for job in 0..jobs {
                let name = world.jobs[job].to_string();
                match world.truth[job] {
                    Truth::Ended => prop_assert!(world.client.ended.contains(&name)),
                    _ => prop_assert!(world.client.not_found.contains(&name)),
                }
            }
            // Nothing is left when the rooms are closed.
            for job in 0..jobs {
                world.cells[job] = None;
                world.notice(job);
                world.notice(job);
            }
            prop_assert_eq!(world.channels.len(), 0);
        }
    }

    fn frame(revision: u64, processed: u64) -> Arc<Frame> {
        let status = if processed == TOTAL {
            ImportStatus::Success
        } else {
            ImportStatus::Pending
        };
        let event = ProgressEvent {
            processed_products: processed,
            failed_products: 0,
            total_products: TOTAL,
            status,
            ..ProgressEvent::default()
        };
        let snapshot = Snapshot {
            event,
            ..Snapshot::default()
        };
        Arc::new(Frame::new(revision, &snapshot))
    }

    fn rooms(jobs: &[JobId]) -> Vec<RoomNumber> {
        let mut rooms = Rooms::new(jobs.len(), 0, Duration::ZERO);
        let mut enter = |job| rooms.enter(job, Snapshot::default()).unwrap().1;
        jobs.iter().map(&mut enter).collect()
    }

    fn written<S: AsRef<JobId>>(
        subscriber: &mut Subscriber<S>,
        channels: &mut Channels,
    ) -> (String, Progress) {
        let mut piece = Piece::new();
        let progress = subscriber.write_due(channels, &mut piece);
        (
            String::from_utf8(piece.events().to_vec()).unwrap(),
            progress,
        )
    }

    #[test]
    fn the_stream_of_one_job_skips_to_the_newest_state_and_ends_with_the_job() {
        let mut channels = Channels::default();
        let job: JobId = "a".parse().unwrap();
        let room = rooms(std::slice::from_ref(&job))[0];
        let mut subscriber = Subscriber::One(One::new(None));
        let member = Member {
            connection: 0,
            topic: subscriber.next_topic(),
        };
        let (at, channel) = channels.join(room, frame(1, 0), member);
        subscriber.follow(Subscription(job), at);
        let channel = channel.unwrap();
        let (events, progress) = written(&mut subscriber, &mut channels);
        assert!(events.starts_with("id: 1\n") && progress == Progress::Open);
        assert!(!subscriber.is_due());
        for newest in [frame(2, 1), frame(3, 2)] {
            assert_eq!(channels.publish(channel, Some(newest)).unwrap().count(), 1);
            subscriber.mark(0);
        }
        let (events, _) = written(&mut subscriber, &mut channels);
        assert!(events.starts_with("id: 3\n") && events.matches("id:").count() == 1);
        subscriber.mark(0);
        assert_eq!(written(&mut subscriber, &mut channels).0, "");
        let last = channels.publish(channel, Some(frame(4, TOTAL)));
        assert_eq!(last.unwrap().count(), 1);
        subscriber.mark(0);
        let (events, progress) = written(&mut subscriber, &mut channels);
        assert!(events.starts_with("id: 4-SUCCESS\n") && progress == Progress::Finished);
        subscriber.leave(&mut channels);
        assert!(channels.publish(channel, None).is_none());
        assert_eq!(channels.len(), 0);
    }
}
