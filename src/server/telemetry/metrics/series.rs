//! The metrics, each declared once.

use std::{
    sync::atomic::{AtomicI64, AtomicU64},
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use super::labels::{
    Attempt, ByChannel, Call, Cause, Channel, ENDS, OUTCOMES, Outcome, Route, Sent, State, Status,
    StreamEnd, UpstreamCall,
};
use crate::model::source::RunOutcome;

type Histograms<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

// A row: field, type, value at the start unless it is the default, name, unit, help text.
macro_rules! metrics {
    ($($field:ident: $type:ty $(= $new:expr)?, $name:literal $(in $unit:ident)?, $help:literal;)*) => {
        #[derive(Debug)]
        pub(super) struct Series {
            $(pub(super) $field: $type,)*
        }

        impl Series {
            /// Creates the metrics in a registry.
            pub(super) fn register(registry: &mut Registry) -> Self {
                $(let $field: $type = metrics!(@new $($new)?);
                metrics!(@register registry, $field, $name, $help $(, $unit)?);)*
                let series = Self { $($field),* };
                series.begin_at_zero();
                register_constants(registry);
                series
            }
        }
    };
    (@new) => { Default::default() };
    (@new $new:expr) => { $new };
    (@register $registry:ident, $field:ident, $name:literal, $help:literal) => {
        $registry.register($name, $help, $field.clone())
    };
    (@register $registry:ident, $field:ident, $name:literal, $help:literal, $unit:ident) => {
        $registry.register_with_unit($name, $help, Unit::$unit, $field.clone())
    };
}

metrics! {
    viewers: Gauge, "viewers", "Open progress streams";
    followed_jobs: Gauge, "followed_jobs", "Followed jobs";
    streams_opened: Counter, "streams_opened", "Opened progress streams";
    streams_closed: Family<Cause, Counter>, "streams_closed", "Closed progress streams, by cause";
    streams_refused: Counter, "streams_refused", "Progress streams rejected because of a limit";
    frames_sent: Counter, "frames_sent", "Events and heartbeats sent to viewers";
    bytes_sent: Counter, "sent" in Bytes, "Bytes sent to viewers";

    upstream_state: Family<State, Gauge>, "upstream_state",
        "State of the connection to the price monitor: 1 for the current state";
    upstream_connections: Counter, "upstream_connections", "Opened sockets to the price monitor";
    upstream_losses: Counter, "upstream_losses", "Lost and failed connections to the price monitor";
    upstream_reports: Counter, "upstream_reports", "Reports received from the price monitor";
    upstream_skipped: Counter, "upstream_skipped",
        "Unreadable messages from the price monitor, which are skipped";
    upstream_request: Histograms<Call> = Family::new_with_constructor(seconds),
        "upstream_request_duration" in Seconds, "Response time of the price monitor's REST API";

    imports_started: Counter, "imports_started", "Started imports";
    imports_ended: Family<Status, Counter>, "imports_ended", "Ended imports, by status";
    end_recorded: Histogram = milliseconds(), "end_record_duration" in Seconds,
        "Time to record the end of an import in the database, before it is sent to viewers";
    imports: Family<State, Gauge>, "imports",
        "Waiting and running imports of the embedded price monitor, of all its workers";
    imports_wait_for_room: Gauge, "imports_wait_for_room",
        "1 while imports of the embedded price monitor wait because the disk is full";
    rows: Family<Outcome, Counter>, "rows",
        "Rows that the embedded price monitor has read, by outcome";
    batch_committed: Histogram = milliseconds(), "batch_commit_duration" in Seconds,
        "Time to commit a batch of rows in the embedded price monitor";

    deliveries_waiting: Family<ByChannel, Gauge>, "deliveries_waiting",
        "Webhook messages and emails waiting to be sent, of all instances";
    delivery_attempts: Family<Attempt, Counter>, "delivery_attempts",
        "Attempts to send a webhook message or an email, by outcome";
    source_runs: Family<Outcome, Counter>, "source_runs", "Finished runs of sources, by outcome";

    http_request: Histograms<Route> = Family::new_with_constructor(milliseconds),
        "http_request_duration" in Seconds, "Time from request to response head";
    resident_memory: Gauge<u64, AtomicU64>, "resident_memory" in Bytes,
        "Resident memory of the process";
    database_connections: Family<State, Gauge>, "database_connections",
        "Used and idle database connections";
    disk_free: Gauge<u64, AtomicU64>, "disk_free" in Bytes,
        "Free space on the disk of product files";
    open_files: Gauge<u64, AtomicU64>, "open_files", "Open files and sockets";
    tasks: Gauge<u64, AtomicU64>, "tasks", "Live asynchronous tasks";
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

impl Series {
    /// Creates all series at zero, so that the first event is a change.
    fn begin_at_zero(&self) {
        for end in StreamEnd::ALL {
            drop(self.streams_closed.get_or_create(&Cause::of(end)));
        }
        for status in ENDS {
            drop(self.imports_ended.get_or_create(&Status::of(status)));
        }
        for outcome in OUTCOMES {
            drop(self.rows.get_or_create(&Outcome { outcome }));
        }
        for call in UpstreamCall::ALL {
            drop(self.upstream_request.get_or_create(&Call::of(call)));
        }
        for channel in Channel::ALL {
            for sent in Sent::ALL {
                let attempt = Attempt::of(channel, sent);
                drop(self.delivery_attempts.get_or_create(&attempt));
            }
        }
        for outcome in RunOutcome::ALL.into_iter().filter(|it| it.is_end()) {
            let outcome = outcome.as_str();
            drop(self.source_runs.get_or_create(&Outcome { outcome }));
        }
    }
}

fn register_constants(registry: &mut Registry) {
    registry.register(
        "build",
        "Version of the program",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
    let started = Gauge::<i64, AtomicI64>::default();
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    started.set(i64::try_from(since_epoch.as_secs()).unwrap_or_default());
    registry.register_with_unit("start_time", "Start of the process", Unit::Seconds, started);
}
