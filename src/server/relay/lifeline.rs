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
        mut pulse: watch::Receiver<Pulse>,
        permit: Permit,
        count: StreamCount,
        max_duration: Option<Duration>,
    ) -> Self {
        heed_end(&mut pulse);
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
            heed_end(&mut self.pulse);
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

    /// Waits until the stream is to end even if the viewer has not taken what was said last. Safe to
    /// cancel, and no sign is lost by it.
    pub(crate) async fn must_end(&mut self) {
        let mut pulse = self.pulse.clone();
        let end = loop {
            if pulse.changed().await.is_err() || *pulse.borrow_and_update() == Pulse::Drain {
                break StreamEnd::Shutdown;
            }
            if let Some(end) = self.over() {
                break end;
            }
        };
        self.count.ends(end);
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

/// The end is told once: who begins to look after it has it to come all the same.
fn heed_end(pulse: &mut watch::Receiver<Pulse>) {
    if *pulse.borrow() == Pulse::Drain {
        pulse.mark_changed();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use futures_util::FutureExt as _;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        role::Role,
        server::{
            auth::principal::{Credential, Pass},
            relay::{
                limits::{MostStreams, StreamLimits},
                pulse::PulseSender,
            },
            store::{sessions::SessionId, users::UserId},
            telemetry::Metrics,
        },
    };

    fn lifeline(pulse: &PulseSender) -> (Lifeline, StreamLimits) {
        let limits = StreamLimits::new(MostStreams {
            of_all: 1,
            of_user: 1,
            of_address: 1,
        });
        let pass = Pass {
            user: UserId::for_tests("a"),
            role: Role::Staff,
            credential: Credential::Session(SessionId::for_tests("1")),
        };
        let permit = limits.acquire(pass, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let count = Metrics::default().stream_opened();
        let lifeline = Lifeline::new(pulse.subscribe(), permit.unwrap(), count, None);
        (lifeline, limits)
    }

    async fn drain(pulse: &PulseSender) {
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        pulse.clone().beat(Duration::from_secs(1), shutdown).await;
    }

    fn says_farewell(lifeline: &mut Lifeline) -> bool {
        matches!(lifeline.next().now_or_never(), Some(Sign::Farewell(_)))
    }

    #[tokio::test]
    async fn a_stream_that_begins_while_the_server_stops_is_told_to_end() {
        let pulse = PulseSender::new();
        let (mut before, _limits) = lifeline(&pulse);
        drain(&pulse).await;
        let (mut after, _limits) = lifeline(&pulse);
        // What is said first must not make it miss that.
        before.opening();
        after.opening();
        assert!(says_farewell(&mut before) && says_farewell(&mut after));
        // The group that it is the first of looks at a clock of its own.
        let (last, _limits) = lifeline(&pulse);
        assert!(last.pulse().changed().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_stream_that_is_held_up_hears_of_its_end_and_loses_no_sign() {
        let pulse = PulseSender::new();
        let (mut held_up, limits) = lifeline(&pulse);
        held_up.opening();
        pulse.look_up();
        assert!(held_up.must_end().now_or_never().is_none());
        limits.revoke(&UserId::for_tests("a"));
        pulse.look_up();
        assert!(held_up.must_end().now_or_never().is_some());
        assert_eq!(held_up.next().now_or_never(), Some(Sign::End));
    }
}
