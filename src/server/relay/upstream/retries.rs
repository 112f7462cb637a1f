//! Retry delays of the socket (pure, except for randomness).

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// A connection that held this long resets the delays.
const STABLE: Duration = Duration::from_secs(60);
const MIN_DELAY: Duration = Duration::from_millis(200);
const MAX_DELAY: Duration = Duration::from_secs(20);

const MIN_TRUST: Duration = Duration::from_secs(1);

pub(super) struct Retries {
    pauses: ExponentialBackoff,
    last: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(MIN_DELAY)
            .with_max_delay(MAX_DELAY)
            .with_factor(2.0)
            .without_max_times()
            .build();
        Self {
            pauses,
            last: Duration::ZERO,
        }
    }
}

impl Retries {
    /// Returns the delay after a connection that held this long.
    pub(super) fn after(&mut self, held: Duration) -> Duration {
        self.longest_after(held).mul_f64(fastrand::f64())
    }

    /// Upper bound of the random delay (full jitter), so that instances do not reconnect together.
    fn longest_after(&mut self, held: Duration) -> Duration {
        if held >= STABLE {
            *self = Self::default();
        }
        self.last = self.pauses.next().unwrap_or(MAX_DELAY);
        self.last
    }

    /// Returns how long a connection must hold before it is announced; longer after failures.
    pub(super) fn trust_after(&self) -> Duration {
        self.last.max(MIN_TRUST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    #[test]
    fn the_pauses_double_up_to_the_longest() {
        let mut retries = Retries::default();
        let longest: Vec<_> = (0..9)
            .map(|_| retries.longest_after(AT_ONCE).as_millis())
            .collect();
        let expected = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 20_000, 20_000];
        assert_eq!(longest, expected);
    }

    #[test]
    fn a_connection_that_held_for_a_minute_begins_them_anew() {
        let mut retries = Retries::default();
        for _ in 0..9 {
            retries.longest_after(AT_ONCE);
        }
        let almost = STABLE - Duration::from_millis(1);
        assert_eq!(retries.longest_after(almost), MAX_DELAY);
        assert_eq!(retries.longest_after(STABLE), MIN_DELAY);
        assert_eq!(retries.longest_after(AT_ONCE).as_millis(), 400);
    }

    #[test]
    fn a_connection_is_trusted_the_later_the_more_have_broken() {
        let mut retries = Retries::default();
        assert_eq!(retries.trust_after(), MIN_TRUST);
        for _ in 0..9 {
            retries.longest_after(AT_ONCE);
        }
        assert_eq!(retries.trust_after(), MAX_DELAY);
        retries.longest_after(STABLE);
        assert_eq!(retries.trust_after(), MIN_TRUST);
    }

    #[test]
    fn each_pause_is_drawn_at_random_within_its_bounds() {
        let mut drawn = std::collections::HashSet::new();
        for _ in 0..200 {
            let mut retries = Retries::default();
            for _ in 0..8 {
                retries.after(AT_ONCE);
            }
            let pause = retries.after(AT_ONCE);
            assert!(pause <= MAX_DELAY);
            drawn.insert(pause);
        }
        assert!(drawn.len() > 100, "{} different pauses", drawn.len());
        let short = drawn.iter().any(|pause| *pause < MAX_DELAY / 4);
        let long = drawn.iter().any(|pause| *pause > MAX_DELAY * 3 / 4);
        assert!(short && long, "{drawn:?}");
    }
}
