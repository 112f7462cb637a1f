//! What becomes of the view of a job when something happens to its event stream (pure: no browser,
//! no clock).

use crate::{
    api::ApiError,
    hooks::Connection,
    job::{ImportProgress, ImportStatus, ProductImportJob, ProgressEvent},
};

/// A time or a span of it in milliseconds, as the browser's clock gives it.
pub(super) type Millis = f64;

/// The server sends something at least every 15 s; two and a half times that is silence.
const SILENCE: Millis = 2.5 * 15_000.0;
/// A gap shorter than this is not worth a word: streams end now and then by design.
const SHORT_GAP: Millis = 3_000.0;
const FIRST_DELAY: Millis = 1_000.0;
const LONGEST_DELAY: Millis = 30_000.0;

/// What a page shows of a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) progress: ImportProgress,
    pub(super) status: ImportStatus,
    pub(super) error: Option<String>,
    pub(super) loading: bool,
    pub(super) connection: Connection,
}

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The stream is open.
    Opened,
    /// A state came.
    Message(String),
    /// A sign of life came.
    Heartbeat,
    /// The stream broke, and the browser is getting it back.
    Interrupted,
    /// The stream was refused; the browser has given it up.
    GivenUp,
    /// The server said what is the matter.
    Answered(Result<ProgressEvent, ApiError>),
    /// Time has passed.
    Tick,
    /// The browser came online, or the page became visible.
    Awake,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// Nothing.
    Wait,
    /// Open the stream.
    Open,
    /// Close the stream and ask the server what is the matter.
    Ask,
    /// Close the stream for good.
    Finish,
}

/// Follows one job.
#[derive(Debug)]
pub(super) struct Follower {
    view: View,
    phase: Phase,
    last_heard: Millis,
    lost_since: Option<Millis>,
    is_unreadable: bool,
    attempts: i32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// The stream is the browser's to open, keep and get back.
    Streaming(Connection),
    /// The server is being asked.
    Asking,
    /// The stream is to be opened anew at this time.
    Waiting { until: Millis },
    /// Nothing more will come.
    Done(Connection),
}

impl View {
    /// Shows a job as it is recorded.
    pub(super) fn of(job: &ProductImportJob) -> Self {
        let is_final = job.status.is_final();
        Self {
            progress: job.progress(),
            status: job.status,
            error: job.error.clone(),
            loading: !is_final,
            connection: if is_final {
                Connection::Closed
            } else {
                Connection::Connecting
            },
        }
    }
}

impl Follower {
    /// Begins with the recorded state of an unfinished job, whose stream is being opened.
    pub(super) fn new(job: &ProductImportJob, now: Millis) -> Self {
        Self {
            view: View::of(job),
            phase: Phase::Streaming(Connection::Connecting),
            last_heard: now,
            lost_since: None,
            is_unreadable: false,
            attempts: 0,
        }
    }

    /// Returns what to show now.
    pub(super) fn view(&self, now: Millis) -> View {
        let connection = match self.phase {
            Phase::Streaming(connection) | Phase::Done(connection) => connection,
            Phase::Asking | Phase::Waiting { .. } => Connection::Reconnecting,
        };
        let is_lost = self
            .lost_since
            .is_some_and(|since| now - since >= SHORT_GAP);
        let error = match &self.view.error {
            Some(error) => Some(error.clone()),
            None if self.is_unreadable => Some("Failed to parse progress data".to_owned()),
            None if is_lost => Some("Connection error".to_owned()),
            None => None,
        };
        View {
            connection,
            error,
            ..self.view.clone()
        }
    }

    /// Takes in what happened. `random` is a number from 0 to 1.
    pub(super) fn step(&mut self, event: Event, now: Millis, random: f64) -> Action {
        if let Phase::Done(_) = self.phase {
            return Action::Wait;
        }
        match event {
            Event::Opened => {
                self.phase = Phase::Streaming(Connection::Open);
                self.heard(now);
                Action::Wait
            }
            Event::Message(text) => {
                self.heard(now);
                self.attempts = 0;
                match serde_json::from_str(&text) {
                    Ok(state) => self.show(state),
                    Err(_) => {
                        self.is_unreadable = true;
                        Action::Wait
                    }
                }
            }
            Event::Heartbeat => {
                self.heard(now);
                Action::Wait
            }
            Event::Interrupted => {
                self.phase = Phase::Streaming(Connection::Reconnecting);
                self.lost(now);
                self.last_heard = now; // the browser has just tried
                Action::Wait
            }
            Event::GivenUp => self.ask(now),
            Event::Answered(answer) => self.answered(answer, now, random),
            Event::Tick => match self.phase {
                Phase::Streaming(_) if now - self.last_heard >= SILENCE => self.ask(now),
                Phase::Waiting { until } if now >= until => self.reopen(now),
                _ => Action::Wait,
            },
            Event::Awake => match self.phase {
                Phase::Waiting { .. } => self.reopen(now),
                _ => Action::Wait,
            },
        }
    }

