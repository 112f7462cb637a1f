//! Limits concurrent readers of product files; each has bounded memory.
//!
//! Imports and interactive reads have separate slots. Interactive reads are limited to one per owner.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use product_feed::FeedError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::service::ServiceError;

/// Maximum running imports in total. Each takes the memory of a reader and its prepared batches.
pub(super) const IMPORTS: usize = 3;

const OTHERS: usize = 1;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    imports: Arc<Semaphore>,
    others: Arc<Semaphore>,
    /// One permit per owner.
    owners: Mutex<HashMap<String, Arc<Semaphore>>>,
}

#[derive(Debug)]
pub(super) struct Place {
    turn: Option<(Readers, String, OwnedSemaphorePermit)>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Default for Readers {
    fn default() -> Self {
        Self(Arc::new(Inner {
            imports: Arc::new(Semaphore::new(IMPORTS)),
            others: Arc::new(Semaphore::new(OTHERS)),
            owners: Mutex::default(),
        }))
    }
}

impl Readers {
    pub(super) async fn import(&self) -> Place {
        let place = Arc::clone(&self.0.imports).acquire_owned().await.ok();
        Place {
            turn: None,
            _place: place,
        }
    }

    /// Waits for an interactive slot, up to [`PATIENCE`].
    pub(super) async fn look(&self, owner: &str) -> Result<Place, ServiceError> {
        let place = tokio::time::timeout(PATIENCE, self.wait_to_look(owner)).await;
        place.map_err(|_| ServiceError::Busy)
    }

    async fn wait_to_look(&self, owner: &str) -> Place {
        let turns = {
            let mut owners = self.owners();
            let turns = owners.entry(owner.to_owned());
            Arc::clone(turns.or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        let turn = turns.acquire_owned().await.ok();
        // From here on dropping releases the owner's permit.
        let mut place = Place {
            turn: turn.map(|turn| (self.clone(), owner.to_owned(), turn)),
            _place: None,
        };
        place._place = Arc::clone(&self.0.others).acquire_owned().await.ok();
        place
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Reads on a blocking thread, which keeps the slot even if the client disconnects.
    pub(super) async fn read<T: Send + 'static>(
        self,
        read: impl FnOnce() -> Result<T, FeedError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let reading = tokio::task::spawn_blocking(move || {
            let read = read();
            drop(self);
            read
        });
        Ok(reading.await.map_err(std::io::Error::other)??)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((readers, owner, turn)) = self.turn.take() else {
            return;
        };
        let mut owners = readers.owners();
        drop(turn);
        // Waiting readers hold it too.
        if owners
            .get(&owner)
            .is_some_and(|turns| Arc::strong_count(turns) == 1)
        {
            owners.remove(&owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_owner_takes_no_place_of_another() {
        let readers = Readers::default();
        let first = readers.wait_to_look("ada").await;
        let second = readers.wait_to_look("ada");
        let other = readers.wait_to_look("bob");
        tokio::pin!(second, other);
        assert!(second.as_mut().now_or_never().is_none());
        assert!(other.as_mut().now_or_never().is_none());
        // The second reader waits for its owner's permit, not for the slot.
        drop(first);
        let other = other.now_or_never().unwrap();
        assert!(second.as_mut().now_or_never().is_none());
        drop(other);
        drop(second.now_or_never().unwrap());
        assert!(readers.owners().is_empty());
    }

    #[tokio::test]
    async fn no_more_read_at_once_than_there_are_places() {
        let readers = Readers::default();
        let mut imports = Vec::new();
        for _ in 0..IMPORTS {
            imports.push(readers.import().now_or_never().unwrap());
        }
        assert!(readers.import().now_or_never().is_none());
        assert!(readers.wait_to_look("ada").now_or_never().is_some());
        imports.pop();
        assert!(readers.import().now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_nothing_behind() {
        let readers = Readers::default();
        let first = readers.wait_to_look("ada").await;
        let mut second = Box::pin(readers.wait_to_look("bob"));
        assert!(second.as_mut().now_or_never().is_none());
        drop(second);
        drop(first);
        assert!(readers.wait_to_look("bob").now_or_never().is_some());
        assert!(readers.owners().is_empty());
    }
}
