//! What becomes of the view of a page's jobs when something happens to its event stream (pure: no
//! browser, no clock).

use litemap::LiteMap;

use super::{Connection, ProgressError, UseProgressOptions, wire};
use crate::model::{
    job::{ImportProgress, ImportStatus, JobId, ProductImportJob, ProgressEvent, UnixMillis},
    progress::UpstreamState,
    refusal::Refusal,
};

/// A time or a span of it in milliseconds, as the browser's clock gives it.
pub(super) type Millis = f64;

/// A gap shorter than this is not worth a word: streams end now and then by design.
const SHORT_GAP: Millis = 3_000.0;
/// So long the server may take to say what is the matter.
const ANSWER: Millis = 10_000.0;
/// An open stream that says nothing for so long is held back by something on the way: the server speaks
/// at once.
const HELD_BACK: Millis = 3_000.0;
/// So long a stream may take to open before the server is asked meanwhile.
const OPENING: Millis = 5_000.0;
/// So often the server is asked in the place of the stream, a little less for a clock that ticks once a
/// second.
const POLL: Millis = 2_500.0;
/// The same while nobody looks.
const POLL_ASIDE: Millis = 15_000.0;
/// So long a stream that is held back is kept before another is tried; twice as long each time.
const FIRST_TRIAL: Millis = 10_000.0;
/// And no longer than this.
const LONGEST_TRIAL: Millis = 60_000.0;
/// So many jobs that nobody asked for by name are kept when they are over.
const KEPT_ENDS: usize = 100;

/// How patient a follower is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    silence: Millis,
    first_delay: Millis,
    longest_delay: Millis,
}

impl Timing {
    /// Takes it from the options of a hook.
    pub(super) fn of(options: &UseProgressOptions) -> Self {
        let millis = |span: std::time::Duration| span.as_secs_f64() * 1_000.0;
        Self {
            silence: millis(options.stale_after),
            first_delay: millis(options.first_delay),
            longest_delay: millis(options.longest_delay),
        }
    }
}

/// What a page shows of a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) progress: ImportProgress,
    pub(super) status: ImportStatus,
    pub(super) error: Option<ProgressError>,
    pub(super) loading: bool,
    pub(super) connection: Connection,
    pub(super) completed_at: Option<UnixMillis>,
    pub(super) failed_product_skus: Option<Vec<String>>,
}

/// What happens on a stream. Tabs hand it on to each other.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum StreamEvent {
    /// The stream is open.
    Opened,
    /// A state came: of this job, or of the one that it names itself.
    Message {
        /// The job, on a stream of one job.
        job: Option<JobId>,
        /// The data of the event.
        text: String,
    },
    /// A sign of life came.
    Heartbeat,
    /// The data of the event `upstream` came.
    Upstream(String),
    /// The data of the event `not-found` came.
    NotFound(String),
    /// All jobs of the stream are over.
    End,
    /// The stream broke, and the browser is getting it back.
    Interrupted,
    /// The stream was refused; the browser has given it up.
    GivenUp,
}

/// What the server says of jobs.
pub(super) type Answer = Result<Vec<(JobId, ProgressEvent)>, Refusal>;

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Something happened on the stream.
    Stream(StreamEvent),
    /// The tab that keeps the stream tells again what happened on it, and how long ago it last heard
    /// anything.
    Repeated {
        /// What happened.
        event: StreamEvent,
        /// How old the stream's last sign of life is.
        age: Millis,
    },
    /// The server said what is the matter: the newest states of the jobs that are there.
    Answered {
        /// The jobs that it was asked for.
        asked: Vec<JobId>,
        /// What it said.
        answer: Answer,
    },
    /// Time has passed.
    Tick,
    /// The browser came online, or the page became visible.
    Awake,
    /// The browser went offline.
    Offline,
    /// The page is hidden, and a stream of its own would keep a connection from other pages.
    Hidden,
    /// The page is put aside; it may come back later.
    Frozen,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// Nothing.
    Wait,
    /// Open the stream, of all that is wanted.
    Open,
    /// Give the stream up and open it anew.
    Renew,
    /// Leave the stream as it is and ask the server for the newest states.
    Poll,
    /// Close the stream and ask the server what is the matter.
    Ask,
    /// Close the stream.
    Close,
}

impl Action {
    /// Returns what is to be done where `earlier` was to be done and has not been.
    pub(super) fn after(self, earlier: Self) -> Self {
        match (earlier, self) {
            (earlier, Self::Wait) => earlier,
            (Self::Renew, Self::Open) => Self::Renew,
            (_, later) => later,
        }
    }
}

/// Follows the jobs of a page.
#[derive(Debug)]
pub(super) struct Follower {
    timing: Timing,
    jobs: LiteMap<JobId, Followed>,
    /// Whether jobs are let in that nobody has asked for by name.
    wants_new: bool,
    phase: Phase,
    upstream: UpstreamState,
    last_heard: Millis,
    /// Since when the stream, asked for or open, has said nothing at all.
    unheard_since: Option<Millis>,
    /// What is known of something on the way that holds the stream back.
    held_back: Option<HeldBack>,
    polls: Polls,
    /// Whether the page is hidden, and so has no stream.
    is_aside: bool,
    /// Whether the browser has said that it is offline, and nothing has been heard since.
    is_doubtful: bool,
    lost_since: Option<Millis>,
    /// Whether the stream has been open since something is wanted.
    was_open: bool,
    attempts: i32,
    /// How many jobs have ended.
    ends: u64,
}

#[derive(Debug)]
struct Followed {
    view: View,
    is_unreadable: bool,
    /// Whether it is followed by its name, not only because new ones are let in.
    by_name: bool,
    /// What ends it for good.
    over: Option<Connection>,
    /// How many had ended when it did.
    ended: Option<u64>,
}

