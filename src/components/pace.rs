//! How fast an import goes and when it will be through.

use std::collections::VecDeque;

use crate::job::{ImportProgress, UnixMillis};

/// How far back the speed looks. Long enough to be steady, short enough to notice a stall.
const WINDOW: UnixMillis = 15_000;
/// After so long without a word the speed is a thing of the past.
const STALE: UnixMillis = 5_000;
/// Before this the speed is a guess.
const SETTLED: UnixMillis = 2_000;

/// What happened in the last seconds of an import.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pace {
    samples: VecDeque<(UnixMillis, u64)>,
}

impl Pace {
    /// Notes how many products are through now.
    pub(crate) fn note(&mut self, at: UnixMillis, done: u64) {
        self.samples.push_back((at, done));
        while self.samples.len() > 2
            && self
                .samples
                .get(1)
                .is_some_and(|(sampled, _)| at - sampled >= WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Returns the products per second of the last seconds, or `None` while that is a guess.
    #[allow(clippy::cast_precision_loss)] // a speed is an estimate
    pub(crate) fn per_second(&self) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let took = last.0 - first.0;
        let done = last.1.checked_sub(first.1)?;
        (took >= SETTLED && done > 0).then(|| done as f64 * 1_000.0 / took as f64)
    }

    /// Returns how many milliseconds are left at this speed, in steps that do not flicker, or
    /// `None` while that cannot be told: nothing is known, or nothing happens.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    // an estimate; the cast of a float saturates
    pub(crate) fn left(&self, now: UnixMillis, progress: &ImportProgress) -> Option<u64> {
        let left = progress.total_products.checked_sub(progress.done())?;
        let is_stale = now - self.samples.back()?.0 > STALE;
        if progress.total_products == 0 || left == 0 || is_stale {
            return None;
        }
        let seconds = (left as f64 / self.per_second()?).ceil() as u64;
        let step = match seconds {
            0..=10 => 1,
            11..=60 => 5,
            61..=600 => 15,
            _ => 60,
        };
        Some(seconds.div_ceil(step) * step * 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64) -> ImportProgress {
        ImportProgress {
            processed_products: done,
            failed_products: 0,
            total_products: 1_000,
        }
    }

    #[test]
    fn a_speed_needs_two_seconds() {
        let mut pace = Pace::default();
        assert_eq!(pace.per_second(), None);
        pace.note(0, 0);
        pace.note(1_000, 100);
        assert_eq!(pace.per_second(), None);
        pace.note(2_000, 200);
        assert_eq!(pace.per_second(), Some(100.0));
        assert_eq!(pace.left(2_500, &at(200)), Some(8_000));
    }

    #[test]
    fn only_the_last_seconds_count() {
        let mut pace = Pace::default();
        for second in 0..60 {
            let done = if second < 30 { 0 } else { (second - 30) * 10 };
            pace.note(UnixMillis::try_from(second).unwrap() * 1_000, done);
        }
        assert_eq!(pace.per_second(), Some(10.0));
        assert!(pace.samples.len() < 20);
    }

    #[test]
    fn a_stall_and_an_unknown_total_have_no_end() {
        let mut pace = Pace::default();
        pace.note(0, 5);
        pace.note(20_000, 5);
        assert_eq!(pace.left(20_000, &at(5)), None);
        pace.note(21_000, 50);
        assert_eq!(pace.left(21_000, &ImportProgress::default()), None);
        assert_eq!(pace.left(21_000, &at(1_000)), None);
        assert!(pace.left(21_000, &at(50)).is_some());
        assert_eq!(pace.left(27_000, &at(50)), None);
    }
}
