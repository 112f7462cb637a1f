//! Retries database operations.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio_util::sync::CancellationToken;

use crate::server::store::StoreError;

pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Delay between retries on a full disk. They are unlimited: the import continues when there is space.
const SPACE_RETRY: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct WaitingForSpace(Mutex<HashSet<String>>);

impl WaitingForSpace {
    pub(super) fn is_any(&self) -> bool {
        !self.all().is_empty()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.all().contains(id)
    }

    fn all(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) enum GaveUp {
    Stopped,
    Store(StoreError),
}

/// About half a minute in total.
pub(super) struct Retries<'a> {
    space: &'a WaitingForSpace,
    id: &'a str,
    stop: &'a CancellationToken,
    waits: ExponentialBackoff,
    tries: u32,
}

impl Drop for Retries<'_> {
    fn drop(&mut self) {
        self.space.all().remove(self.id);
    }
}

impl<'a> Retries<'a> {
    pub(super) fn new(
        space: &'a WaitingForSpace,
        id: &'a str,
        stop: &'a CancellationToken,
    ) -> Self {
        Self {
            space,
            id,
            stop,
            waits: waits().with_max_times(7).build(),
            tries: 0,
        }
    }

    pub(super) async fn after(&mut self, error: StoreError) -> Result<(), GaveUp> {
        let wait = if error.is_full() {
            Some(SPACE_RETRY)
        } else if error.is_passing() {
            self.waits.next()
        } else {
            None
        };
        let Some(wait) = wait else {
            return Err(GaveUp::Store(error));
        };
        self.tries += 1;
        if error.is_full() {
            if self.space.all().insert(self.id.to_owned()) {
                tracing::warn!(id = self.id, %error, "the import waits until the database has space");
            }
        } else {
            tracing::warn!(id = self.id, %error, ?wait, "retrying the database");
        }
        let sleeping = tokio::time::sleep(wait);
        let slept = self.stop.run_until_cancelled(sleeping).await;
        slept.ok_or(GaveUp::Stopped)
    }

    /// Whether an earlier attempt failed, with unknown effect.
    pub(super) fn is_tried(&self) -> bool {
        self.tries > 0
    }
}

pub(super) async fn with_retries<T, F>(
    space: &WaitingForSpace,
    id: &str,
    stop: &CancellationToken,
    mut act: impl FnMut() -> F,
) -> Result<T, GaveUp>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut retries = Retries::new(space, id, stop);
    loop {
        match act().await {
            Ok(done) => return Ok(done),
            Err(error) => retries.after(error).await?,
        }
    }
}

pub(super) fn waits() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(LONGEST_WAIT)
        .with_jitter()
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, io};

    use sea_orm::{DbErr, RuntimeErr};

    use super::*;

    fn fault(kind: io::ErrorKind) -> StoreError {
        let error = sqlx::Error::Io(kind.into());
        DbErr::Exec(RuntimeErr::SqlxError(error.into())).into()
    }

    fn lost() -> StoreError {
        fault(io::ErrorKind::ConnectionReset)
    }

    fn full() -> StoreError {
        fault(io::ErrorKind::StorageFull)
    }

    #[tokio::test]
    async fn what_passes_is_waited_for_and_nothing_else() {
        let (stop, tries) = (CancellationToken::new(), Cell::new(0));
        let space = WaitingForSpace::default();
        let done = with_retries(&space, "a", &stop, || async {
            tries.set(tries.get() + 1);
            if tries.get() < 3 {
                Err(lost())
            } else {
                Ok(tries.get())
            }
        });
        assert!(matches!(done.await, Ok(3)));
        let corrupt = || StoreError::Damaged("page 7".to_owned());
        let failed = with_retries::<(), _>(&space, "a", &stop, async || Err(corrupt())).await;
        assert!(matches!(failed, Err(GaveUp::Store(_))));
    }

    #[tokio::test]
    async fn room_is_waited_for_until_it_is_there_or_the_import_is_stopped() {
        let stop = CancellationToken::new();
        let space = WaitingForSpace::default();
        let mut retries = Retries::new(&space, "a", &stop);
        // Uses up all retries.
        while retries.waits.next().is_some() {}
        assert!(retries.after(full()).await.is_ok());
        assert!(space.has("a") && space.is_any() && !space.has("b"));
        drop(retries);
        assert!(!space.is_any());
        let never = with_retries::<(), _>(&space, "a", &stop, async || Err(full()));
        let stops = async {
            while !space.is_any() {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        let (stopped, ()) = tokio::join!(never, stops);
        assert!(matches!(stopped, Err(GaveUp::Stopped)));
        assert!(!space.is_any());
    }

    #[tokio::test]
    async fn nobody_waits_for_what_is_wanted_no_more() {
        let stop = CancellationToken::new();
        stop.cancel();
        let space = WaitingForSpace::default();
        let stopped = with_retries::<(), _>(&space, "a", &stop, async || Err(lost())).await;
        assert!(matches!(stopped, Err(GaveUp::Stopped)));
    }
}
