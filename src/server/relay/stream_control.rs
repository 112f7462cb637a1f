//! Ends a stream on shutdown, timeout or revocation; schedules its heartbeats (pure, except for the clock).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    frame::{HEARTBEAT, retry, upstream},
    heartbeat::Tick,
    limits::Permit,
};
use crate::{
    model::progress::UpstreamState,
    server::telemetry::metrics::{StreamCount, StreamEnd},
};

/// Reconnection delay; random, so that an instance's subscribers do not return at once.
const RETRY_MILLIS: std::ops::Range<u64> = 500..2_000;

/// Reconnection delay during shutdown; wider, because all return.
const DRAIN_RETRY_MILLIS: std::ops::Range<u64> = 500..4_000;

#[derive(Debug)]
pub(crate) struct StreamControl {
    beat: u64,
    told: UpstreamState,
    ends_at: Option<Instant>,
    permit: Permit,
    count: StreamCount,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    Send(Bytes),
    /// Write this, if any, and end.
    Close(Bytes),
}

impl StreamControl {
    pub(crate) fn new(permit: Permit, count: StreamCount, max_duration: Option<Duration>) -> Self {
        Self {
            beat: 0,
            told: UpstreamState::Connected,
            ends_at: max_duration.map(|duration| Instant::now() + duration),
            permit,
            count,
        }
    }

    pub(crate) fn finished(&mut self) {
        self.count.ends(StreamEnd::Finished);
    }

    /// Returns what to write before and after the newest states on opening: the reconnection delay, and the upstream
    /// state if relevant.
    pub(crate) fn opening(&mut self, tick: Tick) -> (Bytes, Bytes) {
        let after = retry(Duration::from_millis(fastrand::u64(RETRY_MILLIS)));
        let Tick::Alive {
            beat,
            upstream: state,
        } = tick
        else {
            return (after, Bytes::new());
        };
        self.beat = beat;
        if !state.is_trouble() {
            return (after, Bytes::new());
        }
        self.told = state;
        (after, upstream(state))
    }

    /// Returns whether the stream ends even with unsent bytes.
    pub(super) fn must_end(&mut self, tick: Tick) -> bool {
        let end = match tick {
            Tick::Drain => Some(StreamEnd::Shutdown),
            Tick::Alive { .. } => self.over(),
        };
        if let Some(end) = end {
            self.count.ends(end);
        }
        end.is_some()
    }

    fn over(&self) -> Option<StreamEnd> {
        if self.permit.is_revoked() {
            return Some(StreamEnd::Revoked);
        }
        let is_late = self.ends_at.is_some_and(|at| Instant::now() >= at);
        is_late.then_some(StreamEnd::TimeLimit)
    }

    pub(super) fn signal(&mut self, tick: Tick) -> Option<Signal> {
        let must_end = self.must_end(tick);
        let Tick::Alive {
            beat,
            upstream: state,
        } = tick
        else {
            let after = Duration::from_millis(fastrand::u64(DRAIN_RETRY_MILLIS));
            return Some(Signal::Close(retry(after)));
        };
        if must_end {
            return Some(Signal::Close(Bytes::new()));
        }
        // The first connection is not reported.
        if state != self.told && state != UpstreamState::Connecting {
            self.told = state;
            self.beat = beat;
            return Some(Signal::Send(upstream(state)));
        }
        let is_due = beat != self.beat;
        self.beat = beat;
        is_due.then_some(Signal::Send(HEARTBEAT))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::{
        model::role::Role,
        server::{
            identity::{
                credential::{Credential, Pass, SessionId},
                user::UserId,
            },
            relay::limits::{MostStreams, StreamLimits},
            telemetry::Metrics,
        },
    };

    pub(in crate::server::relay) fn control(
        longest: Option<Duration>,
    ) -> (StreamControl, StreamLimits) {
        let limits = StreamLimits::new(MostStreams {
            of_all: 1,
            of_user: 1,
            of_address: 1,
        });
        let pass = Pass {
            user: UserId::new("a"),
            role: Role::Staff,
            credential: Credential::Session(SessionId::new("1")),
        };
        let permit = limits.acquire(pass, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let count = Metrics::default().stream_opened();
        let control = StreamControl::new(permit.unwrap(), count, longest);
        (control, limits)
    }

    fn alive(beat: u64, upstream: UpstreamState) -> Tick {
        Tick::Alive { beat, upstream }
    }

    #[test]
    fn a_heartbeat_is_due_once_a_beat_and_a_change_upstream_stands_for_one() {
        let (mut control, _limits) = control(None);
        control.opening(alive(3, UpstreamState::Connected));
        assert_eq!(control.signal(alive(3, UpstreamState::Connected)), None);
        assert_eq!(
            control.signal(alive(4, UpstreamState::Connected)),
            Some(Signal::Send(HEARTBEAT))
        );
        assert_eq!(
            control.signal(alive(5, UpstreamState::Polling)),
            Some(Signal::Send(upstream(UpstreamState::Polling)))
        );
        assert_eq!(control.signal(alive(5, UpstreamState::Polling)), None);
    }

    #[test]
    fn a_stream_ends_by_revocation_by_its_time_limit_and_with_the_server() {
        let tick = alive(0, UpstreamState::Connected);
        let end = Some(Signal::Close(Bytes::new()));
        let (mut revoked, limits) = control(None);
        assert!(!revoked.must_end(tick));
        limits.revoke(&UserId::new("a"));
        assert!(revoked.must_end(tick));
        assert_eq!(revoked.signal(tick), end);
        let (mut late, _limits) = control(Some(Duration::ZERO));
        assert_eq!(late.signal(tick), end);
        let (mut stopped, _limits) = control(None);
        let said = stopped.signal(Tick::Drain);
        assert!(
            matches!(&said, Some(Signal::Close(retry)) if retry.starts_with(b"retry: ")),
            "{said:?}"
        );
    }
}
