//! Shares state whose changes are announced in order.

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Receives the messages of changes. Must not block.
pub trait Listener<T> {
    /// Receives one message.
    fn hear(&self, message: T);
}

/// State shared by threads, and its listener.
#[derive(Debug)]
pub struct Ordered<S, L> {
    state: Mutex<S>,
    listener: L,
}

impl<S, L> Ordered<S, L> {
    /// Returns the state with its listener.
    pub fn new(state: S, listener: L) -> Self {
        Self {
            state: Mutex::new(state),
            listener,
        }
    }

    /// Locks the state without announcing anything.
    pub fn lock(&self) -> MutexGuard<'_, S> {
        // A panic cannot leave the state inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and announces the result under the lock, so that announcements have the order of
    /// changes.
    pub fn change<T, M: IntoIterator>(&self, change: impl FnOnce(&mut S) -> (T, M)) -> T
    where
        L: Listener<M::Item>,
    {
        let mut state = self.lock();
        let (result, messages) = change(&mut state);
        for message in messages {
            self.listener.hear(message);
        }
        result
    }
}
