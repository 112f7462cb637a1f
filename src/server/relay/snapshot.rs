//! The newest state of a job, and its transition by a report (pure).

use std::sync::Arc;

use price_monitor_wire::{EndStatus, Report, Verdict};

use super::reasons;
use crate::{
    i18n::messages::ErrorCode,
    model::{
        job::{ImportProgress, ImportStatus, ProductImportJob, ProgressEvent, UnixMillis},
        job_state::JobState,
        reason::Reason,
    },
};

/// Later completion times are invalid, in milliseconds from now.
const FUTURE: UnixMillis = 86_400_000;

/// Maximum failed SKUs of an event, and their bytes.
const FEW_SKUS: usize = 100;
const SKUS_BYTES: usize = 4096;

/// The newest state of a job. It is monotone, whatever the order of reports: counts never decrease before the end, and
/// a final state never changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Snapshot {
    pub(super) event: ProgressEvent,
    pub(super) failed_skus: Option<Arc<Vec<String>>>,
    pub(super) completed_at: Option<UnixMillis>,
    pub(super) end: Option<End>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct End {
    verdict: Verdict,
    /// Whether the counts are those of the final report and reach its total.
    is_exact: bool,
}

impl Snapshot {
    pub(super) fn is_final(&self) -> bool {
        self.event.status.is_final()
    }

    /// Returns what is recorded of a job, with all that is known of its end.
    pub(super) fn recorded(job: &ProductImportJob) -> Self {
        let mut snapshot = Self::from(job);
        if snapshot.is_final() {
            snapshot.event.completed_at = job.completed_at;
            snapshot.failed_skus = Some(Arc::new(job.failed_product_skus.clone()));
        }
        snapshot
    }

    /// Returns the event for subscribers. An end includes the failed products, if they are known and few.
    pub(super) fn told(&self) -> ProgressEvent {
        let mut event = self.event.clone();
        if self.is_final() {
            let is_told = |skus: &&Vec<String>| {
                let bytes: usize = skus.iter().map(String::len).sum();
                let is_known = !skus.is_empty() || event.failed_products == 0;
                is_known && skus.len() <= FEW_SKUS && bytes <= SKUS_BYTES
            };
            event.failed_product_skus = self.failed_skus.as_deref().filter(is_told).cloned();
        }
        event
    }

    /// Returns `None` if nothing changes.
    pub(super) fn after(&self, report: Report, now: UnixMillis) -> Option<Self> {
        if self.is_final() {
            return None;
        }
        let mut next = self.clone();
        let event = &mut next.event;
        // Maxima of several reports may exceed each of their sums.
        let own_sum = report.processed.saturating_add(report.failed);
        let is_late = own_sum < event.progress().done();
        let total = match report.total {
            0 => event.total_products,
            own => own,
        };
        let is_all = total > 0 && own_sum >= total;
        let is_over = is_all || report.verdict != Verdict::Open;
        if is_all {
            event.processed_products = report.processed;
            event.failed_products = report.failed;
            event.total_products = total;
        } else {
            event.processed_products = event.processed_products.max(report.processed);
            event.failed_products = event.failed_products.max(report.failed);
            if report.total > 0 && (!is_late || event.total_products == 0) {
                event.total_products = report.total;
            }
        }
        match report.failed_skus {
            // An empty list is meaningful only if nothing failed.
            Some(skus)
                if !is_late
                    && (!skus.is_empty() || report.failed == 0)
                    && next.failed_skus.as_deref() != Some(&skus) =>
            {
                next.failed_skus = Some(Arc::new(skus));
            }
            _ => {}
        }
        if is_over {
            let completed_at = report
                .completed_at
                .filter(|at| *at <= now.saturating_add(FUTURE));
            next.event.completed_at = completed_at;
            next.completed_at = Some(completed_at.unwrap_or(now));
            next.end = Some(End {
                verdict: report.verdict,
                is_exact: is_all,
            });
            next.judge();
        }
        (next != *self).then_some(next)
    }

    /// Merges the end with counts that other instances recorded, which can change the result.
    pub(super) fn over(&self, recorded: &ProductImportJob) -> Self {
        let mut merged = self.clone();
        if self.end.as_ref().is_none_or(|end| end.is_exact) {
            return merged;
        }
        let (own, theirs) = (self.event.progress(), recorded.progress());
        let event = &mut merged.event;
        event.processed_products = own.processed_products.max(theirs.processed_products);
        event.failed_products = own.failed_products.max(theirs.failed_products);
        let is_behind = theirs.done() > own.done() || own.total_products == 0;
        if is_behind && theirs.total_products > 0 {
            event.total_products = theirs.total_products;
        }
        merged.judge();
        merged
    }

