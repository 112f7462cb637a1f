//! Activity per minute of the last hour.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::Metrics;
use crate::model::status::Minute;

const MINUTE: Duration = Duration::from_secs(60);

const KEPT: usize = 60;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Totals {
    pub(super) viewers: u64,
    pub(super) events: u64,
    pub(super) imports: u64,
}

/// The completed minutes, and the counts at the end of the last one.
#[derive(Debug, Default)]
pub(super) struct LastHour(Mutex<(VecDeque<Minute>, Totals)>);

impl LastHour {
    fn end_minute(&self, totals: Totals) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (minutes, before) = &mut *kept;
        minutes.push_back(since(*before, totals));
        while minutes.len() > KEPT {
            minutes.pop_front();
        }
        *before = totals;
    }

    fn minutes(&self, totals: Totals) -> Vec<Minute> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (minutes, before) = &*kept;
        let over = minutes.iter().copied();
        over.chain([since(*before, totals)]).collect()
    }
}

fn since(before: Totals, totals: Totals) -> Minute {
    Minute {
        viewers: totals.viewers,
        events: totals.events.saturating_sub(before.events),
        imports: totals.imports.saturating_sub(before.imports),
    }
}

impl Metrics {
    pub(crate) async fn keep_minutes(self) {
        loop {
            tokio::time::sleep(MINUTE).await;
            self.minutes_so_far().end_minute(self.totals());
        }
    }

    /// Oldest first; the last minute is incomplete.
    pub(crate) fn last_hour(&self) -> Vec<Minute> {
        self.minutes_so_far().minutes(self.totals())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_what_was_counted_in_it_and_an_hour_has_sixty() {
        let hour = LastHour::default();
        let totals = |number: u64| Totals {
            viewers: number % 3,
            events: number * 10,
            imports: number / 2,
        };
        assert_eq!(hour.minutes(totals(0)), [Minute::default()]);
        for minute in 1..=70 {
            hour.end_minute(totals(minute));
        }
        let minutes = hour.minutes(totals(71));
        assert_eq!(minutes.len(), KEPT + 1);
        let last = Minute {
            viewers: 2,
            events: 10,
            imports: 0,
        };
        assert_eq!(minutes.last(), Some(&last));
        assert_eq!(minutes.iter().map(|minute| minute.events).sum::<u64>(), 610);
    }
}
