//! The tab leader: holds the stream for all tabs of the browser (pure: no browser, no clock).

use litemap::LiteMap;

use super::{
    follower::{Millis, StreamEvent},
    wire::job_of,
};
use crate::model::{job::JobId, progress::JobsPerStream};

/// What one tab wants from the stream.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Wants {
    /// The jobs it follows.
    pub(super) jobs: Vec<JobId>,
    /// Whether it wants new jobs as they start.
    pub(super) new: bool,
}

/// Maximum bytes of job IDs in a URL: servers and proxies limit its length.
const MAX_NAMES: usize = 4_000;
/// A tab without a message for so long is gone. Browsers wake a hidden tab once a minute.
const GONE: Millis = 5.0 * 60_000.0;

impl Wants {
    /// Returns whether nothing is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && !self.new
    }
}

/// Returns the first jobs, as many as fit into one request.
pub(super) fn as_many_as_fit<'a>(
    most: JobsPerStream,
    jobs: impl IntoIterator<Item = &'a JobId>,
) -> impl Iterator<Item = &'a JobId> {
    let mut left = MAX_NAMES;
    jobs.into_iter().take(most.0).take_while(move |job| {
        let fits = left.checked_sub(job.as_str().len() + 1);
        left = fits.unwrap_or_default();
        fits.is_some()
    })
}

/// What to do with the stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Order {
    /// Nothing.
    Nothing,
    /// Open it for these jobs.
    Open(Wants),
    /// It is open: repeat its events to the tab, with the time since the last one.
    Repeat(Vec<StreamEvent>, Millis),
    /// Close it.
    Close,
}

/// The state of the tab leader.
#[derive(Debug, Default)]
pub(super) struct TabLeader {
    most: JobsPerStream,
    /// Time without an event after which the stream is dead.
    silence: Millis,
    tabs: LiteMap<String, (Wants, Millis)>,
    /// What the stream was opened for, if there is one.
    streaming: Option<Wants>,
    is_open: bool,
    /// When the stream had its last event or was opened.
    heard: Millis,
    /// Whether the stream has had an event since it is open.
    has_data: bool,
    upstream: Option<String>,
    /// The newest message of each job.
    newest: LiteMap<JobId, String>,
}

impl TabLeader {
    /// Creates one for streams of so many jobs at most, which are dead after this time without an event.
    pub(super) fn new(most: JobsPerStream, silence: Millis) -> Self {
        Self {
            most,
            silence,
            ..Self::default()
        }
    }

    /// Notes what a tab wants now.
    pub(super) fn want(&mut self, tab: String, wants: Wants, now: Millis) -> Order {
        self.tabs.retain(|_, (_, heard)| now - *heard < GONE);
        if wants.is_empty() {
            self.tabs.remove(&tab);
            return if self.tabs.is_empty() && self.streaming.is_some() {
                self.closed();
                Order::Close
            } else {
                Order::Nothing
            };
        }
        self.tabs.insert(tab, (wants.clone(), now));
        let all = self.all();
        if self.covers(&all) && !self.is_dead(now) {
            return self.repeat(&wants, now);
        }
        self.open(all, now)
    }

    /// Reopens a dead stream. The pings of other tabs call this, because a hidden tab's own timers may be paused.
    pub(super) fn check(&mut self, now: Millis) -> Order {
        match &self.streaming {
            Some(streaming) if self.is_dead(now) => self.open(streaming.clone(), now),
            _ => Order::Nothing,
        }
    }

    fn is_dead(&self, now: Millis) -> bool {
        now - self.heard >= self.silence
    }

    fn open(&mut self, wants: Wants, now: Millis) -> Order {
        self.is_open = false;
        self.has_data = false;
        self.heard = now;
        self.streaming = Some(wants.clone());
        Order::Open(wants)
    }

