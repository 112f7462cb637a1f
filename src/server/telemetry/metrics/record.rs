//! Counts events as they happen.

use std::time::Duration;

use super::{
    Metrics,
    labels::{Call, Cause, OUTCOMES, Outcome, Route, Status, StreamEnd, UpstreamCall},
};
use crate::model::job::ImportStatus;

impl Metrics {
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
