//! The live progress of one import as signals.

use leptos::prelude::*;

use crate::job::{ImportProgress, ImportStatus, ProductImportJob};

/// How the browser stands to the progress stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Connection {
    /// Nothing is open, and nothing will be: the job is over, or the hook's owner is gone.
    #[default]
    Closed,
    /// The first connection is being made.
    Connecting,
    /// The stream is open and alive.
    Open,
    /// The stream was lost; the browser, or the hook, is getting it back.
    Reconnecting,
    /// The server said what ends it for good: signed out, or no such import.
    Refused,
}

/// What [`use_product_import_progress`] gives.
#[derive(Clone, Copy, Debug)]
pub struct UseProductImportProgressReturn {
    /// The newest known counts.
    pub progress: Signal<ImportProgress>,
    /// Where the import stands. A lost connection does not change it.
    pub status: Signal<ImportStatus>,
    /// What is wrong with the job or with the connection, for the user to read.
    pub error: Signal<Option<String>>,
    /// Whether the first state is still to come.
    pub loading: Signal<bool>,
    /// How the browser stands to the stream.
    pub connection: Signal<Connection>,
}

/// Follows the progress of an import.
pub fn use_product_import_progress(
    job: impl Into<Signal<ProductImportJob>>,
) -> UseProductImportProgressReturn {
    let job = job.into();
    UseProductImportProgressReturn {
        progress: Signal::derive(move || job.with(ProductImportJob::progress)),
        status: Signal::derive(move || job.with(|job| job.status)),
        error: Signal::derive(move || job.with(|job| job.error.clone())),
        loading: Signal::derive(|| false),
        connection: Signal::derive(Connection::default),
    }
}
