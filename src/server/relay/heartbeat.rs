//! One ticker for all streams: 50,000 subscribers need no 50,000 timers.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::model::progress::UpstreamState;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tick {
    Alive {
        /// Increases whenever a heartbeat is due.
        beat: u64,
        upstream: UpstreamState,
    },
    Drain,
}

#[derive(Clone, Debug)]
pub(crate) struct Ticker(watch::Sender<Tick>);

impl Ticker {
    /// Does not tick until [`run`](Self::run).
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Tick::Alive {
            beat: 0,
            upstream: UpstreamState::default(),
        }))
    }

    /// A new receiver during shutdown still receives the end.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Tick> {
        let mut ticks = self.0.subscribe();
        if *ticks.borrow() == Tick::Drain {
            ticks.mark_changed();
        }
        ticks
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.0.borrow() == Tick::Drain
    }

    pub(crate) fn upstream(&self) -> UpstreamState {
        match *self.0.borrow() {
            Tick::Alive { upstream, .. } => upstream,
            Tick::Drain => UpstreamState::default(),
        }
    }

    pub(crate) fn set_upstream(&self, state: UpstreamState) {
        self.0.send_if_modified(|tick| match tick {
            Tick::Alive { upstream, .. } if *upstream != state => {
                *upstream = state;
                true
            }
            Tick::Alive { .. } | Tick::Drain => false,
        });
    }

    /// Makes all streams recheck their permits.
    pub(crate) fn recheck(&self) {
        self.0.send_modify(|_| {});
    }

    /// Ticks until `shutdown`, then ends the streams.
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