    fn judge(&mut self) {
        if let Some(end) = &self.end {
            let (status, error) = outcome(self.event.progress(), &end.verdict);
            self.event.status = status;
            self.event.error = error;
        }
    }

    pub(super) fn show_in(&self, job: &mut ProductImportJob) {
        job.status = self.event.status;
        job.error.clone_from(&self.event.error);
        job.processed_products = self.event.processed_products;
        job.failed_products = self.event.failed_products;
        job.total_products = Some(self.event.total_products).filter(|total| *total > 0);
        job.completed_at = self.completed_at;
        if let Some(skus) = &self.failed_skus {
            job.failed_product_skus.clone_from(skus);
        }
    }
}

/// Returns the final status: an error stays one, else the counts decide.
fn outcome(counts: ImportProgress, verdict: &Verdict) -> (ImportStatus, Option<Reason>) {
    let failed = |why: ErrorCode| (ImportStatus::Error, Some(why.into()));
    match verdict {
        Verdict::Failed(failure) => return (ImportStatus::Error, Some(reasons::of(failure))),
        Verdict::Ended(EndStatus::Error) => return failed(ErrorCode::ImportFailed),
        Verdict::Ended(EndStatus::Cancelled) => return failed(ErrorCode::Cancelled),
        Verdict::Ended(EndStatus::Success | EndStatus::PartialSuccess)
        | Verdict::Completed
        | Verdict::Open => {}
    }
    let ImportProgress {
        processed_products: processed,
        failed_products: failures,
        total_products: total,
    } = counts;
    let is_partial = *verdict == Verdict::Ended(EndStatus::PartialSuccess);
    if processed == 0 && failures > 0 && failures >= total {
        failed(ErrorCode::NothingImported)
    } else if processed == 0 && (failures > 0 || total > 0) {
        failed(ErrorCode::EndedEarly)
    } else if failures > 0 || counts.done() < total || is_partial {
        (ImportStatus::PartialSuccess, None)
    } else {
        (ImportStatus::Success, None)
    }
}

impl From<&ProductImportJob> for Snapshot {
    fn from(job: &ProductImportJob) -> Self {
        let progress = job.progress();
        Self {
            event: ProgressEvent {
                processed_products: progress.processed_products,
                failed_products: progress.failed_products,
                total_products: progress.total_products,
                status: job.status,
                error: job.error.clone(),
                mode: job.mode,
                ..ProgressEvent::default()
            },
            failed_skus: None,
            completed_at: job.completed_at,
            end: None,
        }
    }
}

impl From<&Snapshot> for JobState {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            status: snapshot.event.status,
            error: snapshot.event.error.clone(),
            total_products: snapshot.event.total_products,
            processed_products: snapshot.event.processed_products,
            failed_products: snapshot.event.failed_products,
            failed_product_skus: snapshot.failed_skus.clone(),
            completed_at: snapshot.completed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(processed: u64, failed: u64, total: u64) -> Report {
        Report {
            processed,
            failed,
            total,
            ..Report::default()
        }
    }

    fn after(reports: impl IntoIterator<Item = Report>) -> Snapshot {
        reports
            .into_iter()
            .fold(Snapshot::default(), |snapshot, report| {
                snapshot.after(report, 7).unwrap_or(snapshot)
            })
    }

    #[test]
    fn the_counts_end_a_job() {
        assert_eq!(after([counts(4, 1, 6)]).event.status, ImportStatus::Pending);
        assert_eq!(after([counts(6, 0, 6)]).event.status, ImportStatus::Success);
        assert_eq!(
            after([counts(5, 1, 6)]).event.status,
            ImportStatus::PartialSuccess
        );
        assert_eq!(after([counts(0, 6, 6)]).event.status, ImportStatus::Error);
        assert_eq!(after([counts(0, 0, 0)]).event.status, ImportStatus::Pending);
    }

