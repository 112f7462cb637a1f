//! Counts events as they happen.

use std::time::Duration;

use super::{
    Metrics,
    labels::{
        Attempt, Call, Cause, Channel, OUTCOMES, Outcome, Route, Sent, Status, StreamEnd,
        UpstreamCall,
    },
};
use crate::model::{job::ImportStatus, source::RunOutcome};

impl Metrics {
    /// Counts a stream while the returned value lives.
    pub(crate) fn stream_opened(&self) -> StreamCount {
        self.0.series.streams_opened.inc();
        self.0.series.viewers.inc();
        StreamCount {
            metrics: self.clone(),
            end: StreamEnd::ViewerLeft,
        }
    }

    pub(crate) fn frames_sent(&self, frames: u64, bytes: u64) {
        self.0.series.frames_sent.inc_by(frames);
        self.0.series.bytes_sent.inc_by(bytes);
    }

    pub(crate) fn stream_refused(&self) {
        self.0.series.streams_refused.inc();
    }

    pub(crate) fn upstream_connected(&self) {
        self.0.series.upstream_connections.inc();
    }

    pub(crate) fn upstream_lost(&self) {
        self.0.series.upstream_losses.inc();
    }

    pub(crate) fn upstream_reported(&self) {
        self.0.series.upstream_reports.inc();
    }

    pub(crate) fn upstream_skipped(&self) {
        self.0.series.upstream_skipped.inc();
    }

    pub(crate) fn upstream_answered(&self, call: UpstreamCall, took: Duration) {
        let request = &self.0.series.upstream_request;
        request
            .get_or_create(&Call::of(call))
            .observe(took.as_secs_f64());
    }

    pub(crate) fn import_started(&self) {
        self.0.series.imports_started.inc();
    }

    pub(crate) fn import_ended(&self, status: ImportStatus, recording_took: Duration) {
        let series = &self.0.series;
        series
            .imports_ended
            .get_or_create(&Status::of(status))
            .inc();
        series.end_recorded.observe(recording_took.as_secs_f64());
    }

    pub(crate) fn batch_committed(&self, processed: u64, failed: u64, took: Duration) {
        for (outcome, count) in OUTCOMES.into_iter().zip([processed, failed]) {
            let rows = &self.0.series.rows;
            rows.get_or_create(&Outcome { outcome }).inc_by(count);
        }
        self.0.series.batch_committed.observe(took.as_secs_f64());
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
        let request = &self.0.series.http_request;
        request.get_or_create(&route).observe(took.as_secs_f64());
    }

    pub(crate) fn delivery_attempted(&self, channel: Channel, sent: Sent) {
        let attempts = &self.0.series.delivery_attempts;
        attempts.get_or_create(&Attempt::of(channel, sent)).inc();
    }

    pub(crate) fn source_ran(&self, outcome: RunOutcome) {
        let outcome = outcome.as_str();
        let runs = &self.0.series.source_runs;
        runs.get_or_create(&Outcome { outcome }).inc();
    }
}

#[cfg(test)]
impl Metrics {
    pub(crate) fn attempts(&self, channel: Channel, sent: Sent) -> u64 {
        let attempts = &self.0.series.delivery_attempts;
        attempts.get_or_create(&Attempt::of(channel, sent)).get()
    }

    pub(crate) fn runs(&self, outcome: RunOutcome) -> u64 {
        let outcome = outcome.as_str();
        let runs = &self.0.series.source_runs;
        runs.get_or_create(&Outcome { outcome }).get()
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
        let series = &self.metrics.0.series;
        series.viewers.dec();
        series
            .streams_closed
            .get_or_create(&Cause::of(self.end))
            .inc();
    }
}
