//! Prometheus metrics. <https://prometheus.io/docs/specs/om/open_metrics_spec/>

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{
    background::{BackgroundMetrics, WaitingDeliveries},
    last_hour::{LastHour, Totals},
    process::ProcessStats,
};
use crate::model::{job::ImportStatus, progress::UpstreamState};

mod labels;
mod record;
mod registration;
#[cfg(test)]
mod tests;

use self::labels::{Call, Cause, Outcome, Route, State, Status};
pub(crate) use self::{
    labels::{StreamEnd, UpstreamCall},
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

/// The metrics of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    started: Instant,
    viewers: Gauge,
    followed_jobs: Gauge,
    streams_opened: Counter,
    streams_closed: Family<Cause, Counter>,
    streams_refused: Counter,
    frames_sent: Counter,
    bytes_sent: Counter,
    upstream_state: Family<State, Gauge>,
    upstream_connections: Counter,
    upstream_losses: Counter,
    upstream_reports: Counter,
    upstream_skipped: Counter,
    upstream_request: Family<Call, Histogram, fn() -> Histogram>,
    imports_started: Counter,
    imports_ended: Family<Status, Counter>,
    end_recorded: Histogram,
    imports: Family<State, Gauge>,
    imports_wait_for_room: Gauge,
    rows: Family<Outcome, Counter>,
    batch_committed: Histogram,
    http_request: Family<Route, Histogram, fn() -> Histogram>,
    database_connections: Family<State, Gauge>,
    disk_free: Gauge<u64, AtomicU64>,
    process: ProcessGauges,
    background: BackgroundMetrics,
    last_hour: LastHour,
}

#[derive(Debug, Default)]
struct ProcessGauges {
    resident_memory: Gauge<u64, AtomicU64>,
    open_files: Gauge<u64, AtomicU64>,
    tasks: Gauge<u64, AtomicU64>,
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

fn milliseconds() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ])
}

fn seconds() -> Histogram {
    Histogram::new([
        0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
    ])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("import_relay");
        let inner = Inner {
            started: Instant::now(),
            viewers: Gauge::default(),
            followed_jobs: Gauge::default(),
            streams_opened: Counter::default(),
            streams_closed: Family::default(),
            streams_refused: Counter::default(),
            frames_sent: Counter::default(),
            bytes_sent: Counter::default(),
            upstream_state: Family::default(),
            upstream_connections: Counter::default(),
            upstream_losses: Counter::default(),
            upstream_reports: Counter::default(),
            upstream_skipped: Counter::default(),
            upstream_request: Family::new_with_constructor(seconds),
            imports_started: Counter::default(),
            imports_ended: Family::default(),
            end_recorded: milliseconds(),
            imports: Family::default(),
            imports_wait_for_room: Gauge::default(),
            rows: Family::default(),
            batch_committed: milliseconds(),
            http_request: Family::new_with_constructor(milliseconds),
            database_connections: Family::default(),
            disk_free: Gauge::default(),
            process: ProcessGauges::default(),
            background: BackgroundMetrics::default(),
            last_hour: LastHour::default(),
            registry: Registry::default(),
        };
        inner.begin_at_zero();
        inner.register_streams(&mut registry);
        inner.register_upstream(&mut registry);
        inner.register_imports(&mut registry);
        inner.background.register(&mut registry);
        inner.register_server(&mut registry);
        Self(Arc::new(Inner { registry, ..inner }))
    }
}

impl Metrics {
    pub(crate) fn encode(&self, observed: &Observed) -> String {
        let inner = &*self.0;
        let set = |family: &Family<State, Gauge>, state, value| {
            family.get_or_create(&State { state }).set(value);
        };
        if let Some(relay) = &observed.relay {
            inner.followed_jobs.set(gauge(relay.followed_jobs as u64));
            for state in UpstreamState::ALL {
                let holds = state == relay.upstream;
                set(&inner.upstream_state, state.as_str(), i64::from(holds));
            }
        }
        // Unknown values are omitted.
        match observed.imports {
            Some(imports) => {
                set(&inner.imports, "waiting", gauge(imports.waiting));
                set(&inner.imports, "running", gauge(imports.running));
            }
            None => inner.imports.clear(),
        }
        inner.background.observe(observed.deliveries);
        let connections = observed.connections;
        set(&inner.database_connections, "used", gauge(connections.used));
        set(&inner.database_connections, "idle", gauge(connections.idle));
        inner.disk_free.set(observed.disk_free.unwrap_or_default());
        let process = ProcessStats::read();
        inner.process.resident_memory.set(process.resident_bytes);
        inner.process.open_files.set(process.open_files);
        inner.process.tasks.set(process.tasks);
        let mut out = String::new();
        // Writing to a `String` cannot fail.
        let _ = text::encode(&mut out, &inner.registry);
        out
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn set_imports_wait_for_room(&self, wait: bool) {
        self.0.imports_wait_for_room.set(i64::from(wait));
    }

    pub(crate) fn imports_wait_for_room(&self) -> bool {
        self.0.imports_wait_for_room.get() != 0
    }

    pub(super) fn minutes_so_far(&self) -> &LastHour {
        &self.0.last_hour
    }

    pub(super) fn background(&self) -> &BackgroundMetrics {
        &self.0.background
    }

    pub(super) fn totals(&self) -> Totals {
        let ended = [
            ImportStatus::Success,
            ImportStatus::PartialSuccess,
            ImportStatus::Error,
        ];
        let ended = ended.map(|status| {
            let status = status.as_str();
            self.0.imports_ended.get_or_create(&Status { status }).get()
        });
        Totals {
            viewers: self.viewers(),
            events: self.0.frames_sent.get(),
            imports: ended.iter().sum(),
        }
    }

    pub(crate) fn viewers(&self) -> u64 {
        u64::try_from(self.0.viewers.get()).unwrap_or_default()
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
