//! Follows a page's jobs: what events of the stream, answers and time change, and what to do next (pure: no browser, no
//! clock).

use litemap::LiteMap;

use super::{Connection, ProgressError, UseProgressOptions, wire};
use crate::model::{
    job::{JobId, ProductImportJob},
    progress::UpstreamState,
    refusal::Refusal,
};

mod event;
#[cfg(test)]
mod tests;
mod view;

use self::view::Followed;
pub(super) use self::{
    event::{Action, Answer, Event, StreamEvent},
    view::View,
};

/// A time or a span of it in milliseconds, as the browser's clock gives it.
pub(super) type Millis = f64;

/// A shorter interruption is not shown: streams end now and then by design.
const SHORT_GAP: Millis = 3_000.0;
/// Maximum time for an answer of the server.
const ANSWER: Millis = 10_000.0;
/// An open stream without an event for so long is held back by a proxy: the server sends one at once.
const HELD_BACK: Millis = 3_000.0;
/// Time to open a stream after which the server is polled meanwhile.
const OPENING: Millis = 5_000.0;
/// Polling interval without a stream; not a whole number of seconds, because the clock ticks once a second.
const POLL: Millis = 2_500.0;
/// Polling interval of a hidden page.
const POLL_ASIDE: Millis = 15_000.0;
/// How long a stream that is held back is kept before another is tried. Doubled each time.
const FIRST_TRIAL: Millis = 10_000.0;
/// Its maximum.
const LONGEST_TRIAL: Millis = 60_000.0;
/// Maximum ended jobs to keep that are not followed by name.
const KEPT_ENDS: usize = 100;

/// The times of a follower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    silence: Millis,
    first_delay: Millis,
    longest_delay: Millis,
}

impl Timing {
    /// Takes them from the options of a hook.
    pub(super) fn of(options: &UseProgressOptions) -> Self {
        let millis = |span: std::time::Duration| span.as_secs_f64() * 1_000.0;
        Self {
            silence: millis(options.stale_after),
            first_delay: millis(options.first_delay),
            longest_delay: millis(options.longest_delay),
        }
    }
}

/// Follows the jobs of a page.
#[derive(Debug)]
pub(super) struct Follower {
    timing: Timing,
    jobs: LiteMap<JobId, Followed>,
    /// Whether new jobs are followed too.
    wants_new: bool,
    phase: Phase,
    upstream: UpstreamState,
    last_heard: Millis,
    /// Since when the stream, opening or open, has had no event.
    unheard_since: Option<Millis>,
    /// Set while the stream is held back by a proxy.
    held_back: Option<HeldBack>,
    polls: Polls,
    /// Whether the page is hidden, and so has no stream.
    is_aside: bool,
    /// Whether the browser went offline, and no event has come since.
    is_doubtful: bool,
    lost_since: Option<Millis>,
    /// Whether the stream has been open since jobs are wanted.
    was_open: bool,
    attempts: i32,
    /// Number of ended jobs.
    ends: u64,
}

/// A stream that is open without events.
#[derive(Clone, Copy, Debug)]
struct HeldBack {
    /// When the current stream was opened.
    tried: Millis,
    /// Time after which another is tried.
    timeout: Millis,
}

/// Requests for states instead of a stream.
#[derive(Debug, Default)]
struct Polls {
    /// When the next one is due, while polling.
    next: Option<Millis>,
    /// Since when one has been running.
    running_since: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// No job is wanted.
    Idle,
    /// The browser opens, keeps and reconnects the stream.
    Streaming(Connection),
    /// The server has been asked at this time.
    Asking { since: Millis },
    /// The stream is opened again at this time.
    Waiting { until: Millis },
    /// The page is hidden and has no stream.
    Aside,
    /// The user is signed out; nothing more will come.
    SignedOut,
}

