//! A rate limiter per key. A caller above the rate has to wait; nobody is locked out.

use std::{fmt, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

/// Number of keys from which idle ones are removed.
const MANY: usize = 10_000;

/// Clones share the counts.
pub(crate) struct Rate<K: Clone + Eq + Hash>(Arc<DefaultKeyedRateLimiter<K>>);

impl<K: Clone + Eq + Hash> Clone for Rate<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for Rate<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rate")
    }
}

impl<K: Clone + Eq + Hash> Rate<K> {
    /// Allows each key `times` per minute, also as a burst.
    pub(crate) fn a_minute(times: NonZeroU32) -> Self {
        Self(Arc::new(RateLimiter::keyed(Quota::per_minute(times))))
    }

    /// Counts a request, or returns the time to wait.
    pub(crate) fn admit(&self, who: &K) -> Result<(), Duration> {
        if self.0.len() > MANY {
            self.0.retain_recent();
        }
        let clock = governor::clock::DefaultClock::default();
        self.0
            .check_key(who)
            .map_err(|until| until.wait_time_from(clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_waits_and_nobody_else() {
        let rate = Rate::a_minute(NonZeroU32::new(3).unwrap());
        for _ in 0..3 {
            assert_eq!(rate.admit(&"ada"), Ok(()));
        }
        let wait = rate.admit(&"ada").unwrap_err();
        assert!(wait <= Duration::from_secs(20), "{wait:?}");
        assert_eq!(rate.admit(&"bob"), Ok(()));
    }
}
