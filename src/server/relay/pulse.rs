//! One clock for all streams: 50,000 viewers do not need 50,000 timers.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::api::progress::UpstreamState;

/// What all streams are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pulse {
    /// Go on.
    Alive {
        /// Grows whenever a heartbeat is due.
        beat: u64,
        /// How the server stands to the price monitor.
        upstream: UpstreamState,
    },
    /// End: the server is stopping.
    Drain,
}

/// The hands of the clock. Clones turn the same ones.
#[derive(Clone, Debug)]
pub(crate) struct PulseSender(watch::Sender<Pulse>);

impl PulseSender {
    /// Makes a clock that stands still until [`beat`](Self::beat) runs.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Pulse::Alive {
            beat: 0,
            upstream: UpstreamState::default(),
        }))
    }

    /// Returns what streams look at.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Pulse> {
        self.0.subscribe()
    }

    /// Returns whether the server is stopping.
    pub(crate) fn is_draining(&self) -> bool {
        *self.0.borrow() == Pulse::Drain
    }

    /// Returns how the server stands to the price monitor.
    pub(crate) fn upstream(&self) -> UpstreamState {
        match *self.0.borrow() {
            Pulse::Alive { upstream, .. } => upstream,
            Pulse::Drain => UpstreamState::default(),
        }
    }

    /// Tells all streams, at once, how the server stands to the price monitor.
    pub(crate) fn set_upstream(&self, state: UpstreamState) {
        self.0.send_if_modified(|pulse| match pulse {
            Pulse::Alive { upstream, .. } if *upstream != state => {
                *upstream = state;
                true
            }
            Pulse::Alive { .. } | Pulse::Drain => false,
        });
    }

    /// Has all streams look whether their permits still hold.
    pub(crate) fn look_up(&self) {
        self.0.send_modify(|_| {});
    }

    /// Beats until `shutdown`, then tells the streams to end.
    pub(crate) async fn beat(self, every: Duration, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.0.send_modify(|pulse| {
                    if let Pulse::Alive { beat, .. } = pulse {
                        *beat += 1;
                    }
                }),
                () = shutdown.cancelled() => {
                    self.0.send_replace(Pulse::Drain);
                    return;
                }
            }
        }
    }
}
