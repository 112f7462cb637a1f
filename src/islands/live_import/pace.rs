//! Estimates speed and time left of an import.

use std::collections::VecDeque;

use leptos::prelude::*;

use crate::{
    islands::parts::clock::browser_now,
    model::job::{ImportProgress, UnixMillis},
};

/// Window of the speed: long enough to be steady, short enough to notice a stall.
const WINDOW: UnixMillis = 15_000;
/// Silence after which the speed is outdated, if updates are frequent.
const STALE: UnixMillis = 5_000;
/// The same as a multiple of the longest silence so far, if updates are rare.
const STALE_GAPS: UnixMillis = 3;
/// Upper limit of that.
const STALE_AT_MOST: UnixMillis = 60_000;
/// Time before which the speed is only a guess.
const SETTLED: UnixMillis = 2_000;

/// The last seconds of an import.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pace {
    samples: VecDeque<(UnixMillis, u64)>,
}

/// Follows the pace of a shown import.
pub(crate) fn use_pace(progress: Signal<ImportProgress>) -> Signal<Pace> {
    let pace = RwSignal::new(Pace::default());
    Effect::new(move |_| {
        let done = progress.get().done();
        pace.update(|pace| pace.note(browser_now(), done));
    });
    pace.into()
}

impl Pace {
    /// Records the counts.
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

    /// Returns the products per second: 0 during a stall, `None` while it is a guess.
    #[allow(clippy::cast_precision_loss)] // a speed is an estimate
    pub(crate) fn per_second(&self, now: UnixMillis) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let took = last.0 - first.0;
        let done = last.1.checked_sub(first.1)?;
        if took < SETTLED || done == 0 {
            return None;
        }
        if self.is_stale(now) {
            return Some(0.0);
        }
        Some(done as f64 * 1_000.0 / took as f64)
    }

    /// Returns the estimated milliseconds left, in steps that do not flicker; `None` if it cannot be estimated.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    // an estimate; the cast of a float saturates
    pub(crate) fn left(&self, now: UnixMillis, progress: &ImportProgress) -> Option<u64> {
        let left = progress.total_products.checked_sub(progress.done())?;
        let speed = self.per_second(now)?;
        if progress.total_products == 0 || left == 0 || speed == 0.0 {
            return None;
        }
        let seconds = (left as f64 / speed).ceil() as u64;
        let step = match seconds {
            0..=10 => 1,
            11..=60 => 5,
            61..=600 => 15,
            _ => 60,
        };
        Some(seconds.div_ceil(step) * step * 1_000)
    }

    /// Returns whether the silence is longer than usual for this import.
    fn is_stale(&self, now: UnixMillis) -> bool {
        let times = self.samples.iter().map(|(at, _)| *at);
        let gaps = times
            .clone()
            .skip(1)
            .zip(times)
            .map(|(at, before)| at - before);
        let usual = gaps.max().unwrap_or_default();
        let limit = (usual * STALE_GAPS).clamp(STALE, STALE_AT_MOST);
        self.samples
            .back()
            .is_some_and(|(last, _)| now - last > limit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert_eq!(pace.per_second(1_000), None);
        pace.note(0, 0);
        pace.note(1_000, 100);
        assert_eq!(pace.per_second(1_000), None);
        pace.note(2_000, 200);
        assert_eq!(pace.per_second(2_000), Some(100.0));
        assert_eq!(pace.left(2_500, &at(200)), Some(8_000));
    }

    #[test]
    fn only_the_last_seconds_count() {
        let mut pace = Pace::default();
        for second in 0..60 {
            let done = if second < 30 { 0 } else { (second - 30) * 10 };
            pace.note(UnixMillis::try_from(second).unwrap() * 1_000, done);
        }
        assert_eq!(pace.per_second(59_000), Some(10.0));
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
    }

    #[test]
    fn in_a_stall_the_speed_is_none_and_no_end_is_told() {
        let mut pace = Pace::default();
        for second in 0..=10 {
            pace.note(second * 1_000, second.unsigned_abs() * 10);
        }
        assert_eq!(pace.per_second(15_000), Some(10.0));
        assert_eq!(pace.per_second(15_001), Some(0.0));
        assert!(pace.left(15_000, &at(100)).is_some());
        assert_eq!(pace.left(15_001, &at(100)), None);
    }

    #[test]
    fn who_speaks_seldom_is_not_taken_for_stalled() {
        let mut pace = Pace::default();
        pace.note(0, 0);
        pace.note(10_000, 100);
        pace.note(20_000, 200);
        assert_eq!(pace.per_second(45_000), Some(10.0));
        assert_eq!(pace.per_second(50_001), Some(0.0));
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_the_speed_says(
            notes in proptest::collection::vec((1..4_000i64, 1..50u64), 2..40),
        ) {
            let mut pace = Pace::default();
            let (mut now, mut done) = (0, 0);
            for (later, more) in notes {
                now += later;
                done += more;
                pace.note(now, done);
            }
            let progress = ImportProgress {
                processed_products: done,
                total_products: done + 1_000,
                ..ImportProgress::default()
            };
            if let (Some(speed), Some(left)) = (pace.per_second(now), pace.left(now, &progress)) {
                // Rounded up, by a minute at most.
                #[allow(clippy::cast_precision_loss)] // small numbers
                let exact = 1_000.0 / speed;
                #[allow(clippy::cast_precision_loss)] // small numbers
                let told = left as f64 / 1_000.0;
                prop_assert!(told >= exact && told <= exact + 61.0, "{told} {exact}");
            }
        }
    }
}
