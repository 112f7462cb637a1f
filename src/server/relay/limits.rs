//! How many streams may be open at once. An open one is never ended for a new one: evicted clients
//! come back and evict others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::server::store::users::UserId;

/// The open streams, counted.
#[derive(Clone, Debug)]
pub(crate) struct StreamLimits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max: usize,
    max_per_user: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_user: HashMap<UserId, usize>,
}

/// The right to one open stream. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: StreamLimits,
    user: UserId,
}

impl StreamLimits {
    pub(crate) fn new(max: usize, max_per_user: usize) -> Self {
        Self(Arc::new(Shared {
            max,
            max_per_user,
            open: Mutex::default(),
        }))
    }

    /// Gives the right to one more stream, or `None` at a limit.
    pub(crate) fn acquire(&self, user: &UserId) -> Option<Permit> {
        let mut open = self.open();
        if open.total >= self.0.max {
            return None;
        }
        let of_user = open.by_user.entry(user.clone()).or_default();
        if *of_user >= self.0.max_per_user {
            return None;
        }
        *of_user += 1;
        open.total += 1;
        Some(Permit {
            limits: self.clone(),
            user: user.clone(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        open.total = open.total.saturating_sub(1);
        if let Some(of_user) = open.by_user.get_mut(&self.user) {
            *of_user = of_user.saturating_sub(1);
            if *of_user == 0 {
                open.by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_over_a_limit_is_not_let_in_until_one_ends() {
        let limits = StreamLimits::new(3, 2);
        let [a, b] = ["a", "b"].map(UserId::for_tests);
        let first = limits.acquire(&a).unwrap();
        let _second = limits.acquire(&a).unwrap();
        assert!(limits.acquire(&a).is_none(), "over the user's limit");
        let _third = limits.acquire(&b).unwrap();
        assert!(limits.acquire(&b).is_none(), "over the limit of all");
        drop(first);
        assert!(limits.acquire(&b).is_some());
    }
}
