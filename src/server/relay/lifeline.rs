//! What every progress stream minds besides its jobs: the clock, the server's end, its own longest
//! life, and whether it is still allowed.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    frame::{HEARTBEAT, retry, upstream},
    limits::Permit,
    pulse::Pulse,
};
use crate::{
    api::progress::UpstreamState,
    server::telemetry::metrics::{StreamCount, StreamEnd},
};

/// After how long a browser comes back when its stream ends, drawn at random so that the viewers of
/// one instance do not come back in one moment.
const RETRY_MILLIS: std::ops::Range<u64> = 500..2_000;

/// The same for streams that end because the server stops: wider, for all come at once.
const DRAIN_RETRY_MILLIS: std::ops::Range<u64> = 500..4_000;

/// One stream's lifeline.
#[derive(Debug)]
pub(crate) struct Lifeline {
    pulse: watch::Receiver<Pulse>,
    beat: u64,
    told: UpstreamState,
    ends_at: Option<Instant>,
    permit: Permit,
    count: StreamCount,
}

/// What a stream is to do besides telling news.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Sign {
    /// Say this and go on.
    Say(Bytes),
    /// Say this and end.
    Farewell(Bytes),
    /// End.
    End,
}

impl Lifeline {
    /// Makes the lifeline of a stream that may last for `max_duration`.
    pub(crate) fn new(
        pulse: watch::Receiver<Pulse>,
        permit: Permit,
        count: StreamCount,
        max_duration: Option<Duration>,
    ) -> Self {
        Self {
            pulse,
            beat: 0,
            told: UpstreamState::Connected,
            ends_at: max_duration.map(|duration| Instant::now() + duration),
            permit,
            count,
        }
    }

    /// Counts what was handed to the viewer.
    pub(crate) fn sent(&self, bytes: usize) {
        self.count.sent(bytes);
    }

    /// Takes note that the viewer has been told everything.
    pub(crate) fn finished(&mut self) {
        self.count.ends(StreamEnd::Finished);
    }

    /// Returns the first and the last thing that a stream opens with, the newest states being
    /// between them: after how long to come back when it ends, and how the server stands to the
    /// price monitor where that is worth a word.
    pub(crate) fn opening(&mut self) -> (Bytes, Bytes) {
        let after = retry(Duration::from_millis(fastrand::u64(RETRY_MILLIS)));
        let pulse = *self.pulse.borrow_and_update();
        let Pulse::Alive {
            beat,
            upstream: state,
        } = pulse
        else {
            return (after, Bytes::new());
        };
        self.beat = beat;
        if state.sentence().is_none() {
            return (after, Bytes::new());
        }
        self.told = state;
        (after, upstream(state))
    }

    /// Waits for the next sign. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Sign {
        loop {
            if self.pulse.changed().await.is_err() {
                return Sign::End; // the clock is gone: the process ends
            }
            if let Some(sign) = self.sign() {
                return sign;
            }
        }
    }

    /// Returns another view of the clock.
    pub(super) fn pulse(&self) -> watch::Receiver<Pulse> {
        self.pulse.clone()
    }

    /// Returns whether the stream is to end whatever there is to say.
    pub(super) fn is_over(&self) -> bool {
        self.over().is_some()
    }

    fn over(&self) -> Option<StreamEnd> {
        if self.permit.is_revoked() {
            return Some(StreamEnd::Revoked);
        }
        let is_late = self.ends_at.is_some_and(|at| Instant::now() >= at);
        is_late.then_some(StreamEnd::TimeLimit)
    }

    /// Returns what the clock means to the stream now, if anything.
    pub(super) fn sign(&mut self) -> Option<Sign> {
        let pulse = *self.pulse.borrow_and_update();
        let Pulse::Alive {
            beat,
            upstream: state,
        } = pulse
        else {
            self.count.ends(StreamEnd::Shutdown);
            let after = Duration::from_millis(fastrand::u64(DRAIN_RETRY_MILLIS));
            return Some(Sign::Farewell(retry(after)));
        };
        if let Some(end) = self.over() {
            self.count.ends(end);
            return Some(Sign::End);
        }
        // The first connection's being made is nothing to tell.
        if state != self.told && state != UpstreamState::Connecting {
            self.told = state;
            self.beat = beat;
            return Some(Sign::Say(upstream(state)));
        }
        let is_due = beat != self.beat;
        self.beat = beat;
        is_due.then_some(Sign::Say(HEARTBEAT))
    }
}
