//! Retries database operations.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio_util::sync::CancellationToken;

use crate::server::store::StoreError;

/// Maximum delay between retries.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Why an operation was given up.
#[derive(Debug)]
pub(super) enum GaveUp {
    /// It was cancelled.
    Stopped,
    /// A permanent error, or retries were exhausted.
    Store(StoreError),
}

/// Delays between retries, about half a minute in total.
pub(super) struct Patience<'a> {
    id: &'a str,
    stop: &'a CancellationToken,
    waits: ExponentialBackoff,
    tries: u32,
}

impl<'a> Patience<'a> {
    /// Starts for an import.
    pub(super) fn new(id: &'a str, stop: &'a CancellationToken) -> Self {
        Self {
            id,
            stop,
            waits: waits().with_max_times(7).build(),
            tries: 0,
        }
    }

    /// Waits before the next retry, or returns a permanent error.
    pub(super) async fn after(&mut self, error: StoreError) -> Result<(), GaveUp> {
        let wait = if error.is_passing() {
            self.waits.next()
        } else {
            None
        };
        let Some(wait) = wait else {
            return Err(GaveUp::Store(error));
        };
        self.tries += 1;
        tracing::warn!(id = self.id, %error, ?wait, "retrying the database");
        let sleeping = tokio::time::sleep(wait);
        let slept = self.stop.run_until_cancelled(sleeping).await;
        slept.ok_or(GaveUp::Stopped)
    }

    /// Whether an earlier attempt failed, so that its effect is unknown.
    pub(super) fn is_tried(&self) -> bool {
        self.tries > 0
    }
}

/// Retries an operation on an import.
pub(super) async fn patiently<T, F>(
    id: &str,
    stop: &CancellationToken,
    mut act: impl FnMut() -> F,
) -> Result<T, GaveUp>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut patience = Patience::new(id, stop);
    loop {
        match act().await {
            Ok(done) => return Ok(done),
            Err(error) => patience.after(error).await?,
        }
    }
}

/// Returns growing delays.
pub(super) fn waits() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(LONGEST_WAIT)
        .with_jitter()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use sea_orm::DbErr;

    use super::*;

    fn locked() -> StoreError {
        DbErr::Custom("database is locked".to_owned()).into()
    }

    fn full() -> StoreError {
        DbErr::Custom("database or disk is full".to_owned()).into()
    }

    #[tokio::test]
    async fn what_passes_is_waited_for_and_nothing_else() {
        let (stop, tries) = (CancellationToken::new(), Cell::new(0));
        let done = patiently("a", &stop, || async {
            tries.set(tries.get() + 1);
            if tries.get() < 3 {
                Err(locked())
            } else {
                Ok(tries.get())
            }
        });
        assert!(matches!(done.await, Ok(3)));
        let failed = patiently::<(), _>("a", &stop, async || Err(full())).await;
        assert!(matches!(failed, Err(GaveUp::Store(error)) if error.is_full()));
    }

    #[tokio::test]
    async fn nobody_waits_for_what_is_wanted_no_more() {
        let stop = CancellationToken::new();
        stop.cancel();
        let stopped = patiently::<(), _>("a", &stop, async || Err(locked())).await;
        assert!(matches!(stopped, Err(GaveUp::Stopped)));
    }
}
