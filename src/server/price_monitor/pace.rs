//! Keeps an import from writing more rows a second than the operator allows.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The longest time that is waited after one batch.
const LONGEST: Duration = Duration::from_secs(60);

/// Spreads the batches of one import over time.
#[derive(Debug)]
pub(super) struct Pace {
    rows_per_second: Option<NonZeroU32>,
    due: Instant,
}

impl Pace {
    /// Begins now. Without a limit nothing ever waits.
    pub(super) fn new(rows_per_second: Option<NonZeroU32>) -> Self {
        Self {
            rows_per_second,
            due: Instant::now(),
        }
    }

    /// Waits until this many rows may have been written since the last call, or until `stop` is cancelled.
    pub(super) async fn after(&mut self, rows: u64, stop: &CancellationToken) {
        let Some(limit) = self.rows_per_second else {
            return;
        };
        let share = Duration::from_secs(rows) / limit.get();
        self.due = self.due.max(Instant::now()) + share.min(LONGEST);
        stop.run_until_cancelled(tokio::time::sleep_until(self.due))
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rows_are_spread_over_time() {
        let (stop, began) = (CancellationToken::new(), Instant::now());
        let mut pace = Pace::new(NonZeroU32::new(1000));
        pace.after(2000, &stop).await;
        pace.after(500, &stop).await;
        assert_eq!(began.elapsed().as_millis(), 2500);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_without_a_limit_or_once_it_is_to_stop() {
        let (stop, began) = (CancellationToken::new(), Instant::now());
        Pace::new(None).after(u64::MAX, &stop).await;
        stop.cancel();
        Pace::new(NonZeroU32::new(1)).after(10, &stop).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
