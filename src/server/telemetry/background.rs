//! Metrics of background work: deliveries of notifications, and runs of sources.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Metrics;
use crate::model::source::RunOutcome;

/// The channel of a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Channel {
    Webhook,
    Mail,
}

impl Channel {
    const ALL: [Self; 2] = [Self::Webhook, Self::Mail];

    fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sent {
    Delivered,
    /// Failed; retried.
    Failed,
    /// Failed; not retried.
    GivenUp,
}

impl Sent {
    const ALL: [Self; 3] = [Self::Delivered, Self::Failed, Self::GivenUp];

    fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

/// Waiting deliveries of all processes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct WaitingDeliveries {
    pub(crate) webhook: u64,
    pub(crate) mail: u64,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ByChannel {
    channel: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Attempt {
    channel: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct BackgroundMetrics {
    waiting: Family<ByChannel, Gauge>,
    attempts: Family<Attempt, Counter>,
    runs: Family<Outcome, Counter>,
}

impl BackgroundMetrics {
    /// Creates all series at zero, so that the first event is a change.
    pub(super) fn begin_at_zero(&self) {
        for channel in Channel::ALL {
            for sent in Sent::ALL {
                drop(self.attempts(channel, sent));
            }
        }
        for outcome in RunOutcome::ALL.into_iter().filter(|it| it.is_end()) {
            let outcome = outcome.as_str();
            drop(self.runs.get_or_create(&Outcome { outcome }));
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "deliveries_waiting",
            "Webhook messages and e-mails waiting to be sent, of all instances",
            self.waiting.clone(),
        );
        registry.register(
            "delivery_attempts",
            "Attempts to send a webhook message or an e-mail, by outcome",
            self.attempts.clone(),
        );
        registry.register(
            "source_runs",
            "Finished runs of sources, by outcome",
            self.runs.clone(),
        );
    }

    /// Sets the number of waiting deliveries; omitted if unknown.
    pub(super) fn observe(&self, waiting: Option<WaitingDeliveries>) {
        let Some(WaitingDeliveries { webhook, mail }) = waiting else {
            self.waiting.clear();
            return;
        };
        for (channel, count) in [(Channel::Webhook, webhook), (Channel::Mail, mail)] {
            let channel = channel.as_str();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.waiting
                .get_or_create(&ByChannel { channel })
                .set(count);
        }
    }

    fn attempts(&self, channel: Channel, sent: Sent) -> Counter {
        let (channel, outcome) = (channel.as_str(), sent.as_str());
        let attempts = self.attempts.get_or_create(&Attempt { channel, outcome });
        attempts.clone()
    }
}

impl Metrics {
    pub(crate) fn delivery_attempted(&self, channel: Channel, sent: Sent) {
        self.background().attempts(channel, sent).inc();
    }

    pub(crate) fn source_ran(&self, outcome: RunOutcome) {
        let outcome = outcome.as_str();
        let runs = &self.background().runs;
        runs.get_or_create(&Outcome { outcome }).inc();
    }
}

#[cfg(test)]
impl Metrics {
    pub(crate) fn attempts(&self, channel: Channel, sent: Sent) -> u64 {
        self.background().attempts(channel, sent).get()
    }

    pub(crate) fn runs(&self, outcome: RunOutcome) -> u64 {
        let outcome = outcome.as_str();
        let runs = &self.background().runs;
        runs.get_or_create(&Outcome { outcome }).get()
    }
}
