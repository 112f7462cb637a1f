//! The recorded state of a job.

use std::sync::Arc;

use super::{
    job::{ImportStatus, ProductImportJob, UnixMillis},
    reason::Reason,
};

/// A state of a job.
#[derive(Clone, Debug)]
pub struct JobState {
    /// The status.
    pub status: ImportStatus,
    /// The error.
    pub error: Option<Reason>,
    /// Products in the file, 0 if unknown.
    pub total_products: u64,
    /// Imported products.
    pub processed_products: u64,
    /// Failed products.
    pub failed_products: u64,
    /// SKUs of the failed products; `None` keeps the recorded ones.
    pub failed_product_skus: Option<Arc<Vec<String>>>,
    /// The end time.
    pub completed_at: Option<UnixMillis>,
}

/// The effect of recording a state.
#[derive(Clone, Debug)]
pub enum Recorded {
    /// Recorded.
    Updated,
    /// The job has ended with this state.
    Ended(Box<ProductImportJob>),
    /// The job had ended before, with this state.
    Over(Box<ProductImportJob>),
    /// The job was deleted.
    Gone,
}
