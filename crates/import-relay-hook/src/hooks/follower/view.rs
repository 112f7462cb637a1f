//! The view of one job.

use crate::hooks::{Connection, ProgressError};
use crate::model::{
    job::{ImportProgress, ImportStatus, ProductImportJob, ProgressEvent, UnixMillis},
    refusal::Refusal,
};

/// What a page shows of a job.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::hooks) struct View {
    pub(in crate::hooks) progress: ImportProgress,
    pub(in crate::hooks) status: ImportStatus,
    pub(in crate::hooks) error: Option<ProgressError>,
    pub(in crate::hooks) loading: bool,
    pub(in crate::hooks) connection: Connection,
    pub(in crate::hooks) completed_at: Option<UnixMillis>,
    pub(in crate::hooks) failed_product_skus: Option<Vec<String>>,
}

impl View {
    /// Shows a recorded job.
    pub(in crate::hooks) fn of(job: &ProductImportJob) -> Self {
        let (skus, is_over) = (&job.failed_product_skus, job.status.is_final());
        let are_known = is_over && (!skus.is_empty() || job.failed_products == 0);
        Self::new(ProgressEvent {
            processed_products: job.processed_products,
            failed_products: job.failed_products,
            total_products: job.progress().total_products,
            status: job.status,
            error: job.error.clone(),
            completed_at: job.completed_at,
            failed_product_skus: are_known.then(|| skus.clone()),
            ..ProgressEvent::default()
        })
    }

    /// Writes the shown counts into a recorded job.
    pub(in crate::hooks) fn keep_in(&self, job: &mut ProductImportJob) {
        job.processed_products = self.progress.processed_products;
        job.failed_products = self.progress.failed_products;
        if self.progress.total_products > 0 {
            job.total_products = Some(self.progress.total_products);
        }
    }

    /// Applies a state.
    pub(in crate::hooks) fn take(&mut self, state: ProgressEvent) {
        self.progress = state.progress();
        self.status = state.status;
        self.error = state.error.map(ProgressError::Import);
        self.loading = false;
        self.completed_at = state.completed_at;
        self.failed_product_skus = state.failed_product_skus;
    }

    /// Shows a recorded state.
    pub(in crate::hooks) fn new(state: ProgressEvent) -> Self {
        let is_final = state.status.is_final();
        Self {
            progress: state.progress(),
            status: state.status,
            error: state.error.map(ProgressError::Import),
            completed_at: state.completed_at,
            failed_product_skus: state.failed_product_skus,
            loading: !is_final,
            connection: if is_final {
                Connection::Closed
            } else {
                Connection::Connecting
            },
        }
    }
}

impl Default for View {
    /// Shows a job without a known state.
    fn default() -> Self {
        Self::new(ProgressEvent::default())
    }
}

#[derive(Debug)]
pub(super) struct Followed {
    pub(super) view: View,
    pub(super) is_unreadable: bool,
    /// Whether it is followed by name, not only as one of the new ones.
    pub(super) by_name: bool,
    /// Its connection for good, once it has ended or was refused.
    pub(super) over: Option<Connection>,
    /// Its number among the ended jobs.
    pub(super) ended: Option<u64>,
}

impl Followed {
    pub(super) fn new(view: View, by_name: bool) -> Self {
        let over = view.status.is_final().then_some(Connection::Closed);
        Self {
            view,
            is_unreadable: false,
            by_name,
            over,
            ended: None,
        }
    }

    pub(super) fn show(&mut self, mut state: ProgressEvent) {
        if self.over.is_some() {
            return; // an end is final
        }
        self.is_unreadable = false;
        if state.status.is_final() {
            self.over = Some(Connection::Closed);
        } else {
            // A restarted instance may not know yet what another has sent.
            let known = self.view.progress;
            state.processed_products = state.processed_products.max(known.processed_products);
            state.failed_products = state.failed_products.max(known.failed_products);
            if state.total_products == 0 {
                state.total_products = known.total_products;
            }
        }
        self.view.take(state);
    }

    pub(super) fn refuse(&mut self, error: &Refusal) {
        if self.over.is_none() {
            self.view.error = Some(ProgressError::Refused(error.clone()));
            self.view.loading = false;
            self.over = Some(Connection::Refused);
        }
    }
}