    fn heard(&mut self, now: Millis) {
        self.last_heard = now;
        self.lost_since = None;
    }

    fn lost(&mut self, now: Millis) {
        self.lost_since.get_or_insert(now);
    }

    fn ask(&mut self, now: Millis) -> Action {
        self.lost(now);
        self.phase = Phase::Asking;
        Action::Ask
    }

    fn reopen(&mut self, now: Millis) -> Action {
        self.last_heard = now;
        self.phase = Phase::Streaming(Connection::Reconnecting);
        Action::Open
    }

    fn show(&mut self, state: ProgressEvent) -> Action {
        self.is_unreadable = false;
        self.view.progress = state.progress();
        self.view.status = state.status;
        self.view.error = state.error;
        self.view.loading = false;
        if state.status.is_final() {
            self.lost_since = None;
            self.phase = Phase::Done(Connection::Closed);
            return Action::Finish;
        }
        Action::Wait
    }

    fn answered(
        &mut self,
        answer: Result<ProgressEvent, ApiError>,
        now: Millis,
        random: f64,
    ) -> Action {
        if self.phase != Phase::Asking {
            return Action::Wait; // the stream came back meanwhile
        }
        match answer {
            Ok(state) if state.status.is_final() => return self.show(state),
            Err(error @ (ApiError::SignedOut | ApiError::NotFound)) => {
                self.view.error = Some(error.to_string());
                self.view.loading = false;
                self.phase = Phase::Done(Connection::Refused);
                return Action::Finish;
            }
            Ok(state) => {
                self.show(state);
            }
            Err(_) => {}
        }
        let longest = (FIRST_DELAY * 2_f64.powi(self.attempts)).min(LONGEST_DELAY);
        self.attempts = (self.attempts + 1).min(10);
        self.phase = Phase::Waiting {
            until: now + longest * (0.5 + random / 2.0),
        };
        Action::Wait
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn job() -> ProductImportJob {
        ProductImportJob {
            id: "7".parse().unwrap(),
            filename: "shop.csv".to_owned(),
            status: ImportStatus::Pending,
            error: None,
            total_products: Some(10),
            processed_products: 2,
            failed_products: 0,
            failed_product_skus: Vec::new(),
            created_at: 0,
            updated_at: 0,
            completed_at: None,
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
        Event::Message(serde_json::to_string(&state(processed, status)).unwrap())
    }

    fn open() -> Follower {
        let mut follower = Follower::new(&job(), 0.0);
        follower.step(Event::Opened, 1.0, 0.0);
        follower
    }

    #[test]
    fn it_is_loading_until_the_first_state() {
        let mut follower = open();
        assert!(follower.view(1.0).loading);
        assert_eq!(follower.view(1.0).progress.processed_products, 2);
        follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
        let view = follower.view(2.0);
        assert!(!view.loading);
        assert_eq!(
            (view.progress.processed_products, view.connection),
            (3, Connection::Open)
        );
    }

    #[test]
    fn a_final_state_finishes() {
        let mut follower = open();
        let action = follower.step(message(10, ImportStatus::Success), 2.0, 0.0);
        assert_eq!(action, Action::Finish);
        assert_eq!(follower.view(2.0).connection, Connection::Closed);
        assert_eq!(follower.step(Event::GivenUp, 3.0, 0.0), Action::Wait);
    }

    #[test]
    fn a_lost_connection_is_not_a_failed_job() {
        let mut follower = open();
        follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
        assert_eq!(
            follower.step(Event::Interrupted, 1_000.0, 0.0),
            Action::Wait
        );
        let view = follower.view(1_100.0);
        assert_eq!(
            (view.error, view.connection),
            (None, Connection::Reconnecting)
        );
        let view = follower.view(4_000.0);
        assert_eq!(view.error.as_deref(), Some("Connection error"));
        assert_eq!(view.status, ImportStatus::Pending);
        follower.step(Event::Opened, 5_000.0, 0.0);
        assert_eq!(follower.view(5_000.0).error, None);
    }

    #[test]
    fn unreadable_data_says_so_until_the_next_state() {
        let mut follower = open();
        follower.step(Event::Message("{".to_owned()), 2.0, 0.0);
        assert_eq!(
            follower.view(2.0).error.as_deref(),
            Some("Failed to parse progress data")
        );
        follower.step(message(3, ImportStatus::Pending), 3.0, 0.0);
        assert_eq!(follower.view(3.0).error, None);
    }

    #[test]
    fn a_refused_stream_is_asked_about_and_opened_again() {
        let mut follower = open();
        assert_eq!(follower.step(Event::GivenUp, 10.0, 0.0), Action::Ask);
        let answer = Event::Answered(Ok(state(4, ImportStatus::Pending)));
        assert_eq!(follower.step(answer, 20.0, 1.0), Action::Wait);
        assert_eq!(follower.view(20.0).progress.processed_products, 4);
        assert_eq!(follower.step(Event::Tick, 1_000.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 1_020.0, 0.0), Action::Open);
    }

    #[test]
    fn the_delays_grow_and_end_at_once_when_the_browser_wakes() {
        let mut follower = open();
        let mut now = 10.0;
        for longest in [
            1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0, 30_000.0, 30_000.0,
        ] {
            follower.step(Event::GivenUp, now, 0.0);
            follower.step(Event::Answered(Err(ApiError::Connection)), now, 1.0);
            assert_eq!(
                follower.step(Event::Tick, now + longest - 1.0, 0.0),
                Action::Wait
            );
            assert_eq!(follower.step(Event::Tick, now + longest, 0.0), Action::Open);
            now += longest;
        }
        follower.step(Event::GivenUp, now, 0.0);
        follower.step(Event::Answered(Err(ApiError::Internal)), now, 1.0);
        assert_eq!(follower.step(Event::Awake, now + 1.0, 0.0), Action::Open);
    }

    #[test]
    fn signed_out_and_not_found_are_final() {
        for error in [ApiError::SignedOut, ApiError::NotFound] {
            let mut follower = open();
            follower.step(Event::GivenUp, 10.0, 0.0);
            let action = follower.step(Event::Answered(Err(error.clone())), 20.0, 0.0);
            assert_eq!(action, Action::Finish);
            let view = follower.view(20.0);
            assert_eq!(
                (view.connection, view.error),
                (Connection::Refused, Some(error.to_string()))
            );
        }
    }

    #[test]
    fn silence_is_asked_about_but_a_browser_that_retries_is_left_alone() {
        let mut follower = open();
        follower.step(Event::Heartbeat, 30_000.0, 0.0);
        assert_eq!(follower.step(Event::Tick, 67_000.0, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, 67_500.0, 0.0), Action::Ask);
        let mut follower = open();
        for second in 0..100 {
            let now = f64::from(second) * 1_000.0;
            assert_eq!(follower.step(Event::Interrupted, now, 0.0), Action::Wait);
            assert_eq!(follower.step(Event::Tick, now, 0.0), Action::Wait);
        }
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Opened),
            (0..10u64).prop_map(|n| message(n, ImportStatus::Pending)),
            Just(message(10, ImportStatus::Success)),
            ".{0,5}".prop_map(Event::Message),
            Just(Event::Heartbeat),
            Just(Event::Interrupted),
            Just(Event::GivenUp),
            Just(Event::Answered(Ok(state(5, ImportStatus::Pending)))),
            Just(Event::Answered(Err(ApiError::Connection))),
            Just(Event::Answered(Err(ApiError::SignedOut))),
            Just(Event::Tick),
            Just(Event::Awake),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_it_never_stops_short_of_an_end(
            events in proptest::collection::vec((any_event(), 0.0..5_000.0), 0..60),
        ) {
            let mut follower = Follower::new(&job(), 0.0);
            let mut now = 0.0;
            let mut is_finished = false;
            for (event, passed) in events {
                now += passed;
                let action = follower.step(event, now, 0.5);
                prop_assert!(!is_finished || action == Action::Wait);
                is_finished |= action == Action::Finish;
                // An unfinished follower always has something to wait for.
                let view = follower.view(now);
                let is_over = matches!(view.connection, Connection::Closed | Connection::Refused);
                prop_assert_eq!(is_over, is_finished);
            }
        }
    }
}
