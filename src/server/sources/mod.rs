//! Sources of product files: fetched when due, and imported if changed.
//!
//! The [runner] is a kind of [work](super::work): one process at a time runs a source, under a lease. Its files are
//! imported like uploads.

mod login;
mod runner;
mod schedule;
pub(crate) mod service;
mod upload;

use std::{path::PathBuf, sync::Arc};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::runner::Runs;
use super::{
    config::{Config, Monitor},
    encryption::{KeyFileError, Keys},
    imports::Imports,
    store::Store,
    telemetry::Metrics,
    uploads::{remote_file::RemoteFiles, space::Space},
    work::{Clock, Process, Worker},
};

/// Sources and their runs. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    store: Store,
    imports: Imports,
    files: RemoteFiles,
    space: Space,
    metrics: Metrics,
    keys: Option<Keys>,
    /// Directory of fetched files that may turn out unchanged.
    directory: PathBuf,
    max_file: u64,
    told_after: u64,
    /// Sources need the embedded price monitor.
    is_on: bool,
    process: Process,
    wake: Arc<Notify>,
}

impl Sources {
    /// Reads the keys. Fails if the key file cannot be used.
    pub(crate) fn new(
        config: &Config,
        imports: Imports,
        files: RemoteFiles,
        space: Space,
        store: &Store,
        metrics: &Metrics,
    ) -> Result<Self, KeyFileError> {
        Ok(Self {
            store: store.clone(),
            imports,
            files,
            space,
            metrics: metrics.clone(),
            keys: Keys::open(config)?,
            directory: config.data_dir.join("fetched"),
            max_file: config.imports.max_upload,
            told_after: config.imports.source_failures,
            is_on: matches!(config.monitor, Monitor::Embedded { .. }),
            process: Process::new(store.clone(), Clock::Shared),
            wake: Arc::default(),
        })
    }

    pub(crate) fn start(&self, tasks: &TaskTracker, shutdown: &CancellationToken) {
        if self.is_on {
            tasks.spawn(self.worker(shutdown.clone()).run(shutdown.clone()));
        }
    }

    fn worker(&self, shutdown: CancellationToken) -> Worker<Runs> {
        let runs = Runs {
            sources: self.clone(),
            shutdown,
        };
        Worker::new(self.process.clone(), runs, Arc::clone(&self.wake))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