    /// Notes an event of the stream, for tabs that join later.
    pub(super) fn heard(&mut self, event: &StreamEvent, now: Millis) {
        self.heard = now;
        self.has_data |= self.is_open;
        match event {
            StreamEvent::Opened => {
                self.is_open = true;
                self.has_data = false;
                self.upstream = None;
            }
            StreamEvent::Message { job, text } => {
                if let Some(job) = job.clone().or_else(|| job_of(text)) {
                    self.newest.insert(job, text.clone());
                }
            }
            StreamEvent::Upstream(text) => self.upstream = Some(text.clone()),
            StreamEvent::Interrupted => self.is_open = false,
            StreamEvent::GivenUp | StreamEvent::End => self.closed(),
            StreamEvent::Heartbeat | StreamEvent::NotFound(_) => {}
        }
    }

    fn closed(&mut self) {
        self.streaming = None;
        self.is_open = false;
        self.newest.clear();
    }

    fn covers(&self, wants: &Wants) -> bool {
        self.streaming.as_ref().is_some_and(|streaming| {
            (streaming.new || !wants.new)
                && wants.jobs.iter().all(|job| streaming.jobs.contains(job))
        })
    }

    fn all(&self) -> Wants {
        let mut jobs = LiteMap::new_vec();
        let mut new = false;
        for (wants, _) in self.tabs.values() {
            new |= wants.new;
            for job in &wants.jobs {
                jobs.insert(job, ());
            }
        }
        let jobs = as_many_as_fit(self.most, jobs.keys().copied());
        Wants {
            jobs: jobs.cloned().collect(),
            new,
        }
    }

