//! One ticker for all streams: 50,000 subscribers do not need 50,000 timers.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::model::progress::UpstreamState;

/// The newest word to all streams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tick {
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

/// Sender side of the shared ticker. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Ticker(watch::Sender<Tick>);

impl Ticker {
    /// Makes a ticker that stands still until [`run`](Self::run) is called.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Tick::Alive {
            beat: 0,
            upstream: UpstreamState::default(),
        }))
    }

    /// Returns a receiver. Whoever subscribes while the server stops still has the end to come.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Tick> {
        let mut ticks = self.0.subscribe();
        if *ticks.borrow() == Tick::Drain {
            ticks.mark_changed();
        }
        ticks
    }

    /// Returns whether the server is stopping.
    pub(crate) fn is_draining(&self) -> bool {
        *self.0.borrow() == Tick::Drain
    }

    /// Returns how the server stands to the price monitor.
    pub(crate) fn upstream(&self) -> UpstreamState {
        match *self.0.borrow() {
            Tick::Alive { upstream, .. } => upstream,
            Tick::Drain => UpstreamState::default(),
        }
    }

    /// Tells all streams, at once, how the server stands to the price monitor.
    pub(crate) fn set_upstream(&self, state: UpstreamState) {
        self.0.send_if_modified(|tick| match tick {
            Tick::Alive { upstream, .. } if *upstream != state => {
                *upstream = state;
                true
            }
            Tick::Alive { .. } | Tick::Drain => false,
        });
    }

    /// Has all streams check whether their permits still hold.
    pub(crate) fn recheck(&self) {
        self.0.send_modify(|_| {});
    }

    /// Ticks until `shutdown`, then tells the streams to end.
    pub(crate) async fn run(self, every: Duration, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.0.send_modify(|tick| {
                    if let Tick::Alive { beat, .. } = tick {
                        *beat += 1;
                    }
                }),
                () = shutdown.cancelled() => {
                    self.0.send_replace(Tick::Drain);
                    return;
                }
            }
        }
    }
}
