//! Prometheus metrics. <https://prometheus.io/docs/specs/om/open_metrics_spec/>

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use super::{
    background::{BackgroundMetrics, WaitingDeliveries},
    last_hour::{LastHour, Totals},
    process::ProcessStats,
};
use crate::model::{job::ImportStatus, progress::UpstreamState};

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

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StreamEnd {
    /// The job ended and its subscriber has the end.
    Finished,
    TimeLimit,
    Shutdown,
    Revoked,
    /// The subscriber disconnected or timed out.
    ViewerLeft,
}

impl StreamEnd {
    const ALL: [Self; 5] = [
        Self::Finished,
        Self::TimeLimit,
        Self::Shutdown,
        Self::Revoked,
        Self::ViewerLeft,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::TimeLimit => "time_limit",
            Self::Shutdown => "shutdown",
            Self::Revoked => "revoked",
            Self::ViewerLeft => "viewer_left",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UpstreamCall {
    Create,
    Progress,
}

impl UpstreamCall {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Progress => "progress",
        }
    }
}

const OUTCOMES: [&str; 2] = ["processed", "failed"];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Cause {
    cause: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Call {
    call: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Status {
    status: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Route {
    method: &'static str,
    route: String,
    status: u16,
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

impl Inner {
    /// Creates all series at zero, so that the first event is a change.
    fn begin_at_zero(&self) {
        for end in StreamEnd::ALL {
            let cause = end.as_str();
            drop(self.streams_closed.get_or_create(&Cause { cause }));
        }
        for status in [
            ImportStatus::Success,
            ImportStatus::PartialSuccess,
            ImportStatus::Error,
        ] {
            let status = status.as_str();
            drop(self.imports_ended.get_or_create(&Status { status }));
        }
        for outcome in OUTCOMES {
            drop(self.rows.get_or_create(&Outcome { outcome }));
        }
        for call in [UpstreamCall::Create, UpstreamCall::Progress] {
            let call = call.as_str();
            drop(self.upstream_request.get_or_create(&Call { call }));
        }
        self.background.begin_at_zero();
    }

    fn register_streams(&self, registry: &mut Registry) {
        registry.register(
            "viewers",
            "Progress streams that are open",
            self.viewers.clone(),
        );
        registry.register(
            "followed_jobs",
            "Jobs whose newest state is held for viewers",
            self.followed_jobs.clone(),
        );
        registry.register(
            "streams_opened",
            "Progress streams that were opened",
            self.streams_opened.clone(),
        );
        registry.register(
            "streams_closed",
            "Progress streams that ended, by cause",
            self.streams_closed.clone(),
        );
        registry.register(
            "streams_refused",
            "Progress streams that were refused because of a limit",
            self.streams_refused.clone(),
        );
        registry.register(
            "frames_sent",
            "Events and heartbeats that were handed to viewers",
            self.frames_sent.clone(),
        );
        registry.register_with_unit(
            "sent",
            "Size of what was handed to viewers",
            Unit::Bytes,
            self.bytes_sent.clone(),
        );
    }

    fn register_upstream(&self, registry: &mut Registry) {
        registry.register(
            "upstream_state",
            "How the server stands to the price monitor: 1 for the state that holds",
            self.upstream_state.clone(),
        );
        registry.register(
            "upstream_connections",
            "Sockets to the price monitor that were opened",
            self.upstream_connections.clone(),
        );
        registry.register(
            "upstream_losses",
            "Sockets to the price monitor that broke or could not be had",
            self.upstream_losses.clone(),
        );
        registry.register(
            "upstream_reports",
            "Reports on jobs that came from the price monitor",
            self.upstream_reports.clone(),
        );
        registry.register(
            "upstream_skipped",
            "Messages of the price monitor that could not be read and were passed over",
            self.upstream_skipped.clone(),
        );
        registry.register_with_unit(
            "upstream_request_duration",
            "How long the price monitor's REST took to answer",
            Unit::Seconds,
            self.upstream_request.clone(),
        );
    }

    fn register_imports(&self, registry: &mut Registry) {
        registry.register(
            "imports_started",
            "Product files that the price monitor has taken",
            self.imports_started.clone(),
        );
        registry.register(
            "imports_ended",
            "Imports whose end was recorded, by status",
            self.imports_ended.clone(),
        );
        registry.register_with_unit(
            "end_record_duration",
            "How long the database took to record an import's end, which is told afterwards",
            Unit::Seconds,
            self.end_recorded.clone(),
        );
        registry.register(
            "imports",
            "Imports of the embedded price monitor that wait for their turn, and that run, those of all its workers",
            self.imports.clone(),
        );
        registry.register(
            "imports_wait_for_room",
            "Whether no import of the embedded price monitor can begin because the disk is full: 1 while that is so",
            self.imports_wait_for_room.clone(),
        );
        registry.register(
            "rows",
            "Rows of product files that the embedded price monitor is through with, by outcome",
            self.rows.clone(),
        );
        registry.register_with_unit(
            "batch_commit_duration",
            "How long the embedded price monitor took to commit a batch of rows",
            Unit::Seconds,
            self.batch_committed.clone(),
        );
    }

    fn register_server(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took until their answer began",
            Unit::Seconds,
            self.http_request.clone(),
        );
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let started = Gauge::<i64, AtomicI64>::default();
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        started.set(i64::try_from(since_epoch.as_secs()).unwrap_or_default());
        registry.register_with_unit(
            "start_time",
            "When the process began",
            Unit::Seconds,
            started,
        );
        registry.register_with_unit(
            "resident_memory",
            "Memory in use",
            Unit::Bytes,
            self.process.resident_memory.clone(),
        );
        registry.register(
            "database_connections",
            "Connections to the database that are in use, and that are not",
            self.database_connections.clone(),
        );
        registry.register_with_unit(
            "disk_free",
            "Room that is left on the disk of product files",
            Unit::Bytes,
            self.disk_free.clone(),
        );
        registry.register(
            "open_files",
            "Files and sockets that are open",
            self.process.open_files.clone(),
        );
        registry.register(
            "tasks",
            "Asynchronous tasks that are alive",
            self.process.tasks.clone(),
        );
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

    /// Counts a stream while the returned value lives.
    pub(crate) fn stream_opened(&self) -> StreamCount {
        self.0.streams_opened.inc();
        self.0.viewers.inc();
        StreamCount {
            metrics: self.clone(),
            end: StreamEnd::ViewerLeft,
        }
    }

    pub(crate) fn frames_sent(&self, frames: u64, bytes: u64) {
        self.0.frames_sent.inc_by(frames);
        self.0.bytes_sent.inc_by(bytes);
    }

    pub(crate) fn stream_refused(&self) {
        self.0.streams_refused.inc();
    }

    pub(crate) fn upstream_connected(&self) {
        self.0.upstream_connections.inc();
    }

    pub(crate) fn upstream_lost(&self) {
        self.0.upstream_losses.inc();
    }

    pub(crate) fn upstream_reported(&self) {
        self.0.upstream_reports.inc();
    }

    pub(crate) fn upstream_skipped(&self) {
        self.0.upstream_skipped.inc();
    }

    pub(crate) fn upstream_answered(&self, call: UpstreamCall, took: Duration) {
        let call = call.as_str();
        self.0
            .upstream_request
            .get_or_create(&Call { call })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn import_started(&self) {
        self.0.imports_started.inc();
    }

    pub(crate) fn import_ended(&self, status: ImportStatus, recording_took: Duration) {
        let status = status.as_str();
        self.0.imports_ended.get_or_create(&Status { status }).inc();
        self.0.end_recorded.observe(recording_took.as_secs_f64());
    }

    pub(crate) fn batch_committed(&self, processed: u64, failed: u64, took: Duration) {
        for (outcome, count) in OUTCOMES.into_iter().zip([processed, failed]) {
            self.0
                .rows
                .get_or_create(&Outcome { outcome })
                .inc_by(count);
        }
        self.0.batch_committed.observe(took.as_secs_f64());
    }

    pub(crate) fn request_answered(
        &self,
        method: &'static str,
        route: String,
        status: u16,
        took: Duration,
    ) {
        let route = Route {
            method,
            route,
            status,
        };
        self.0
            .http_request
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// An open stream. Dropping it counts the end [set](Self::ends), by default the subscriber's.
#[derive(Debug)]
pub(crate) struct StreamCount {
    metrics: Metrics,
    end: StreamEnd,
}

impl StreamCount {
    pub(crate) fn ends(&mut self, end: StreamEnd) {
        self.end = end;
    }
}

impl Drop for StreamCount {
    fn drop(&mut self) {
        let inner = &self.metrics.0;
        inner.viewers.dec();
        let cause = self.end.as_str();
        inner.streams_closed.get_or_create(&Cause { cause }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::source::RunOutcome,
        server::telemetry::background::{Channel, Sent},
    };

    fn observed(relay: Option<ObservedRelay>) -> Observed {
        Observed {
            relay,
            imports: None,
            deliveries: None,
            connections: Connections { used: 2, idle: 1 },
            disk_free: Some(7),
        }
    }

    fn has_lines(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(
                text.lines().any(|it| it == *line),
                "{line} is not in\n{text}"
            );
        }
    }

    #[test]
    fn what_is_not_known_of_imports_is_not_said() {
        let metrics = Metrics::default();
        let (waiting, running) = (3, 1);
        let known = Observed {
            imports: Some(ImportLoad { waiting, running }),
            ..observed(None)
        };
        let text = metrics.encode(&known);
        has_lines(
            &text,
            &[
                "import_relay_imports{state=\"waiting\"} 3",
                "import_relay_imports{state=\"running\"} 1",
                "import_relay_database_connections{state=\"used\"} 2",
                "import_relay_database_connections{state=\"idle\"} 1",
                "import_relay_disk_free_bytes 7",
            ],
        );
        let text = metrics.encode(&observed(None));
        assert!(!text.contains("import_relay_imports{"), "{text}");
    }

    #[test]
    fn deliveries_are_told_by_channel_and_runs_of_sources_by_outcome() {
        let metrics = Metrics::default();
        metrics.delivery_attempted(Channel::Webhook, Sent::Failed);
        metrics.delivery_attempted(Channel::Webhook, Sent::Delivered);
        metrics.delivery_attempted(Channel::Mail, Sent::GivenUp);
        metrics.source_ran(RunOutcome::Checked);
        let (webhook, mail) = (4, 2);
        let known = Observed {
            deliveries: Some(WaitingDeliveries { webhook, mail }),
            ..observed(None)
        };
        let text = metrics.encode(&known);
        has_lines(
            &text,
            &[
                "import_relay_deliveries_waiting{channel=\"webhook\"} 4",
                "import_relay_deliveries_waiting{channel=\"mail\"} 2",
                "import_relay_delivery_attempts_total{channel=\"webhook\",outcome=\"delivered\"} 1",
                "import_relay_delivery_attempts_total{channel=\"webhook\",outcome=\"failed\"} 1",
                "import_relay_delivery_attempts_total{channel=\"webhook\",outcome=\"given_up\"} 0",
                "import_relay_delivery_attempts_total{channel=\"mail\",outcome=\"given_up\"} 1",
                "import_relay_source_runs_total{outcome=\"checked\"} 1",
                "import_relay_source_runs_total{outcome=\"failed\"} 0",
            ],
        );
        assert!(!text.contains("outcome=\"running\""), "{text}");
        let text = metrics.encode(&observed(None));
        assert!(!text.contains("import_relay_deliveries_waiting{"), "{text}");
    }

    #[test]
    fn a_stream_is_counted_while_it_lives_and_by_its_end() {
        let metrics = Metrics::default();
        let mut finished = metrics.stream_opened();
        let left = metrics.stream_opened();
        metrics.frames_sent(2, 15);
        assert_eq!(metrics.viewers(), 2);
        finished.ends(StreamEnd::Finished);
        drop((finished, left));
        assert_eq!(metrics.viewers(), 0);
        let text = metrics.encode(&observed(None));
        has_lines(
            &text,
            &[
                "import_relay_viewers 0",
                "import_relay_streams_opened_total 2",
                "import_relay_streams_closed_total{cause=\"finished\"} 1",
                "import_relay_streams_closed_total{cause=\"viewer_left\"} 1",
                "import_relay_frames_sent_total 2",
                "import_relay_sent_bytes_total 15",
                "# EOF",
            ],
        );
    }

    #[test]
    fn one_state_of_the_upstream_holds() {
        let metrics = Metrics::default();
        for upstream in [UpstreamState::Polling, UpstreamState::Connected] {
            let text = metrics.encode(&observed(Some(ObservedRelay {
                upstream,
                followed_jobs: 3,
            })));
            for state in UpstreamState::ALL {
                let name = state.as_str();
                let held = u8::from(state == upstream);
                let line = format!("import_relay_upstream_state{{state=\"{name}\"}} {held}");
                assert!(text.contains(&line), "{line} is not in\n{text}");
            }
            assert!(text.contains("import_relay_followed_jobs 3"));
        }
    }
}