    #[test]
    fn an_end_tells_the_service_s_time_and_the_failed_products_if_they_are_known_and_few() {
        let failed = |skus: Vec<String>| Report {
            failed_skus: Some(skus),
            completed_at: Some(5),
            ..counts(5, 1, 6)
        };
        let running = after([Report {
            failed_skus: Some(vec!["a".to_owned()]),
            ..counts(1, 1, 6)
        }]);
        assert_eq!(running.told(), running.event);
        let told = after([failed(vec!["a".to_owned()])]).told();
        assert_eq!(told.completed_at, Some(5));
        assert_eq!(told.failed_product_skus, Some(vec!["a".to_owned()]));
        let skus_of = |snapshot: Snapshot| snapshot.told().failed_product_skus;
        let unsaid = after([counts(5, 1, 6)]).told();
        assert_eq!(
            (unsaid.completed_at, unsaid.failed_product_skus),
            (None, None)
        );
        let many = vec!["a".to_owned(); FEW_SKUS + 1];
        assert_eq!(skus_of(after([failed(many)])), None);
        assert_eq!(
            skus_of(after([failed(vec!["a".repeat(SKUS_BYTES + 1)])])),
            None
        );

        let mut recorded = ProductImportJob::pending("7".parse().unwrap());
        assert_eq!(skus_of(Snapshot::recorded(&recorded)), None);
        recorded.status = ImportStatus::PartialSuccess;
        recorded.failed_products = 1;
        recorded.completed_at = Some(9);
        assert_eq!(skus_of(Snapshot::recorded(&recorded)), None, "not recorded");
        recorded.failed_product_skus = vec!["b".to_owned()];
        let told = Snapshot::recorded(&recorded).told();
        assert_eq!(told.completed_at, Some(9));
        assert_eq!(told.failed_product_skus, Some(vec!["b".to_owned()]));
    }

    #[test]
    fn counts_of_different_reports_do_not_add_up_to_an_end() {
        let snapshot = after([counts(6, 4, 12), counts(8, 2, 12)]);
        assert_eq!(snapshot.event.status, ImportStatus::Pending);
        let snapshot = after([counts(6, 4, 12), counts(8, 2, 12), counts(10, 2, 12)]);
        assert_eq!(snapshot.event.status, ImportStatus::PartialSuccess);
        // A report without a total uses the known one.
        let snapshot = after([counts(0, 0, 12), counts(12, 0, 0)]);
        assert_eq!(snapshot.event.status, ImportStatus::Success);
    }

    #[test]
    fn a_late_report_takes_nothing_back() {
        let snapshot = after([counts(5, 0, 10), counts(3, 0, 8)]);
        assert_eq!(snapshot, after([counts(5, 0, 10)]));
    }

    #[test]
    fn a_report_without_counts_keeps_them() {
        let failed = Report {
            verdict: Verdict::Failed("gone".into()),
            ..Report::default()
        };
        let snapshot = after([counts(5, 0, 10), failed]);
        assert_eq!(snapshot.event.processed_products, 5);
        assert_eq!(snapshot.event.error, Some(Reason::words("gone")));
        assert_eq!(snapshot.completed_at, Some(7));
    }

    #[test]
    fn the_same_report_again_is_nothing_new() {
        let snapshot = after([counts(5, 0, 10)]);
        assert_eq!(snapshot.after(counts(5, 0, 10), 8), None);
    }

    fn ended(verdict: Verdict, processed: u64, failed: u64, total: u64) -> Snapshot {
        after([Report {
            verdict,
            ..counts(processed, failed, total)
        }])
    }

    #[test]
    fn counts_that_are_not_all_there_are_never_a_success() {
        const EARLY: &str = "The import ended before anything was imported.";
        use ImportStatus::{Error, PartialSuccess, Success};
        for verdict in [
            Verdict::Completed,
            Verdict::Ended(EndStatus::Success),
            Verdict::Ended(EndStatus::PartialSuccess),
        ] {
            for (processed, failed, total, status, error) in [
                (60, 0, 100, PartialSuccess, None),
                (60, 10, 100, PartialSuccess, None),
                (0, 0, 100, Error, Some(EARLY)),
                (0, 3, 100, Error, Some(EARLY)),
                (0, 9, 9, Error, Some("No products were imported.")),
                (90, 10, 100, PartialSuccess, None),
            ] {
                let end = ended(verdict.clone(), processed, failed, total).event;
                let said = end.error.as_ref().map(Reason::message);
                assert_eq!((end.status, said), (status, error));
            }
        }
        for (verdict, status) in [
            (Verdict::Completed, Success),
            (Verdict::Ended(EndStatus::Success), Success),
            (Verdict::Ended(EndStatus::PartialSuccess), PartialSuccess),
        ] {
            assert_eq!(ended(verdict.clone(), 9, 0, 9).event.status, status);
            assert_eq!(
                ended(verdict, 0, 0, 0).event.status,
                status,
                "nothing is known"
            );
        }
    }