    fn repeat(&self, wants: &Wants, now: Millis) -> Order {
        if !self.is_open {
            return Order::Nothing; // the tab gets its events once it is open
        }
        let is_wanted = |(job, _): &(&JobId, _)| wants.new || wants.jobs.contains(job);
        let newest = self.newest.iter().filter(is_wanted);
        let states = newest.map(|(job, text)| StreamEvent::Message {
            job: Some(job.clone()),
            text: text.clone(),
        });
        let upstream = self.upstream.clone().map(StreamEvent::Upstream);
        // Shows a tab that gets no state that the stream is alive.
        let heartbeat = self.has_data.then_some(StreamEvent::Heartbeat);
        let events = std::iter::once(StreamEvent::Opened)
            .chain(states)
            .chain(upstream)
            .chain(heartbeat);
        Order::Repeat(events.collect(), now - self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(jobs: &[&str]) -> Wants {
        Wants {
            jobs: jobs.iter().map(|job| job.parse().unwrap()).collect(),
            new: false,
        }
    }

    const SILENCE: Millis = 37_500.0;

    fn leader() -> TabLeader {
        TabLeader::new(JobsPerStream::default(), SILENCE)
    }

    fn state(job: &str) -> StreamEvent {
        StreamEvent::Message {
            job: Some(job.parse().unwrap()),
            text: "{}".to_owned(),
        }
    }

    #[test]
    fn the_stream_is_of_what_all_tabs_want_together() {
        let mut leader = leader();
        let order = leader.want("one".to_owned(), wants(&["a"]), 0.0);
        assert_eq!(order, Order::Open(wants(&["a"])));
        let order = leader.want("two".to_owned(), wants(&["b"]), 1.0);
        assert_eq!(order, Order::Open(wants(&["a", "b"])));
        let order = leader.want("three".to_owned(), wants(&["a"]), 2.0);
        assert_eq!(order, Order::Nothing, "it is being opened");
    }

    #[test]
    fn a_tab_that_comes_later_is_told_what_the_others_know() {
        let mut leader = leader();
        leader.want("one".to_owned(), wants(&["a", "b"]), 0.0);
        leader.heard(&StreamEvent::Opened, 0.0);
        leader.heard(&state("a"), 0.0);
        leader.heard(&state("b"), 0.0);
        let order = leader.want("two".to_owned(), wants(&["b"]), 1.0);
        let told = vec![StreamEvent::Opened, state("b"), StreamEvent::Heartbeat];
        assert_eq!(order, Order::Repeat(told, 1.0));
    }

    #[test]
    fn the_stream_is_closed_when_the_last_tab_wants_nothing() {
        let mut leader = leader();
        leader.want("one".to_owned(), wants(&["a"]), 0.0);
        leader.want("two".to_owned(), wants(&["a"]), 0.0);
        assert_eq!(
            leader.want("one".to_owned(), wants(&[]), 1.0),
            Order::Nothing
        );
        assert_eq!(leader.want("two".to_owned(), wants(&[]), 1.0), Order::Close);
        assert_eq!(
            leader.want("two".to_owned(), wants(&[]), 1.0),
            Order::Nothing
        );
    }

    #[test]
    fn a_refused_stream_is_opened_again_when_a_tab_asks() {
        let mut leader = leader();
        leader.want("one".to_owned(), wants(&["a"]), 0.0);
        leader.heard(&StreamEvent::GivenUp, 0.0);
        let order = leader.want("one".to_owned(), wants(&["a"]), 1.0);
        assert_eq!(order, Order::Open(wants(&["a"])));
        assert_eq!(
            leader.want("two".to_owned(), wants(&["a"]), 1.0),
            Order::Nothing
        );
    }

    #[test]
    fn more_jobs_than_a_stream_takes_do_not_have_it_opened_again_and_again() {
        let names: Vec<_> = (0..80).map(|number| format!("{number:03}")).collect();
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut leader = TabLeader::new(JobsPerStream(50), SILENCE);
        let order = leader.want("one".to_owned(), wants(&names), 0.0);
        assert_eq!(order, Order::Open(wants(&names[..50])));
        leader.heard(&StreamEvent::Opened, 0.0);
        let order = leader.want("one".to_owned(), wants(&names), 1.0);
        assert_eq!(order, Order::Repeat(vec![StreamEvent::Opened], 1.0));
        // When one is over there is room for another.
        names.remove(0);
        let order = leader.want("one".to_owned(), wants(&names), 2.0);
        assert_eq!(order, Order::Open(wants(&names[..50])));
    }

    #[test]
    fn an_address_does_not_grow_without_end() {
        let long = "x".repeat(JobId::MAX_LEN - 3);
        let names: Vec<_> = (0..100)
            .map(|number| format!("{number:03}{long}"))
            .collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let jobs = wants(&names).jobs;
        let fit: Vec<_> = as_many_as_fit(JobsPerStream::default(), &jobs).collect();
        let length: usize = fit.iter().map(|job| job.as_str().len() + 1).sum();
        assert!(length <= MAX_NAMES && length + JobId::MAX_LEN + 1 > MAX_NAMES);
    }

    #[test]
    fn what_is_told_again_is_no_sign_of_life_and_a_dead_stream_is_opened_anew() {
        let mut leader = leader();
        leader.want("one".to_owned(), wants(&["a"]), 0.0);
        leader.heard(&StreamEvent::Opened, 10.0);
        leader.heard(&state("a"), 20.0);
        for now in [10_000.0, 20_000.0, 30_000.0] {
            let Order::Repeat(_, age) = leader.want("two".to_owned(), wants(&["a"]), now) else {
                panic!("the stream is there");
            };
            assert_eq!(age, now - 20.0);
        }
        assert_eq!(leader.check(30_000.0), Order::Nothing);
        let late = 20.0 + SILENCE;
        let order = leader.want("two".to_owned(), wants(&["a"]), late);
        assert_eq!(order, Order::Open(wants(&["a"])));
        let order = leader.want("two".to_owned(), wants(&["a"]), late + 1.0);
        assert_eq!(order, Order::Nothing, "it is being opened");
        let order = leader.check(late + SILENCE);
        assert_eq!(order, Order::Open(wants(&["a"])));
    }

    #[test]
    fn a_tab_that_is_gone_is_forgotten() {
        let mut leader = leader();
        leader.want("one".to_owned(), wants(&["a"]), 0.0);
        let order = leader.want("two".to_owned(), wants(&["b"]), GONE);
        assert_eq!(order, Order::Open(wants(&["b"])));
    }
}
