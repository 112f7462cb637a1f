//! A state whose changes are told in the order in which they were made.

use super::sync::{Mutex, MutexGuard, PoisonError};

/// Hears what comes of changes. It must not wait.
pub(super) trait Listener<T> {
    /// Takes one message.
    fn hear(&self, message: T);
}

/// A state that threads share, and its listener.
#[derive(Debug)]
pub(super) struct Ordered<S, L> {
    state: Mutex<S>,
    listener: L,
}

impl<S, L> Ordered<S, L> {
    pub(super) fn new(state: S, listener: L) -> Self {
        Self {
            state: Mutex::new(state),
            listener,
        }
    }

    /// Locks the state, for what tells nobody anything.
    pub(super) fn lock(&self) -> MutexGuard<'_, S> {
        // A panic cannot leave the state half-changed in a way that matters to the next caller.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells what comes of it, before anyone else can change it: what was
    /// decided first is heard first.
    pub(super) fn change<T, M: IntoIterator>(&self, change: impl FnOnce(&mut S) -> (T, M)) -> T
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
