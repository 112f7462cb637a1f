//! Prometheus metrics. <https://prometheus.io/docs/specs/om/open_metrics_spec/>

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::text,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{
    last_hour::{LastHour, Totals},
    process::ProcessStats,
};
use crate::model::progress::UpstreamState;

mod labels;
mod record;
mod series;
#[cfg(test)]
mod tests;

use self::{
    labels::{ByChannel, ENDS, State, Status},
    series::Series,
};
pub(crate) use self::{
    labels::{Channel, Sent, StreamEnd, UpstreamCall},
    record::StreamCount,
};

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Connections {
    pub(crate) used: u64,
    pub(crate) idle: u64,
}

/// Unfinished imports of all workers, without those that wait for an answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ImportLoad {
    pub(crate) waiting: u64,
    pub(crate) running: u64,
}

/// Waiting deliveries of all processes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct WaitingDeliveries {
    pub(crate) webhook: u64,
    pub(crate) mail: u64,
}

/// The metrics of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    started: Instant,
    series: Series,
    last_hour: LastHour,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed {
    pub(crate) relay: Option<ObservedRelay>,
    /// `None` unless the embedded price monitor runs here and the database answers.
    pub(crate) imports: Option<ImportLoad>,
    /// Deliveries that wait, if they are sent here and the database answers.
    pub(crate) deliveries: Option<WaitingDeliveries>,
    pub(crate) connections: Connections,
    pub(crate) disk_free: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ObservedRelay {
    pub(crate) upstream: UpstreamState,
    pub(crate) followed_jobs: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("import_relay");
        Self(Arc::new(Inner {
            started: Instant::now(),
            series: Series::register(&mut registry),
            last_hour: LastHour::default(),
            registry,
        }))
    }
}

impl Metrics {
    pub(crate) fn encode(&self, observed: &Observed) -> String {
        let (inner, series) = (&*self.0, &self.0.series);
        let set = |family: &Family<State, Gauge>, state, value| {
            family.get_or_create(&State { state }).set(value);
        };
        if let Some(relay) = &observed.relay {
            series.followed_jobs.set(gauge(relay.followed_jobs as u64));
            for state in UpstreamState::ALL {
                let holds = state == relay.upstream;
                set(&series.upstream_state, state.as_str(), i64::from(holds));
            }
        }
        // Unknown values are omitted.
        match observed.imports {
            Some(imports) => {
                set(&series.imports, "waiting", gauge(imports.waiting));
                set(&series.imports, "running", gauge(imports.running));
            }
            None => series.imports.clear(),
        }
        match observed.deliveries {
            Some(WaitingDeliveries { webhook, mail }) => {
                for (channel, count) in [(Channel::Webhook, webhook), (Channel::Mail, mail)] {
                    let waiting = &series.deliveries_waiting;
                    waiting
                        .get_or_create(&ByChannel::of(channel))
                        .set(gauge(count));
                }
            }
            None => series.deliveries_waiting.clear(),
        }
        let connections = observed.connections;
        set(
            &series.database_connections,
            "used",
            gauge(connections.used),
        );
        set(
            &series.database_connections,
            "idle",
            gauge(connections.idle),
        );
        series.disk_free.set(observed.disk_free.unwrap_or_default());
        let process = ProcessStats::read();
        series.resident_memory.set(process.resident_bytes);
        series.open_files.set(process.open_files);
        series.tasks.set(process.tasks);
        let mut out = String::new();
        // Writing to a `String` cannot fail.
        let _ = text::encode(&mut out, &inner.registry);
        out
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn set_imports_wait_for_room(&self, wait: bool) {
        self.0.series.imports_wait_for_room.set(i64::from(wait));
    }

    pub(crate) fn imports_wait_for_room(&self) -> bool {
        self.0.series.imports_wait_for_room.get() != 0
    }

    pub(super) fn minutes_so_far(&self) -> &LastHour {
        &self.0.last_hour
    }

    pub(super) fn totals(&self) -> Totals {
        let ended = ENDS.map(|status| {
            let ended = &self.0.series.imports_ended;
            ended.get_or_create(&Status::of(status)).get()
        });
        Totals {
            viewers: self.viewers(),
            events: self.0.series.frames_sent.get(),
            imports: ended.iter().sum(),
        }
    }

    pub(crate) fn viewers(&self) -> u64 {
        u64::try_from(self.0.series.viewers.get()).unwrap_or_default()
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