/// A stream that opens and does not speak.
#[derive(Clone, Copy, Debug)]
struct HeldBack {
    /// When the stream was opened that is there now.
    tried: Millis,
    /// How long it is given.
    patience: Millis,
}

/// The questions for states in the place of a stream.
#[derive(Debug, Default)]
struct Polls {
    /// When the next one is due, while any are asked.
    next: Option<Millis>,
    /// Since when one has been on its way.
    on_its_way: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Nothing is wanted.
    Idle,
    /// The stream is the browser's to open, keep and get back.
    Streaming(Connection),
    /// The server is being asked, since then.
    Asking { since: Millis },
    /// The stream is to be opened anew at this time.
    Waiting { until: Millis },
    /// The page is hidden and has no stream.
    Aside,
    /// Nothing more will come.
    SignedOut,
}

impl View {
    /// Shows a job as it is recorded.
    pub(super) fn of(job: &ProductImportJob) -> Self {
        let (skus, is_over) = (&job.failed_product_skus, job.status.is_final());
        let are_known = is_over && (!skus.is_empty() || job.failed_products == 0);
        Self::new(ProgressEvent {
            processed_products: job.processed_products,
            failed_products: job.failed_products,
            total_products: job.progress().total_products,
            status: job.status,
            error: job.error.clone(),
            completed_at: job.completed_at,
            failed_product_skus: are_known.then(|| skus.clone()),
            ..ProgressEvent::default()
        })
    }

    /// Writes the counts that are shown into a job that was recorded before.
    pub(super) fn keep_in(&self, job: &mut ProductImportJob) {
        job.processed_products = self.progress.processed_products;
        job.failed_products = self.progress.failed_products;
        if self.progress.total_products > 0 {
            job.total_products = Some(self.progress.total_products);
        }
    }

    /// Takes a state that was told.
    pub(super) fn take(&mut self, state: ProgressEvent) {
        self.progress = state.progress();
        self.status = state.status;
        self.error = state.error.map(ProgressError::Import);
        self.loading = false;
        self.completed_at = state.completed_at;
        self.failed_product_skus = state.failed_product_skus;
    }

    /// Shows a recorded state.
    pub(super) fn new(state: ProgressEvent) -> Self {
        let is_final = state.status.is_final();
        Self {
            progress: state.progress(),
            status: state.status,
            error: state.error.map(ProgressError::Import),
            completed_at: state.completed_at,
            failed_product_skus: state.failed_product_skus,
            loading: !is_final,
            connection: if is_final {
                Connection::Closed
            } else {
                Connection::Connecting
            },
        }
    }
}

impl Followed {
    fn new(view: View, by_name: bool) -> Self {
        let over = view.status.is_final().then_some(Connection::Closed);
        Self {
            view,
            is_unreadable: false,
            by_name,
            over,
            ended: None,
        }
    }

    fn show(&mut self, mut state: ProgressEvent) {
        if self.over.is_some() {
            return; // nothing comes after an end
        }
        self.is_unreadable = false;
        if state.status.is_final() {
            self.over = Some(Connection::Closed);
        } else {
            // An instance that was restarted may not know yet what another has told.
            let known = self.view.progress;
            state.processed_products = state.processed_products.max(known.processed_products);
            state.failed_products = state.failed_products.max(known.failed_products);
            if state.total_products == 0 {
                state.total_products = known.total_products;
            }
        }
        self.view.take(state);
    }

    fn refuse(&mut self, error: &Refusal) {
        if self.over.is_none() {
            self.view.error = Some(ProgressError::Refused(error.clone()));
            self.view.loading = false;
            self.over = Some(Connection::Refused);
        }
    }
}

impl Follower {
    /// Follows nothing yet.
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

    /// Follows one more job, from its recorded state. A job that is followed already stays as it is.
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

    /// Follows a job by its name no more. Where new ones are let in, it stays one of them.
    pub(super) fn unfollow(&mut self, job: &JobId) -> Action {
        if !self.wants_new {
            self.jobs.remove(job);
        } else if let Some(job) = self.jobs.get_mut(job) {
            job.by_name = false;
            self.let_go();
        }
        self.close_if_unwanted()
    }

    /// Lets new jobs in as they start, or no more.
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

    /// Returns what the stream is to be of: the unfinished jobs, and whether new ones are let in.
    pub(super) fn wanted(&self) -> (Vec<JobId>, bool) {
        let unfinished = self.jobs.iter().filter(|(_, job)| job.over.is_none());
        let is_over = self.phase == Phase::SignedOut;
        (
            unfinished.map(|(id, _)| id.clone()).collect(),
            self.wants_new && !is_over,
        )
    }

    /// Returns what to show now of a job.
    pub(super) fn view(&self, job: &JobId, now: Millis) -> Option<View> {
        self.jobs.get(job).map(|job| self.shown(job, now))
    }

    /// Returns what to show now of all jobs.
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

