//! Limits the rows per second of an import.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const LONGEST: Duration = Duration::from_secs(60);

/// Returns the rows of a batch, at most `most`. Under a rate limit they are half a second's, so that progress is reported
/// in between.
pub(super) fn batch_rows(rows_per_second: Option<NonZeroU32>, most: usize) -> usize {
    let half = rows_per_second.and_then(|rate| usize::try_from(rate.get() / 2).ok());
    half.map_or(most, |half| half.clamp(1, most))
}

#[derive(Debug)]
pub(super) struct Pace {
    rows_per_second: Option<NonZeroU32>,
    due: Instant,
}

impl Pace {
    pub(super) fn new(rows_per_second: Option<NonZeroU32>) -> Self {
        Self {
            rows_per_second,
            due: Instant::now(),
        }
    }

    /// Waits until the rate allows these rows, or `stop` is cancelled.
    pub(super) async fn after(&mut self, rows: u64, stop: &CancellationToken) {
        if let Some(due) = self.due_after(rows, Instant::now()) {
            stop.run_until_cancelled(tokio::time::sleep_until(due))
                .await;
        }
    }

    fn due_after(&mut self, rows: u64, now: Instant) -> Option<Instant> {
        let share = Duration::from_secs(rows) / self.rows_per_second?.get();
        self.due = self.due.max(now) + share.min(LONGEST);
        Some(self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_spread_over_time() {
        let mut pace = Pace::new(NonZeroU32::new(1000));
        let began = pace.due;
        let after = |milliseconds| Some(began + Duration::from_millis(milliseconds));
        assert_eq!(pace.due_after(2000, began), after(2000));
        assert_eq!(pace.due_after(500, began), after(2500));
        // Unused time is not saved.
        assert_eq!(
            pace.due_after(1000, began + Duration::from_secs(60)),
            after(61_000)
        );
    }

    #[test]
    fn a_batch_takes_half_a_second_at_most() {
        let rows = |rate| batch_rows(NonZeroU32::new(rate), 2_000);
        assert_eq!([1, 100, 1_000_000, 0].map(rows), [1, 50, 2_000, 2_000]);
    }

    #[test]
    fn nothing_waits_without_a_limit() {
        assert_eq!(Pace::new(None).due_after(u64::MAX, Instant::now()), None);
    }
}
