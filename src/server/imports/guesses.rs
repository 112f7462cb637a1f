//! Limits requests for unknown jobs per user, because each one reaches the price monitor.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::server::{identity::user::UserId, limits::rate::Rate};

const A_MINUTE: NonZeroU32 = NonZeroU32::new(600).unwrap();

#[derive(Clone, Debug)]
pub(super) struct Guesses {
    rate: Rate<UserId>,
    /// Blocked users, and until when.
    waiting: Arc<Mutex<HashMap<UserId, Instant>>>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            rate: Rate::a_minute(A_MINUTE),
            waiting: Arc::default(),
        }
    }
}

impl Guesses {
    pub(super) fn count(&self, user: &UserId) {
        let Err(wait) = self.rate.admit(user) else {
            return;
        };
        let now = Instant::now();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, until| *until > now);
        waiting.insert(user.clone(), now + wait);
    }

    pub(super) fn are_too_many(&self, user: &UserId) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting
            .get(user)
            .is_some_and(|until| *until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_too_often_waits_and_nobody_else() {
        let guesses = Guesses::default();
        let [eve, ada] = ["eve", "ada"].map(UserId::new);
        for _ in 0..A_MINUTE.get() {
            guesses.count(&eve);
            assert!(!guesses.are_too_many(&eve));
        }
        guesses.count(&eve);
        assert!(guesses.are_too_many(&eve));
        assert!(!guesses.are_too_many(&ada));
    }
}
