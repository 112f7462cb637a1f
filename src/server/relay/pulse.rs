//! One clock for all streams: 50,000 viewers do not need 50,000 timers.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What all streams are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pulse {
    /// Say that you are alive.
    Beat,
    /// End: the server is stopping.
    Drain,
}

/// Beats until `shutdown`, then tells the streams to end.
pub(crate) async fn beat(
    pulse: watch::Sender<Pulse>,
    every: Duration,
    shutdown: CancellationToken,
) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    loop {
        tokio::select! {
            _ = ticks.tick() => drop(pulse.send_replace(Pulse::Beat)),
            () = shutdown.cancelled() => {
                pulse.send_replace(Pulse::Drain);
                return;
            }
        }
    }
}