    /// Takes in what happened. `random` is a number from 0 to 1.
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
                Some(HeldBack { tried, patience }) if now - tried >= patience => {
                    self.try_another(now)
                }
                Some(_) => self.poll(now, POLL),
                None if now - self.last_heard >= self.timing.silence => self.ask(now),
                None => {
                    let patience = match connection {
                        Connection::Open => HELD_BACK,
                        _ => OPENING,
                    };
                    if !self
                        .unheard_since
                        .is_some_and(|since| now - since >= patience)
                    {
                        return Action::Wait;
                    }
                    self.held_back = Some(HeldBack {
                        tried: now,
                        patience: FIRST_TRIAL,
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

    /// Asks for the newest states, where that is due.
    fn poll(&mut self, now: Millis, interval: Millis) -> Action {
        if let Some(since) = self.polls.on_its_way {
            if now - since < ANSWER {
                return Action::Wait;
            }
            self.lost_since.get_or_insert(since);
        }
        let is_due = self.polls.next.is_some_and(|next| now >= next);
        // Of new ones alone there is nothing to ask.
        if !is_due || self.wanted().0.is_empty() {
            return Action::Wait;
        }
        self.polls = Polls {
            next: Some(now + interval),
            on_its_way: Some(now),
        };
        Action::Poll
    }

    fn stop_polls(&mut self) {
        self.polls = Polls::default();
    }

    /// Takes in what happened on the stream at a time that may be past.
    fn stream(&mut self, event: StreamEvent, at: Millis, now: Millis) -> Action {
        // What comes late, from a stream that has been given up, is no sign of life.
        let is_streaming = matches!(self.phase, Phase::Streaming(_));
        let speaks = event != StreamEvent::Opened;
        match event {
            StreamEvent::GivenUp if is_streaming => return self.ask(now),
            StreamEvent::Interrupted if is_streaming => {
                self.phase = Phase::Streaming(Connection::Reconnecting);
                self.lost_since.get_or_insert(at);
                self.last_heard = at; // the browser has just tried
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
                    self.let_go();
                }
            }
            StreamEvent::Heartbeat | StreamEvent::End => {}
        }
        let mut action = Action::Wait;
        // What is told again of a stream that is long silent is no sign of life either.
        if is_streaming && now - at < self.timing.silence {
            self.phase = Phase::Streaming(Connection::Open);
            self.was_open = true;
            self.last_heard = self.last_heard.max(at);
            // A proxy whose server is away may open streams too: they only tell when to come back.
            if speaks {
                self.lost_since = None;
                self.is_doubtful = false;
                action = self.spoken(at, now);
            }
        }
        match self.close_if_unwanted() {
            Action::Wait => action,
            other => other,
        }
    }

    /// Opens another stream in the place of one that is held back, and gives it more time.
    fn try_another(&mut self, now: Millis) -> Action {
        let patience = self
            .held_back
            .map_or(FIRST_TRIAL, |held_back| held_back.patience * 2.0);
        self.held_back = Some(HeldBack {
            tried: now,
            patience: patience.min(LONGEST_TRIAL),
        });
        self.renew(now)
    }

    /// Notes that the stream has spoken. One that did so late is believed when its successor does so in
    /// time: what is held back may come in bursts.
    fn spoken(&mut self, at: Millis, now: Millis) -> Action {
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
            Some(HeldBack { tried, patience }) if now - *tried >= *patience / 2.0 => {
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
                    self.let_go();
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

    /// Lets go of the jobs that nobody asked for by name and that ended the longest ago.
    fn let_go(&mut self) {
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
            // It is opened when the time has come, with the new one.
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

    /// Does without a stream, and asks for states now and then from that time on.
    fn set_aside(&mut self, first_poll: Millis) {
        self.phase = Phase::Aside;
        self.held_back = None;
        self.lost_since = None;
        self.polls = Polls {
            next: Some(first_poll),
            on_its_way: None,
        };
    }

    /// Gives the stream up that is there, and opens it anew.
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
            // The questions go on until the new stream speaks.
            let held_back = self.held_back.get_or_insert(HeldBack {
                tried: now,
                patience: FIRST_TRIAL,
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
        if !is_asked && self.polls.on_its_way.take().is_none() {
            return Action::Wait; // the stream came back meanwhile
        }
        let is_answered = answer.is_ok();
        match answer {
            Ok(states) => {
                for (id, job) in self.jobs.iter_mut() {
                    match states.iter().find(|(of, _)| of == id) {
                        Some((_, state)) => job.show(state.clone()),
                        None if asked.contains(id) => job.refuse(&Refusal::NotFound),
                        // It was not asked for: it has come since.
                        None => {}
                    }
                }
                self.let_go();
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
                // A server that can be asked is asked until the stream is there; one that cannot is left
                // alone for as long.
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

    /// Waits before the stream is opened anew: longer each time, and not for as long as others do.
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

impl Default for View {
    /// Shows a job of which nothing is known yet.
    fn default() -> Self {
        Self::new(ProgressEvent::default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::collections::BTreeMap;

    use super::*;
    use crate::model::refusal::Elsewhere;

    fn id(name: &str) -> JobId {
        name.parse().unwrap()
    }

    fn job(name: &str) -> ProductImportJob {
        ProductImportJob {
            filename: "shop.csv".to_owned(),
            total_products: Some(10),
            processed_products: 2,
            ..ProductImportJob::pending(id(name))
        }
    }

    fn state(processed: u64, status: ImportStatus) -> ProgressEvent {
        ProgressEvent {
            processed_products: processed,
            total_products: 10,
            status,
            ..ProgressEvent::default()
        }
    }

    fn message(processed: u64, status: ImportStatus) -> Event {
        Event::Stream(StreamEvent::Message {
            job: Some(id("7")),
            text: serde_json::to_string(&state(processed, status)).unwrap(),
        })
    }

    /// A state as a stream of many jobs brings it.
    fn tagged(job: &str, processed: u64, status: ImportStatus) -> Event {
        let mut text = serde_json::to_value(state(processed, status)).unwrap();
        text["jobId"] = job.into();
        Event::Stream(StreamEvent::Message {
            job: None,
            text: text.to_string(),
        })
    }

    fn opened() -> Event {
        Event::Stream(StreamEvent::Opened)
    }

    fn new_follower() -> Follower {
        Follower::new(Timing::of(&UseProgressOptions::default()))
    }

    fn open() -> Follower {
        let mut follower = new_follower();
        assert_eq!(follower.follow(&job("7"), 0.0), Action::Open);
        follower.step(opened(), 1.0, 0.0);
        follower
    }

    fn views(follower: &Follower, now: Millis) -> BTreeMap<JobId, View> {
        let shown = follower.views(now);
        shown.map(|(id, view)| (id.clone(), view)).collect()
    }

    fn view(follower: &Follower, now: Millis) -> View {
        follower.view(&id("7"), now).unwrap()
    }

    #[test]
    fn it_is_loading_until_the_first_state() {
        let mut follower = open();
        assert!(view(&follower, 1.0).loading);
        assert_eq!(view(&follower, 1.0).progress.processed_products, 2);
        follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
        let view = view(&follower, 2.0);
        assert!(!view.loading);
        assert_eq!(
            (view.progress.processed_products, view.connection),
            (3, Connection::Open)
        );
    }

    #[test]
    fn a_final_state_closes_the_stream() {
        let mut follower = open();
        let action = follower.step(message(10, ImportStatus::Success), 2.0, 0.0);
        assert_eq!(action, Action::Close);
        assert_eq!(view(&follower, 2.0).connection, Connection::Closed);
        let given_up = Event::Stream(StreamEvent::GivenUp);
        assert_eq!(follower.step(given_up, 3.0, 0.0), Action::Wait);
    }

    #[test]
    fn a_lost_connection_is_not_a_failed_job() {
        let mut follower = open();
        follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
        let interrupted = Event::Stream(StreamEvent::Interrupted);
        assert_eq!(follower.step(interrupted, 1_000.0, 0.0), Action::Wait);
        let at_once = view(&follower, 3_900.0);
        assert_eq!(
            (at_once.error, at_once.connection),
            (None, Connection::Open)
        );
        let later = view(&follower, 4_000.0);
        assert_eq!(later.error, Some(ProgressError::Connection));
        assert_eq!(later.connection, Connection::Reconnecting);
        assert_eq!(later.status, ImportStatus::Pending);
        // What only opens may be a proxy's own answer.
        follower.step(opened(), 5_000.0, 0.0);
        assert_eq!(
            view(&follower, 5_000.0).connection,
            Connection::Reconnecting
        );
        follower.step(Event::Stream(StreamEvent::Heartbeat), 5_001.0, 0.0);
        assert_eq!(view(&follower, 5_001.0).error, None);
        assert_eq!(view(&follower, 5_001.0).connection, Connection::Open);
    }

    #[test]
    fn unreadable_data_says_so_until_the_next_state() {
        let mut follower = open();
        let unreadable = Event::Stream(StreamEvent::Message {
            job: Some(id("7")),
            text: "{".to_owned(),
        });
        follower.step(unreadable, 2.0, 0.0);
        assert_eq!(view(&follower, 2.0).error, Some(ProgressError::Unreadable));
        follower.step(message(3, ImportStatus::Pending), 3.0, 0.0);
        assert_eq!(view(&follower, 3.0).error, None);
    }

    #[test]
    fn many_jobs_share_a_stream_until_the_last_is_over() {
        let mut follower = open();
        assert_eq!(follower.follow(&job("8"), 2.0), Action::Open);
        assert_eq!(follower.follow(&job("8"), 2.0), Action::Wait);
        assert_eq!(follower.wanted(), (vec![id("7"), id("8")], false));
        let action = follower.step(tagged("7", 10, ImportStatus::Success), 3.0, 0.0);
        assert_eq!(action, Action::Wait);
        assert_eq!(follower.wanted(), (vec![id("8")], false));
        assert_eq!(view(&follower, 3.0).status, ImportStatus::Success);
        let action = follower.step(tagged("8", 10, ImportStatus::Success), 3.0, 0.0);
        assert_eq!(action, Action::Close);
    }

    #[test]
    fn a_job_that_nobody_follows_any_more_closes_the_stream() {
        let mut follower = open();
        follower.follow(&job("8"), 2.0);
        assert_eq!(follower.unfollow(&id("7")), Action::Wait);
        assert_eq!(follower.unfollow(&id("8")), Action::Close);
        assert_eq!(follower.follow(&job("8"), 3.0), Action::Open);
    }

    #[test]
    fn new_jobs_are_let_in_where_they_are_wanted() {
        let mut follower = new_follower();
        assert_eq!(follower.want_new(true, 0.0), Action::Open);
        follower.step(opened(), 1.0, 0.0);
        follower.step(tagged("9", 4, ImportStatus::Pending), 2.0, 0.0);
        assert_eq!(
            views(&follower, 2.0)[&id("9")].progress.processed_products,
            4
        );
        let action = follower.step(tagged("9", 10, ImportStatus::Success), 3.0, 0.0);
        assert_eq!(action, Action::Wait, "others may come");
        assert_eq!(follower.want_new(false, 4.0), Action::Close);
    }

    #[test]
    fn how_the_server_stands_to_the_price_monitor_is_shown() {
        let mut follower = open();
        let upstream =
            |state: &str| Event::Stream(StreamEvent::Upstream(format!(r#"{{"state":"{state}"}}"#)));
        follower.step(upstream("POLLING"), 2.0, 0.0);
        assert_eq!(view(&follower, 2.0).connection, Connection::Polling);
        assert_eq!(view(&follower, 2.0).error, None);
        follower.step(upstream("REFUSED"), 3.0, 0.0);
        assert!(view(&follower, 3.0).error.is_some());
        follower.step(upstream("CONNECTED"), 4.0, 0.0);
        assert_eq!(view(&follower, 4.0).error, None);
        assert_eq!(view(&follower, 4.0).connection, Connection::Open);
    }

    #[test]
    fn a_refused_stream_is_asked_about_and_opened_again() {
        let mut follower = open();
        let given_up = Event::Stream(StreamEvent::GivenUp);
        assert_eq!(follower.step(given_up, 10.0, 0.0), Action::Ask);
        let answer = answered(Ok(vec![(id("7"), state(4, ImportStatus::Pending))]));
        assert_eq!(follower.step(answer, 20.0, 1.0), Action::Wait);
        assert_eq!(view(&follower, 20.0).progress.processed_products, 4);
        assert_eq!(follower.step(Event::Tick, 1_000.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 1_020.0, 0.0), Action::Open);
    }

    fn answered(answer: Answer) -> Event {
        Event::Answered {
            asked: vec![id("7")],
            answer,
        }
    }

    fn give_up(follower: &mut Follower, now: Millis, answer: Answer) -> Action {
        follower.step(Event::Stream(StreamEvent::GivenUp), now, 0.0);
        follower.step(answered(answer), now, 1.0)
    }

    #[test]
    fn the_delays_grow_and_end_at_once_when_the_browser_wakes() {
        let mut follower = open();
        let mut now = 0.0;
        for expected in [
            1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0, 30_000.0, 30_000.0,
        ] {
            give_up(&mut follower, now, Err(Refusal::Connection));
            assert_eq!(
                follower.step(Event::Tick, now + expected - 1.0, 0.0),
                Action::Wait
            );
            now += expected;
            assert_eq!(follower.step(Event::Tick, now, 0.0), Action::Open);
        }
        give_up(&mut follower, now, Err(Refusal::Connection));
        assert_eq!(follower.step(Event::Awake, now + 1.0, 0.0), Action::Open);
    }

    #[test]
    fn a_finished_a_missing_job_and_a_lost_session_are_ends() {
        let mut follower = open();
        let finished = Ok(vec![(id("7"), state(10, ImportStatus::Success))]);
        assert_eq!(give_up(&mut follower, 1.0, finished), Action::Close);
        assert_eq!(view(&follower, 2.0).status, ImportStatus::Success);
        for (answer, error) in [
            (Ok(Vec::new()), Refusal::NotFound),
            (Err(Refusal::SignedOut), Refusal::SignedOut),
            (
                Err(Refusal::Elsewhere(Elsewhere::Unreadable)),
                Refusal::Elsewhere(Elsewhere::Unreadable),
            ),
        ] {
            let mut follower = open();
            assert_eq!(give_up(&mut follower, 1.0, answer), Action::Close);
            let view = view(&follower, 2.0);
            assert_eq!(view.error, Some(ProgressError::Refused(error)));
            assert_eq!(view.connection, Connection::Refused);
        }
    }

    #[test]
    fn a_server_that_does_not_say_what_is_the_matter_is_not_waited_for() {
        let mut follower = open();
        let given_up = Event::Stream(StreamEvent::GivenUp);
        assert_eq!(follower.step(given_up, 10.0, 0.0), Action::Ask);
        assert_eq!(follower.step(Event::Tick, 10_009.0, 1.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 10_010.0, 1.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 11_010.0, 1.0), Action::Open);
        // What comes late changes nothing.
        let late = answered(Ok(Vec::new()));
        assert_eq!(follower.step(late, 12_000.0, 0.0), Action::Wait);
        assert_eq!(view(&follower, 12_000.0).status, ImportStatus::Pending);
    }

    #[test]
    fn a_browser_that_wakes_does_not_wait_for_an_answer() {
        let mut follower = open();
        follower.step(Event::Stream(StreamEvent::GivenUp), 10.0, 0.0);
        assert_eq!(follower.step(Event::Awake, 20.0, 0.0), Action::Open);
    }

    #[test]
    fn a_job_that_came_while_the_server_was_asked_is_not_missed_in_its_answer() {
        let mut follower = open();
        follower.step(Event::Stream(StreamEvent::GivenUp), 10.0, 0.0);
        follower.follow(&job("8"), 15.0);
        let answer = answered(Ok(vec![(id("7"), state(4, ImportStatus::Pending))]));
        follower.step(answer, 20.0, 0.0);
        assert_eq!(follower.view(&id("8"), 20.0).unwrap().error, None);
        assert_eq!(follower.wanted().0, [id("7"), id("8")]);
    }

    #[test]
    fn a_planned_end_of_the_stream_is_not_seen() {
        let mut follower = open();
        follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
        for round in 1..9 {
            let now = 10_000.0 * f64::from(round);
            follower.step(Event::Stream(StreamEvent::Interrupted), now, 0.0);
            assert_eq!(view(&follower, now + 2_000.0).connection, Connection::Open);
            follower.step(opened(), now + 2_500.0, 0.0);
            follower.step(Event::Stream(StreamEvent::Heartbeat), now + 2_510.0, 0.0);
            assert_eq!(view(&follower, now + 9_000.0).connection, Connection::Open);
        }
    }

    #[test]
    fn counts_do_not_go_backwards_while_a_job_runs() {
        let mut follower = open();
        follower.step(message(6, ImportStatus::Pending), 2.0, 0.0);
        follower.step(message(4, ImportStatus::Pending), 3.0, 0.0);
        assert_eq!(view(&follower, 3.0).progress.processed_products, 6);
        // An end is told as it is recorded.
        follower.step(message(5, ImportStatus::Error), 4.0, 0.0);
        assert_eq!(view(&follower, 4.0).progress.processed_products, 5);
    }

    #[test]
    fn a_job_that_is_followed_by_name_no_more_is_still_one_of_the_new_ones() {
        let mut follower = open();
        follower.want_new(true, 2.0);
        assert_eq!(follower.unfollow(&id("7")), Action::Wait);
        assert!(views(&follower, 3.0).contains_key(&id("7")));
        assert_eq!(follower.want_new(false, 4.0), Action::Close);
        assert!(views(&follower, 5.0).is_empty(), "nobody wants it any more");
    }

    #[test]
    fn jobs_that_were_let_in_are_not_kept_for_ever() {
        let mut follower = open();
        follower.want_new(true, 2.0);
        for number in 0..KEPT_ENDS + 50 {
            let name = format!("new-{number}");
            follower.step(tagged(&name, 4, ImportStatus::Pending), 3.0, 0.0);
            follower.step(tagged(&name, 10, ImportStatus::Success), 3.0, 0.0);
        }
        let views = views(&follower, 4.0);
        assert_eq!(views.len(), KEPT_ENDS + 1);
        assert!(views.contains_key(&id("7")), "it is followed by name");
        assert!(views.contains_key(&id("new-149")) && !views.contains_key(&id("new-49")));
    }

    #[test]
    fn silence_is_asked_about_but_a_browser_that_retries_is_left_alone() {
        let mut follower = open();
        let heartbeat = Event::Stream(StreamEvent::Heartbeat);
        follower.step(heartbeat, 30_000.0, 0.0);
        assert_eq!(follower.step(Event::Tick, 67_000.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 67_500.0, 0.0), Action::Ask);
        let mut follower = open();
        for second in 0..100 {
            let now = f64::from(second) * 1_000.0;
            let interrupted = Event::Stream(StreamEvent::Interrupted);
            assert_eq!(follower.step(interrupted, now, 0.0), Action::Wait);
            assert_eq!(follower.step(Event::Tick, now, 0.0), Action::Wait);
        }
    }

    #[test]
    fn how_patient_it_is_can_be_chosen() {
        use std::time::Duration;

        let options = UseProgressOptions::default()
            .reconnect(Duration::from_secs(5), Duration::from_secs(6))
            .stale_after(Duration::from_secs(90));
        let mut follower = Follower::new(Timing::of(&options));
        follower.follow(&job("7"), 0.0);
        follower.step(opened(), 0.0, 0.0);
        follower.step(message(3, ImportStatus::Pending), 0.0, 0.0);
        assert_eq!(follower.step(Event::Tick, 89_999.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 90_000.0, 0.0), Action::Ask);
        let mut now = 90_000.0;
        for expected in [5_000.0, 6_000.0, 6_000.0] {
            give_up(&mut follower, now, Err(Refusal::Connection));
            assert_eq!(
                follower.step(Event::Tick, now + expected - 1.0, 0.0),
                Action::Wait
            );
            now += expected;
            assert_eq!(follower.step(Event::Tick, now, 0.0), Action::Open);
        }
    }

    #[test]
    fn a_page_that_was_put_aside_opens_its_stream_when_it_is_back() {
        let mut follower = open();
        assert_eq!(follower.step(Event::Frozen, 2.0, 0.0), Action::Close);
        assert_eq!(follower.step(Event::Tick, 90_000.0, 0.0), Action::Open);
    }

    #[test]
    fn a_stream_that_opens_and_says_nothing_is_asked_in_the_place_of() {
        let mut follower = open();
        assert_eq!(follower.step(Event::Tick, 3_000.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 3_001.0, 0.0), Action::Poll);
        assert_eq!(view(&follower, 3_001.0).connection, Connection::Polling);
        // One question at a time.
        assert_eq!(follower.step(Event::Tick, 6_001.0, 0.0), Action::Wait);
        let answer = answered(Ok(vec![(id("7"), state(4, ImportStatus::Pending))]));
        assert_eq!(follower.step(answer.clone(), 6_500.0, 0.0), Action::Wait);
        let shown = view(&follower, 6_500.0);
        assert_eq!((shown.progress.processed_products, shown.error), (4, None));
        assert_eq!(follower.step(Event::Tick, 7_001.0, 0.0), Action::Poll);
        // Where the server cannot be asked either, that is said.
        let failed = answered(Err(Refusal::Connection));
        assert_eq!(follower.step(failed, 7_100.0, 0.0), Action::Wait);
        assert_eq!(
            view(&follower, 10_100.0).connection,
            Connection::Reconnecting
        );
        assert_eq!(follower.step(Event::Tick, 10_001.0, 0.0), Action::Poll);
        follower.step(answer, 10_200.0, 0.0);
        assert_eq!(view(&follower, 10_200.0).connection, Connection::Polling);
        // Another stream is tried now and then, and believed when it speaks.
        assert_eq!(follower.step(Event::Tick, 13_001.0, 0.0), Action::Renew);
        assert_eq!(follower.step(opened(), 13_100.0, 0.0), Action::Wait);
        assert_eq!(view(&follower, 13_100.0).connection, Connection::Polling);
        assert_eq!(follower.step(Event::Tick, 14_001.0, 0.0), Action::Poll);
        follower.step(message(5, ImportStatus::Pending), 14_100.0, 0.0);
        assert_eq!(view(&follower, 14_100.0).connection, Connection::Open);
        assert_eq!(follower.step(Event::Tick, 20_000.0, 0.0), Action::Wait);
    }

    #[test]
    fn a_stream_that_does_not_even_open_is_asked_in_the_place_of() {
        let mut follower = new_follower();
        follower.follow(&job("7"), 0.0);
        assert_eq!(follower.step(Event::Tick, 4_999.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 5_000.0, 0.0), Action::Poll);
        // One that the browser is getting back is left alone.
        let mut follower = open();
        follower.step(Event::Stream(StreamEvent::Interrupted), 10.0, 0.0);
        assert_eq!(follower.step(Event::Tick, 20_000.0, 0.0), Action::Wait);
    }

    #[test]
    fn a_stream_that_speaks_in_bursts_is_not_believed() {
        let mut follower = open();
        follower.step(Event::Tick, 4_000.0, 0.0);
        // Late, and too soon after the first try.
        let action = follower.step(message(5, ImportStatus::Pending), 6_000.0, 0.0);
        assert_eq!(action, Action::Wait);
        assert_eq!(view(&follower, 6_000.0).progress.processed_products, 5);
        assert_eq!(view(&follower, 6_000.0).connection, Connection::Polling);
        let action = follower.step(message(6, ImportStatus::Pending), 9_000.0, 0.0);
        assert_eq!(action, Action::Renew, "its successor may be well");
        follower.step(opened(), 9_100.0, 0.0);
        let action = follower.step(message(7, ImportStatus::Pending), 15_000.0, 0.0);
        assert_eq!(action, Action::Wait, "it has twice as long");
        assert_eq!(view(&follower, 15_000.0).connection, Connection::Polling);
    }

    #[test]
    fn a_refused_stream_whose_server_answers_is_asked_in_the_place_of() {
        let mut follower = open();
        let pending = |count| Ok(vec![(id("7"), state(count, ImportStatus::Pending))]);
        for (round, delay) in [(0, 1_000.0), (1, 2_000.0), (2, 4_000.0)] {
            let now = f64::from(round) * 10_000.0;
            give_up(&mut follower, now, pending(3));
            if delay > POLL {
                assert_eq!(follower.step(Event::Tick, now + 2_999.0, 0.0), Action::Poll);
                follower.step(answered(pending(9)), now + 3_000.0, 0.0);
                assert_eq!(
                    view(&follower, now + 3_000.0).progress.processed_products,
                    9
                );
            }
            assert_eq!(follower.step(Event::Tick, now + delay, 0.0), Action::Open);
        }
    }

    #[test]
    fn what_is_told_again_is_as_old_as_the_stream_itself() {
        let mut follower = open();
        let repeated = |event, age| Event::Repeated { event, age };
        let told = StreamEvent::Heartbeat;
        follower.step(repeated(told.clone(), 0.0), 10_000.0, 0.0);
        follower.step(repeated(told.clone(), 20_000.0), 30_000.0, 0.0);
        follower.step(repeated(told, 30_000.0), 40_000.0, 0.0);
        assert_eq!(follower.step(Event::Tick, 47_499.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 47_500.0, 0.0), Action::Ask);
        // One that was opened long ago and has said nothing is held back.
        let mut follower = new_follower();
        follower.follow(&job("7"), 0.0);
        follower.step(repeated(StreamEvent::Opened, 5_000.0), 100.0, 0.0);
        assert_eq!(follower.step(Event::Tick, 200.0, 0.0), Action::Poll);
    }

    #[test]
    fn that_the_browser_is_offline_is_believed_at_once() {
        let mut follower = open();
        follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
        assert_eq!(follower.step(Event::Offline, 10.0, 0.0), Action::Wait);
        assert_eq!(view(&follower, 10.0).connection, Connection::Reconnecting);
        // The connection may be gone and nobody knows: a new one is made.
        assert_eq!(follower.step(Event::Awake, 5_000.0, 0.0), Action::Renew);
        follower.step(opened(), 5_010.0, 0.0);
        follower.step(message(3, ImportStatus::Pending), 5_010.0, 0.0);
        assert_eq!(view(&follower, 5_010.0).connection, Connection::Open);
        // What still comes, from this machine itself, is worth more than what the browser says.
        follower.step(Event::Offline, 6_000.0, 0.0);
        follower.step(message(4, ImportStatus::Pending), 6_010.0, 0.0);
        assert_eq!(view(&follower, 6_010.0).connection, Connection::Open);
        assert_eq!(follower.step(Event::Awake, 7_000.0, 0.0), Action::Wait);
    }

    #[test]
    fn a_hidden_page_that_gives_its_stream_up_asks_now_and_then() {
        let mut follower = open();
        follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
        assert_eq!(follower.step(Event::Hidden, 10.0, 0.0), Action::Close);
        assert_eq!(follower.follow(&job("8"), 20.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 1_000.0, 0.0), Action::Poll);
        let answer = answered(Ok(vec![(id("7"), state(9, ImportStatus::Pending))]));
        follower.step(answer, 1_100.0, 0.0);
        assert_eq!(view(&follower, 1_100.0).progress.processed_products, 9);
        assert_eq!(follower.step(Event::Tick, 15_999.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 16_000.0, 0.0), Action::Poll);
        assert_eq!(follower.step(Event::Awake, 17_000.0, 0.0), Action::Open);
        assert_eq!(follower.wanted().0, [id("7"), id("8")]);
        // And one that was opened in the background has none to begin with.
        let mut follower = new_follower();
        follower.step(Event::Hidden, 0.0, 0.0);
        assert_eq!(follower.follow(&job("7"), 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 1_000.0, 0.0), Action::Poll);
        assert_eq!(follower.step(Event::Awake, 2_000.0, 0.0), Action::Open);
    }

    /// How a stream fares on its way.
    #[derive(Clone, Copy, Debug)]
    enum Way {
        /// What is sent comes.
        Clear,
        /// It opens, and nothing comes.
        HeldBack,
        /// It does not open.
        Shut,
        /// It opens, and what is sent comes once in so many steps.
        InBursts(u32),
        /// It is refused.
        Refused,
    }

    fn any_way() -> impl Strategy<Value = Way> {
        prop_oneof![
            Just(Way::Clear),
            Just(Way::HeldBack),
            Just(Way::Shut),
            (35..300u32).prop_map(Way::InBursts),
            Just(Way::Refused),
        ]
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let answer = |processed, status| Ok(vec![(id("7"), state(processed, status))]);
        prop_oneof![
            Just(opened()),
            (0..10u64).prop_map(|n| message(n, ImportStatus::Pending)),
            (0..10u64).prop_map(|n| tagged("7", n, ImportStatus::Pending)),
            Just(message(10, ImportStatus::Success)),
            ".{0,5}".prop_map(|text| Event::Stream(StreamEvent::Message { job: None, text })),
            Just(Event::Stream(StreamEvent::Heartbeat)),
            Just(Event::Stream(StreamEvent::Interrupted)),
            Just(Event::Stream(StreamEvent::GivenUp)),
            Just(Event::Stream(StreamEvent::End)),
            Just(answered(answer(5, ImportStatus::Pending))),
            Just(answered(Err(Refusal::Connection))),
            Just(answered(Err(Refusal::SignedOut))),
            Just(Event::Tick),
            Just(Event::Awake),
            Just(Event::Frozen),
            Just(Event::Offline),
            Just(Event::Hidden),
            (0.0..60_000.0).prop_map(|age| Event::Repeated {
                event: StreamEvent::Opened,
                age
            }),
            (0.0..60_000.0).prop_map(|age| Event::Repeated {
                event: StreamEvent::Heartbeat,
                age
            }),
        ]
    }

    /// Drives a follower on streams that fare so, one after the other, for two minutes in steps of a tenth
    /// of a second. The server counts one product a step, and answers questions within `latency` steps.
    /// Returns how old the counts that were shown were at the most, in steps.
    fn oldest_shown(ways: &[Way], latency: u32) -> u64 {
        const STEPS: u32 = 1_200;
        let mut follower = new_follower();
        let mut ways = ways.iter().copied().cycle();
        let (mut way, mut opened_at): (Option<Way>, u32) = (None, 0);
        let mut answer_at: Option<u32> = None;
        let mut oldest = 0;
        let state_at = |step: u32| {
            let mut state = state(u64::from(step), ImportStatus::Pending);
            state.total_products = 100_000;
            state
        };
        let mut action = follower.follow(&job("7"), 0.0);
        for step in 0..STEPS {
            let now = f64::from(step) * 100.0;
            let mut events = Vec::new();
            if answer_at == Some(step) {
                answer_at = None;
                events.push(answered(Ok(vec![(id("7"), state_at(step))])));
            }
            if step % 10 == 0 {
                events.push(Event::Tick);
            }
            match way {
                Some(Way::Refused) if step == opened_at => {
                    way = None;
                    events.push(Event::Stream(StreamEvent::GivenUp));
                }
                Some(Way::Clear | Way::HeldBack | Way::InBursts(_)) if step == opened_at => {
                    events.push(opened());
                }
                _ => {}
            }
            let since = step.checked_sub(opened_at);
            let speaks = match (way, since) {
                (Some(Way::Clear), Some(_)) => true,
                (Some(Way::InBursts(every)), Some(since)) => since > 0 && since % every == 0,
                _ => false,
            };
            if speaks {
                let text = serde_json::to_string(&state_at(step)).unwrap();
                let job = Some(id("7"));
                events.push(Event::Stream(StreamEvent::Message { job, text }));
            }
            let mut actions = vec![std::mem::replace(&mut action, Action::Wait)];
            for event in events {
                // A stream that has been given up in this very step is not heard any more.
                let is_given_up = actions
                    .iter()
                    .any(|it| *it != Action::Wait && *it != Action::Poll);
                if is_given_up && matches!(event, Event::Stream(_)) {
                    continue;
                }
                actions.push(follower.step(event, now, 0.5));
            }
            for action in actions {
                match action {
                    Action::Open | Action::Renew => {
                        way = ways.next();
                        opened_at = step + 1;
                    }
                    Action::Ask => {
                        way = None;
                        answer_at.get_or_insert(step + latency);
                    }
                    Action::Poll => {
                        answer_at.get_or_insert(step + latency);
                    }
                    Action::Close => way = None,
                    Action::Wait => {}
                }
            }
            let shown = view(&follower, now);
            // The first question is asked when the stream has had its time.
            if step > 70 {
                oldest = oldest.max(u64::from(step) - shown.progress.processed_products);
            }
        }
        oldest
    }

    proptest! {
        #[test]
        fn however_streams_fare_the_counts_are_never_older_than_five_seconds(
            ways in proptest::collection::vec(any_way(), 1..8),
            latency in 1..8u32,
        ) {
            let oldest = oldest_shown(&ways, latency);
            prop_assert!(oldest <= 50, "{oldest} tenths of a second");
        }

        #[test]
        fn whatever_happens_it_never_stops_short_of_an_end(
            events in proptest::collection::vec((any_event(), 0.0..5_000.0), 0..60),
        ) {
            let mut follower = new_follower();
            follower.follow(&job("7"), 0.0);
            let mut now = 0.0;
            for (event, passed) in events {
                now += passed;
                follower.step(event, now, 0.5);
                // An unfinished job always has a stream, or something that will open one.
                let connection = view(&follower, now).connection;
                let is_over = matches!(connection, Connection::Closed | Connection::Refused);
                let wanted = !follower.wanted().0.is_empty();
                prop_assert_eq!(is_over, !wanted);
                let waits = matches!(
                    follower.phase,
                    Phase::Streaming(_)
                        | Phase::Asking { .. }
                        | Phase::Waiting { .. }
                        | Phase::Aside
                );
                prop_assert_eq!(waits, wanted);
            }
        }
    }
}
