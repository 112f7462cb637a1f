//! The newest known state of a job, and how a report makes a newer one (pure).

use super::report::{Report, Verdict};
use crate::{
    job::{ImportStatus, ProductImportJob, ProgressEvent, UnixMillis},
    server::store::jobs::JobState,
};

/// The newest known state of a job.
///
/// Counts never go backwards, and nothing comes after a final state: an import's progress is a
/// monotone value, whatever order its reports arrive in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Snapshot {
    pub(super) event: ProgressEvent,
    pub(super) failed_skus: Option<Vec<String>>,
    pub(super) completed_at: Option<UnixMillis>,
}

impl Snapshot {
    /// Returns whether the job is over.
    pub(super) fn is_final(&self) -> bool {
        self.event.status.is_final()
    }

    /// Returns the state that the report leads to, or `None` where it says nothing new.
    pub(super) fn after(&self, report: Report, now: UnixMillis) -> Option<Self> {
        if self.is_final() {
            return None;
        }
        let mut next = self.clone();
        let event = &mut next.event;
        // Maxima of several reports may add up to more than any of them says.
        let own_sum = report.processed + report.failed;
        let is_late = own_sum < self.event.progress().done();
        event.processed_products = event.processed_products.max(report.processed);
        event.failed_products = event.failed_products.max(report.failed);
        if report.total > 0 && (!is_late || event.total_products == 0) {
            event.total_products = report.total;
        }
        if report.failed_skus.is_some() && !is_late {
            next.failed_skus = report.failed_skus;
        }
        let total = match report.total {
            0 => next.event.total_products,
            own => own,
        };
        let is_all = total > 0 && own_sum >= total;
        if let Some((status, error)) = end(&next.event, is_all, report.verdict) {
            next.event.status = status;
            next.event.error = error;
            next.completed_at = Some(report.completed_at.unwrap_or(now));
        }
        (next != *self).then_some(next)
    }

    /// Writes the state into a job that is about to be shown.
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

/// Says whether, and how, the job is over. `is_all`: the report's own counts add up to all products.
fn end(
    event: &ProgressEvent,
    is_all: bool,
    verdict: Verdict,
) -> Option<(ImportStatus, Option<String>)> {
    match verdict {
        Verdict::Failed(reason) => Some((ImportStatus::Error, Some(reason))),
        Verdict::Ended(ImportStatus::Error) => {
            Some((ImportStatus::Error, Some("The import failed.".to_owned())))
        }
        Verdict::Ended(status) => Some((status, None)),
        Verdict::Completed => Some(by_counts(event)),
        Verdict::Open if is_all => Some(by_counts(event)),
        Verdict::Open => None,
    }
}

fn by_counts(event: &ProgressEvent) -> (ImportStatus, Option<String>) {
    match (event.processed_products, event.failed_products) {
        (_, 0) => (ImportStatus::Success, None),
        (0, _) => (
            ImportStatus::Error,
            Some("No product could be imported.".to_owned()),
        ),
        _ => (ImportStatus::PartialSuccess, None),
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
            },
            failed_skus: None,
            completed_at: job.completed_at,
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
    fn counts_of_different_reports_do_not_add_up_to_an_end() {
        let snapshot = after([counts(6, 4, 12), counts(8, 2, 12)]);
        assert_eq!(snapshot.event.status, ImportStatus::Pending);
        let snapshot = after([counts(6, 4, 12), counts(8, 2, 12), counts(10, 2, 12)]);
        assert_eq!(snapshot.event.status, ImportStatus::PartialSuccess);
        // A report that does not say how many there are is held against what is known.
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
            verdict: Verdict::Failed("gone".to_owned()),
            ..Report::default()
        };
        let snapshot = after([counts(5, 0, 10), failed]);
        assert_eq!(snapshot.event.processed_products, 5);
        assert_eq!(snapshot.event.error.as_deref(), Some("gone"));
        assert_eq!(snapshot.completed_at, Some(7));
    }

    #[test]
    fn the_same_report_again_is_nothing_new() {
        let snapshot = after([counts(5, 0, 10)]);
        assert_eq!(snapshot.after(counts(5, 0, 10), 8), None);
    }

    fn any_report() -> impl Strategy<Value = Report> {
        let verdict = prop_oneof![
            8 => Just(Verdict::Open),
            1 => Just(Verdict::Completed),
            1 => Just(Verdict::Ended(ImportStatus::Success)),
            1 => Just(Verdict::Failed("reason".to_owned())),
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
                    prop_assert!(next.event.processed_products >= now.event.processed_products);
                    prop_assert!(next.event.failed_products >= now.event.failed_products);
                    prop_assert_eq!(next.is_final(), next.completed_at.is_some());
                    now = next;
                }
            }
        }
    }
}