impl Follower {
    /// Creates one without jobs.
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            jobs: LiteMap::new(),
            wants_new: false,
            phase: Phase::Idle,
            upstream: UpstreamState::Connected,
            last_heard: 0.0,
            unheard_since: None,
            held_back: None,
            polls: Polls::default(),
            is_aside: false,
            is_doubtful: false,
            lost_since: None,
            was_open: false,
            attempts: 0,
            ends: 0,
        }
    }

    /// Follows a job from its recorded state. A job that is followed already stays as it is.
    pub(super) fn follow(&mut self, job: &ProductImportJob, now: Millis) -> Action {
        if let Some(followed) = self.jobs.get_mut(&job.id) {
            followed.by_name = true;
            return Action::Wait;
        }
        let followed = Followed::new(View::of(job), true);
        let is_over = followed.over.is_some();
        self.jobs.insert(job.id.clone(), followed);
        if is_over {
            return Action::Wait;
        }
        self.want_more(now)
    }

    /// No longer follows a job by name. If new jobs are followed, it stays one of them.
    pub(super) fn unfollow(&mut self, job: &JobId) -> Action {
        if !self.wants_new {
            self.jobs.remove(job);
        } else if let Some(job) = self.jobs.get_mut(job) {
            job.by_name = false;
            self.remove_ended();
        }
        self.close_if_unwanted()
    }

    /// Sets whether new jobs are followed as they start.
    pub(super) fn want_new(&mut self, wanted: bool, now: Millis) -> Action {
        if self.wants_new == wanted {
            return Action::Wait;
        }
        self.wants_new = wanted;
        if wanted {
            self.want_more(now)
        } else {
            self.jobs.retain(|_, job| job.by_name);
            self.close_if_unwanted()
        }
    }

    /// Returns the unfinished jobs that the stream is for, and whether it is for new ones too.
    pub(super) fn wanted(&self) -> (Vec<JobId>, bool) {
        let unfinished = self.jobs.iter().filter(|(_, job)| job.over.is_none());
        let is_over = self.phase == Phase::SignedOut;
        (
            unfinished.map(|(id, _)| id.clone()).collect(),
            self.wants_new && !is_over,
        )
    }

    /// Returns the current view of a job.
    pub(super) fn view(&self, job: &JobId, now: Millis) -> Option<View> {
        self.jobs.get(job).map(|job| self.shown(job, now))
    }

    /// Returns the current views of all jobs.
    pub(super) fn views(&self, now: Millis) -> impl Iterator<Item = (&JobId, View)> {
        let shown = move |(id, job)| (id, self.shown(job, now));
        self.jobs.iter().map(shown)
    }

    fn shown(&self, job: &Followed, now: Millis) -> View {
        let is_lost = self
            .lost_since
            .is_some_and(|since| now - since >= SHORT_GAP);
        let connection = match (job.over, self.phase) {
            (Some(over), _) => over,
            (None, Phase::SignedOut) => Connection::Refused,
            (None, Phase::Idle) => Connection::Connecting,
            (None, _) if is_lost => Connection::Reconnecting,
            (None, Phase::Streaming(_)) if self.held_back.is_some() => Connection::Polling,
            (None, Phase::Aside) => Connection::Polling,
            (None, Phase::Streaming(Connection::Open)) => self.live(),
            (None, Phase::Streaming(Connection::Connecting)) => Connection::Connecting,
            (None, _) if self.was_open => self.live(),
            (None, _) => Connection::Connecting,
        };
        let error = match &job.view.error {
            Some(error) => Some(error.clone()),
            None if job.over.is_some() => None,
            None if job.is_unreadable => Some(ProgressError::Unreadable),
            None if is_lost => Some(ProgressError::Connection),
            None if self.upstream == UpstreamState::Refused => Some(ProgressError::MonitorRefused),
            None => None,
        };
        View {
            connection,
            error,
            ..job.view.clone()
        }
    }

    fn live(&self) -> Connection {
        if self.upstream.is_trouble() {
            Connection::Polling
        } else {
            Connection::Open
        }
    }

    /// Applies an event. `random` is a number from 0 to 1.
    pub(super) fn step(&mut self, event: Event, now: Millis, random: f64) -> Action {
        match event {
            Event::Hidden => self.is_aside = true,
            Event::Awake => self.is_aside = false,
            _ => {}
        }
        if matches!(self.phase, Phase::Idle | Phase::SignedOut) {
            return Action::Wait;
        }
        match event {
            Event::Stream(event) => self.stream(event, now, now),
            Event::Repeated { event, age } => self.stream(event, now - age.max(0.0), now),
            Event::Answered { asked, answer } => self.answered(asked, answer, now, random),
            Event::Tick => self.tick(now, random),
            Event::Awake => match self.phase {
                Phase::Asking { .. } | Phase::Waiting { .. } | Phase::Aside => self.reopen(now),
                Phase::Streaming(_) if self.is_doubtful => self.renew(now),
                _ => Action::Wait,
            },
            Event::Offline => {
                self.is_doubtful = true;
                self.lost_since = Some(now - SHORT_GAP);
                if let Phase::Streaming(connection) = &mut self.phase {
                    *connection = Connection::Reconnecting;
                    self.unheard_since = None;
                }
                Action::Wait
            }
            Event::Hidden => {
                self.set_aside(now + POLL_ASIDE);
                Action::Close
            }
            Event::Frozen => {
                self.stop_polls();
                self.phase = Phase::Waiting { until: now };
                Action::Close
            }
        }
    }

    fn tick(&mut self, now: Millis, random: f64) -> Action {
        match self.phase {
            Phase::Streaming(connection) => match self.held_back {
                Some(HeldBack { tried, timeout }) if now - tried >= timeout => {
                    self.try_another(now)
                }
                Some(_) => self.poll(now, POLL),
                None if now - self.last_heard >= self.timing.silence => self.ask(now),
                None => {
                    let timeout = match connection {
                        Connection::Open => HELD_BACK,
                        _ => OPENING,
                    };
                    if !self
                        .unheard_since
                        .is_some_and(|since| now - since >= timeout)
                    {
                        return Action::Wait;
                    }
                    self.held_back = Some(HeldBack {
                        tried: now,
                        timeout: FIRST_TRIAL,
                    });
                    self.polls.next = Some(now);
                    self.poll(now, POLL)
                }
            },
            Phase::Asking { since } if now - since >= ANSWER => self.wait(now, random),
            Phase::Waiting { until } if now >= until => self.reopen(now),
            Phase::Waiting { .. } => self.poll(now, POLL),
            Phase::Aside => self.poll(now, POLL_ASIDE),
            _ => Action::Wait,
        }
    }

    /// Requests the newest states if that is due.
    fn poll(&mut self, now: Millis, interval: Millis) -> Action {
        if let Some(since) = self.polls.running_since {
            if now - since < ANSWER {
                return Action::Wait;
            }
            self.lost_since.get_or_insert(since);
        }
        let is_due = self.polls.next.is_some_and(|next| now >= next);
        // New jobs cannot be requested.
        if !is_due || self.wanted().0.is_empty() {
            return Action::Wait;
        }
        self.polls = Polls {
            next: Some(now + interval),
            running_since: Some(now),
        };
        Action::Poll
    }

    fn stop_polls(&mut self) {
        self.polls = Polls::default();
    }

    /// Applies an event of the stream, which may be older than `now`.
    fn stream(&mut self, event: StreamEvent, at: Millis, now: Millis) -> Action {
        // A late event of a closed stream does not show that the next one is alive.
        let is_streaming = matches!(self.phase, Phase::Streaming(_));
        let is_data = event != StreamEvent::Opened;
        match event {
            StreamEvent::GivenUp if is_streaming => return self.ask(now),
            StreamEvent::Interrupted if is_streaming => {
                self.phase = Phase::Streaming(Connection::Reconnecting);
                self.lost_since.get_or_insert(at);
                self.last_heard = at; // the browser is reconnecting
                self.unheard_since = None;
                if let Some(held_back) = &mut self.held_back {
                    held_back.tried = now;
                }
                return Action::Wait;
            }
            StreamEvent::GivenUp | StreamEvent::Interrupted => return Action::Wait,
            StreamEvent::Opened => {
                self.upstream = UpstreamState::Connected;
                self.unheard_since = is_streaming.then_some(at);
            }
            StreamEvent::Message { job, text } => {
                self.attempts = 0;
                self.message(job, &text);
            }
            StreamEvent::Upstream(text) => {
                if let Some(state) = wire::upstream(&text) {
                    self.upstream = state;
                }
            }
            StreamEvent::NotFound(text) => {
                if let Some(id) = wire::job_of(&text)
                    && let Some(job) = self.jobs.get_mut(&id)
                {
                    job.refuse(&Refusal::NotFound);
                    self.remove_ended();
                }
            }
            StreamEvent::Heartbeat | StreamEvent::End => {}
        }
        let mut action = Action::Wait;
        // Nor do repeated events of a stream that has been silent for long.
        if is_streaming && now - at < self.timing.silence {
            self.phase = Phase::Streaming(Connection::Open);
            self.was_open = true;
            self.last_heard = self.last_heard.max(at);
            // A proxy may open streams although its server is down.
            if is_data {
                self.lost_since = None;
                self.is_doubtful = false;
                action = self.note_data(at, now);
            }
        }
        match self.close_if_unwanted() {
            Action::Wait => action,
            other => other,
        }
    }

    /// Replaces a stream that is held back by another one, with a longer timeout.
    fn try_another(&mut self, now: Millis) -> Action {
        let timeout = self
            .held_back
            .map_or(FIRST_TRIAL, |held_back| held_back.timeout * 2.0);
        self.held_back = Some(HeldBack {
            tried: now,
            timeout: timeout.min(LONGEST_TRIAL),
        });
        self.renew(now)
    }

    /// Notes an event with data. After a late one another stream has to send one in time, because a proxy may pass on
    /// what it holds back in bursts.
    fn note_data(&mut self, at: Millis, now: Millis) -> Action {
        let is_prompt = self
            .unheard_since
            .take()
            .is_some_and(|since| at - since < HELD_BACK);
        match &self.held_back {
            Some(_) if is_prompt => {
                self.held_back = None;
                self.stop_polls();
                Action::Wait
            }
            Some(HeldBack { tried, timeout }) if now - *tried >= *timeout / 2.0 => {
                self.try_another(now)
            }
            _ => Action::Wait,
        }
    }

    fn message(&mut self, job: Option<JobId>, text: &str) {
        let state = wire::state(text);
        let job = job.or_else(|| wire::job_of(text));
        match (job, state) {
            (Some(id), Some(state)) => {
                let is_final = state.status.is_final();
                match self.jobs.get_mut(&id) {
                    Some(job) => job.show(state),
                    None if self.wants_new => {
                        let mut job = Followed::new(View::default(), false);
                        job.show(state);
                        self.jobs.insert(id, job);
                    }
                    None => {}
                }
                if is_final {
                    self.remove_ended();
                }
            }
            (Some(id), None) => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.is_unreadable = true;
                }
            }
            (None, _) => {
                for job in self.jobs.iter_mut().map(|(_, job)| job) {
                    job.is_unreadable = true;
                }
            }
        }
    }

    /// Removes the oldest ended jobs that are not followed by name.
    fn remove_ended(&mut self) {
        for job in self.jobs.iter_mut().map(|(_, job)| job) {
            if job.over.is_some() && job.ended.is_none() {
                self.ends += 1;
                job.ended = Some(self.ends);
            }
        }
        let over = self.jobs.values().filter(|job| !job.by_name);
        let mut ends: Vec<_> = over.filter_map(|job| job.ended).collect();
        ends.sort_unstable();
        let Some(last) = ends.len().checked_sub(KEPT_ENDS + 1) else {
            return;
        };
        let last = ends[last];
        self.jobs
            .retain(|_, job| job.by_name || job.ended.is_none_or(|ended| ended > last));
    }

    fn want_more(&mut self, now: Millis) -> Action {
        match self.phase {
            Phase::Idle | Phase::Streaming(_) => {
                let connection = match self.phase {
                    Phase::Streaming(connection) => connection,
                    _ => Connection::Connecting,
                };
                if self.is_aside {
                    self.set_aside(now);
                    return Action::Wait;
                }
                self.phase = Phase::Streaming(connection);
                self.last_heard = now;
                self.unheard_since = Some(now);
                Action::Open
            }
            // The stream is opened later, with the new job.
            Phase::Asking { .. } | Phase::Waiting { .. } => Action::Wait,
            Phase::Aside => {
                self.polls.next = Some(now);
                Action::Wait
            }
            Phase::SignedOut => {
                self.sign_out(&Refusal::SignedOut);
                Action::Wait
            }
        }
    }

    fn close_if_unwanted(&mut self) -> Action {
        let (jobs, wants_new) = self.wanted();
        if !jobs.is_empty() || wants_new || matches!(self.phase, Phase::Idle | Phase::SignedOut) {
            return Action::Wait;
        }
        self.phase = Phase::Idle;
        self.lost_since = None;
        self.was_open = false;
        self.attempts = 0;
        self.held_back = None;
        self.is_doubtful = false;
        self.stop_polls();
        Action::Close
    }

    /// Polls from a time on, without a stream.
    fn set_aside(&mut self, first_poll: Millis) {
        self.phase = Phase::Aside;
        self.held_back = None;
        self.lost_since = None;
        self.polls = Polls {
            next: Some(first_poll),
            running_since: None,
        };
    }

    /// Closes the stream and opens another.
    fn renew(&mut self, now: Millis) -> Action {
        self.last_heard = now;
        self.unheard_since = Some(now);
        self.is_doubtful = false;
        self.phase = Phase::Streaming(Connection::Reconnecting);
        Action::Renew
    }

    fn ask(&mut self, now: Millis) -> Action {
        self.stop_polls();
        self.unheard_since = None;
        self.lost_since.get_or_insert(now);
        self.phase = Phase::Asking { since: now };
        Action::Ask
    }

    fn reopen(&mut self, now: Millis) -> Action {
        if self.is_aside {
            self.set_aside(now);
            return Action::Wait;
        }
        if self.phase == Phase::Aside {
            self.stop_polls();
        } else if self.polls.next.is_some() {
            // Polling goes on until the new stream has an event.
            let held_back = self.held_back.get_or_insert(HeldBack {
                tried: now,
                timeout: FIRST_TRIAL,
            });
            held_back.tried = now;
        }
        self.last_heard = now;
        self.unheard_since = Some(now);
        self.is_doubtful = false;
        self.lost_since.get_or_insert(now);
        self.phase = Phase::Streaming(Connection::Reconnecting);
        Action::Open
    }

    fn sign_out(&mut self, error: &Refusal) {
        for job in self.jobs.iter_mut().map(|(_, job)| job) {
            job.refuse(error);
        }
        self.phase = Phase::SignedOut;
        self.lost_since = None;
        self.stop_polls();
    }

    fn answered(&mut self, asked: Vec<JobId>, answer: Answer, now: Millis, random: f64) -> Action {
        let is_asked = matches!(self.phase, Phase::Asking { .. });
        if !is_asked && self.polls.running_since.take().is_none() {
            return Action::Wait; // the stream is back
        }
        let is_answered = answer.is_ok();
        match answer {
            Ok(states) => {
                for (id, job) in self.jobs.iter_mut() {
                    match states.iter().find(|(of, _)| of == id) {
                        Some((_, state)) => job.show(state.clone()),
                        None if asked.contains(id) => job.refuse(&Refusal::NotFound),
                        // It was added after the request.
                        None => {}
                    }
                }
                self.remove_ended();
                if self.close_if_unwanted() == Action::Close {
                    return Action::Close;
                }
            }
            Err(error) if error.is_signed_out() => {
                self.sign_out(&error);
                return Action::Close;
            }
            Err(_) => {}
        }
        match self.phase {
            Phase::Asking { .. } | Phase::Waiting { .. } => {
                // A server that answers is polled until the stream is there; another one is not.
                self.polls.next = is_answered.then_some(now + POLL);
                if !is_answered {
                    self.held_back = None;
                }
            }
            _ if is_answered => self.lost_since = None,
            _ => {
                self.lost_since.get_or_insert(now);
            }
        }
        if is_asked {
            self.wait(now, random)
        } else {
            Action::Wait
        }
    }

    /// Waits before the stream is opened again: longer each time, with jitter.
    fn wait(&mut self, now: Millis, random: f64) -> Action {
        let Timing {
            first_delay,
            longest_delay,
            ..
        } = self.timing;
        let longest = (first_delay * 2_f64.powi(self.attempts)).min(longest_delay);
        self.attempts = (self.attempts + 1).min(10);
        self.phase = Phase::Waiting {
            until: now + longest * (0.5 + random / 2.0),
        };
        Action::Wait
    }
}
