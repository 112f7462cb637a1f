//! Records problems of the price monitor, for the owner.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use price_monitor_wire::Reading;

use crate::model::status::{ReportSource, UpstreamProblem};

#[derive(Clone, Debug, Default)]
pub(crate) struct Diagnosis(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    socket: Option<UpstreamProblem>,
    events: Reports,
    answers: Reports,
}

#[derive(Debug, Default)]
struct Reports {
    /// Fields of the first report if none is known; unset once a report has known fields.
    unknown: Option<Vec<String>>,
    is_read: bool,
}

impl Reports {
    fn note(&mut self, reading: &Reading, clean: impl Fn(&String) -> String) -> Option<&[String]> {
        if reading.is_known {
            self.is_read = true;
            self.unknown = None;
        }
        if self.is_read || self.unknown.is_some() {
            return None;
        }
        Some(
            self.unknown
                .insert(reading.unknown.iter().map(clean).collect()),
        )
    }

    fn problem(&self, source: ReportSource) -> Option<UpstreamProblem> {
        let fields = self.unknown.clone()?;
        Some(UpstreamProblem::UnknownFields { source, fields })
    }
}

impl Diagnosis {
    pub(crate) fn all(&self) -> Vec<UpstreamProblem> {
        let known = self.lock();
        let events = known.events.problem(ReportSource::Events);
        let answers = known.answers.problem(ReportSource::Answers);
        let socket = known.socket.clone();
        socket.into_iter().chain(events).chain(answers).collect()
    }

    pub(super) fn set(&self, problem: UpstreamProblem) {
        self.lock().socket = Some(problem);
    }

    pub(super) fn has_connected(&self) {
        let socket = &mut self.lock().socket;
        if !matches!(*socket, Some(UpstreamProblem::UnknownNamespace(_))) {
            *socket = None;
        }
    }

    /// Records a report. A first report of a source without known fields is a problem; later ones may be other
    /// messages. `clean` removes secrets from names.
    pub(super) fn note_report(
        &self,
        source: ReportSource,
        reading: &Reading,
        clean: impl Fn(&String) -> String,
    ) {
        let mut known = self.lock();
        let reports = match source {
            ReportSource::Events => &mut known.events,
            ReportSource::Answers => &mut known.answers,
        };
        if let Some(fields) = reports.note(reading, clean) {
            tracing::warn!(
                ?source,
                ?fields,
                "a report of the price monitor holds none of the fields that are known, so it shows no \
                 progress; docs/protocol.md lists them"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(report: &str) -> Reading {
        Reading::from_slice(report.as_bytes()).unwrap()
    }

    fn unknown(source: ReportSource, fields: &[&str]) -> UpstreamProblem {
        let fields = fields.iter().map(|name| (*name).to_owned()).collect();
        UpstreamProblem::UnknownFields { source, fields }
    }

    #[test]
    fn the_fields_of_the_first_report_without_a_known_one_are_named_for_each_source() {
        use ReportSource::{Answers, Events};
        let diagnosis = Diagnosis::default();
        let note = |source, report: &str| {
            diagnosis.note_report(source, &reading(report), |name| name.replace("key", "…"));
        };
        note(Events, r#"{"done":5,"of-key":10}"#);
        note(Events, r#"{"something":"else"}"#);
        assert_eq!(diagnosis.all(), [unknown(Events, &["done", "of-…"])]);
        note(Answers, "{}");
        let both = [unknown(Events, &["done", "of-…"]), unknown(Answers, &[])];
        assert_eq!(diagnosis.all(), both);
        diagnosis.set(UpstreamProblem::OldSocketIo);
        assert_eq!(diagnosis.all()[0], UpstreamProblem::OldSocketIo);
        diagnosis.has_connected();
        assert_eq!(diagnosis.all(), both);
    }

    #[test]
    fn a_source_that_says_what_is_known_has_no_problem() {
        let diagnosis = Diagnosis::default();
        let note = |report: &str| {
            diagnosis.note_report(ReportSource::Events, &reading(report), String::clone);
        };
        note(r#"{"message":"Started"}"#);
        note(r#"{"processedProducts":1}"#);
        assert_eq!(diagnosis.all(), []);
        note(r#"{"message":"Nearly done"}"#);
        assert_eq!(diagnosis.all(), []);
    }
}
