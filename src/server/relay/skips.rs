//! Messages of the price monitor that cannot be read: counted, and named in the log now and then.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::server::telemetry::Metrics;

/// The time between two warnings.
const INTERVAL: Duration = Duration::from_secs(60);

/// Counts messages that were passed over. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Skips {
    state: Arc<Mutex<Pace>>,
    metrics: Metrics,
}

/// Says when there is something to be said.
#[derive(Debug, Default)]
struct Pace {
    last: Option<Instant>,
    unsaid: u64,
}

impl Pace {
    /// Counts one, and returns how many are to be told of now.
    fn count(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        if self
            .last
            .is_some_and(|last| now.duration_since(last) < INTERVAL)
        {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

impl Skips {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            state: Arc::default(),
            metrics,
        }
    }

    /// Counts a message that was passed over, and warns once a minute.
    pub(crate) fn note(&self, job: Option<&str>, reason: &str) {
        self.metrics.upstream_skipped();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = state.count(Instant::now()) else {
            return;
        };
        drop(state);
        tracing::warn!(
            count,
            job,
            reason,
            "messages of the price monitor that cannot be read were passed over"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_of_once_a_minute_with_its_number() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.count(start), Some(1));
        for second in 1..60 {
            assert_eq!(pace.count(start + Duration::from_secs(second)), None);
        }
        assert_eq!(pace.count(start + INTERVAL), Some(60));
    }
}