    #[test]
    fn a_cancelled_import_says_so() {
        let end = ended(Verdict::Ended(EndStatus::Cancelled), 3, 0, 9).event;
        assert!(end.error.is_some_and(|error| error.is_cancelled()));
    }

    #[test]
    fn a_report_that_adds_up_replaces_the_maxima() {
        let event = after([counts(6, 4, 12), counts(12, 0, 12)]).event;
        assert_eq!(
            (event.progress(), event.status),
            (counts_of(12, 0, 12), ImportStatus::Success)
        );
        let last = Report {
            verdict: Verdict::Completed,
            ..counts(10, 2, 12)
        };
        let event = after([counts(6, 4, 12), last]).event;
        let status = ImportStatus::PartialSuccess;
        assert_eq!(
            (event.progress(), event.status),
            (counts_of(10, 2, 12), status)
        );
        // A report without counts keeps them.
        let last = Report {
            verdict: Verdict::Completed,
            ..counts(8, 2, 12)
        };
        let event = after([counts(6, 4, 12), last]).event;
        assert_eq!(event.progress(), counts_of(8, 4, 12));
    }

    fn counts_of(processed: u64, failed: u64, total: u64) -> ImportProgress {
        ImportProgress {
            processed_products: processed,
            failed_products: failed,
            total_products: total,
        }
    }

    #[test]
    fn an_end_takes_in_what_others_have_counted() {
        let mut recorded = ProductImportJob {
            total_products: Some(12),
            processed_products: 6,
            failed_products: 4,
            ..ProductImportJob::pending("a".parse().unwrap())
        };
        // Ended by a report without counts.
        let over = ended(Verdict::Completed, 0, 0, 0).over(&recorded).event;
        assert_eq!(over.progress(), counts_of(6, 4, 12));
        assert_eq!(over.status, ImportStatus::PartialSuccess);
        let behind = ended(Verdict::Ended(EndStatus::Success), 3, 0, 3);
        assert_eq!(
            behind.over(&recorded).event.progress(),
            counts_of(3, 0, 3),
            "it adds up"
        );
        // Counts that add up replace recorded ones, too.
        let exact = after([counts(12, 0, 12)]);
        assert_eq!(exact.over(&recorded), exact);
        recorded.processed_products = 0;
        recorded.failed_products = 0;
        let over = ended(Verdict::Completed, 5, 0, 0).over(&recorded).event;
        assert_eq!(
            (over.progress(), over.status),
            (counts_of(5, 0, 12), ImportStatus::PartialSuccess)
        );
    }

    #[test]
    fn a_time_in_the_far_future_is_not_believed() {
        let report = Report {
            verdict: Verdict::Completed,
            completed_at: Some(253_402_300_799_999),
            ..counts(1, 0, 2)
        };
        assert_eq!(after([report]).completed_at, Some(7));
    }

    fn any_report() -> impl Strategy<Value = Report> {
        let verdict = prop_oneof![
            8 => Just(Verdict::Open),
            1 => Just(Verdict::Completed),
            1 => Just(Verdict::Ended(EndStatus::Success)),
            1 => Just(Verdict::Failed("reason".into())),
        ];
        (0..50u64, 0..5u64, 0..60u64, verdict).prop_map(|(processed, failed, total, verdict)| {
            Report {
                verdict,
                ..counts(processed, failed, total)
            }
        })
    }

    proptest! {
        #[test]
        fn counts_only_grow_and_an_end_is_the_end(
            reports in proptest::collection::vec(any_report(), 0..40),
        ) {
            let mut now = Snapshot::default();
            for report in reports {
                let next = now.after(report, 7);
                if now.is_final() {
                    prop_assert_eq!(next, None);
                    continue;
                }
                if let Some(next) = next {
                    let (before, after) = (now.event.progress(), next.event.progress());
                    let only_grows = after.processed_products >= before.processed_products
                        && after.failed_products >= before.failed_products;
                    // Except for a final report whose own counts are complete.
                    let is_all = after.total_products > 0 && after.done() >= after.total_products;
                    prop_assert!(only_grows || next.is_final() && is_all);
                    if next.event.status == ImportStatus::Success {
                        prop_assert!(after.failed_products == 0 && after.done() >= after.total_products);
                    }
                    prop_assert_eq!(next.is_final(), next.completed_at.is_some());
                    now = next;
                }
            }
        }
    }
}
