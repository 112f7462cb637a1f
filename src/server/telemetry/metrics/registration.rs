//! Names and help texts of the metrics.

use std::{
    sync::atomic::AtomicI64,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    metrics::{gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

use super::{
    Inner,
    labels::{Call, Cause, OUTCOMES, Outcome, Status, StreamEnd, UpstreamCall},
};
use crate::model::job::ImportStatus;

impl Inner {
    /// Creates all series at zero, so that the first event is a change.
    pub(super) fn begin_at_zero(&self) {
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

    pub(super) fn register_streams(&self, registry: &mut Registry) {
        registry.register("viewers", "Open progress streams", self.viewers.clone());
        registry.register("followed_jobs", "Followed jobs", self.followed_jobs.clone());
        registry.register(
            "streams_opened",
            "Opened progress streams",
            self.streams_opened.clone(),
        );
        registry.register(
            "streams_closed",
            "Closed progress streams, by cause",
            self.streams_closed.clone(),
        );
        registry.register(
            "streams_refused",
            "Progress streams rejected because of a limit",
            self.streams_refused.clone(),
        );
        registry.register(
            "frames_sent",
            "Events and heartbeats sent to viewers",
            self.frames_sent.clone(),
        );
        registry.register_with_unit(
            "sent",
            "Bytes sent to viewers",
            Unit::Bytes,
            self.bytes_sent.clone(),
        );
    }

    pub(super) fn register_upstream(&self, registry: &mut Registry) {
        registry.register(
            "upstream_state",
            "State of the connection to the price monitor: 1 for the current state",
            self.upstream_state.clone(),
        );
        registry.register(
            "upstream_connections",
            "Opened sockets to the price monitor",
            self.upstream_connections.clone(),
        );
        registry.register(
            "upstream_losses",
            "Lost and failed connections to the price monitor",
            self.upstream_losses.clone(),
        );
        registry.register(
            "upstream_reports",
            "Reports received from the price monitor",
            self.upstream_reports.clone(),
        );
        registry.register(
            "upstream_skipped",
            "Unreadable messages from the price monitor, which are skipped",
            self.upstream_skipped.clone(),
        );
        registry.register_with_unit(
            "upstream_request_duration",
            "Response time of the price monitor's REST API",
            Unit::Seconds,
            self.upstream_request.clone(),
        );
    }

    pub(super) fn register_imports(&self, registry: &mut Registry) {
        registry.register(
            "imports_started",
            "Started imports",
            self.imports_started.clone(),
        );
        registry.register(
            "imports_ended",
            "Ended imports, by status",
            self.imports_ended.clone(),
        );
        registry.register_with_unit(
            "end_record_duration",
            "Time to record the end of an import in the database, before it is sent to viewers",
            Unit::Seconds,
            self.end_recorded.clone(),
        );
        registry.register(
            "imports",
            "Waiting and running imports of the embedded price monitor, of all its workers",
            self.imports.clone(),
        );
        registry.register(
            "imports_wait_for_room",
            "1 while imports of the embedded price monitor wait because the disk is full",
            self.imports_wait_for_room.clone(),
        );
        registry.register(
            "rows",
            "Rows that the embedded price monitor has read, by outcome",
            self.rows.clone(),
        );
        registry.register_with_unit(
            "batch_commit_duration",
            "Time to commit a batch of rows in the embedded price monitor",
            Unit::Seconds,
            self.batch_committed.clone(),
        );
    }

    pub(super) fn register_server(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "http_request_duration",
            "Time from request to response head",
            Unit::Seconds,
            self.http_request.clone(),
        );
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
        registry.register_with_unit(
            "resident_memory",
            "Resident memory of the process",
            Unit::Bytes,
            self.process.resident_memory.clone(),
        );
        registry.register(
            "database_connections",
            "Used and idle database connections",
            self.database_connections.clone(),
        );
        registry.register_with_unit(
            "disk_free",
            "Free space on the disk of product files",
            Unit::Bytes,
            self.disk_free.clone(),
        );
        registry.register(
            "open_files",
            "Open files and sockets",
            self.process.open_files.clone(),
        );
        registry.register(
            "tasks",
            "Live asynchronous tasks",
            self.process.tasks.clone(),
        );
    }
}
