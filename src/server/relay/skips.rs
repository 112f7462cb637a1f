//! Counts unreadable messages of the price monitor and logs them at intervals.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::server::telemetry::Metrics;

const INTERVAL: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Skips {
    warnings: Warnings,
    metrics: Metrics,
}

/// Limits a message to one per minute. Clones share the limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Warnings(Arc<Mutex<Pace>>);

impl Warnings {
    /// Returns how many to report now.
    pub(super) fn count(&self) -> Option<u64> {
        let mut pace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pace.count(Instant::now())
    }
}

#[derive(Debug, Default)]
struct Pace {
    last: Option<Instant>,
    unsaid: u64,
}

impl Pace {
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
            warnings: Warnings::default(),
            metrics,
        }
    }

    /// Counts a skipped message and warns once a minute.
    pub(crate) fn note(&self, job: Option<&str>, reason: &str) {
        self.metrics.upstream_skipped();
        let Some(count) = self.warnings.count() else {
            return;
        };
        tracing::warn!(
            count,
            job,
            reason,
            "skipped unreadable messages of the price monitor"
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
