//! Sources of product files: fetched when they are due, and imported if they have changed.
//!
//! The [runner] is a kind of [work](super::work): each source is run in one process at a time, under a lease. Its files
//! go the same way as those that a person imports.

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
    /// Where files are while it is not known whether they are wanted.
    directory: PathBuf,
    max_file: u64,
    told_after: u64,
    /// Whether there are sources: the embedded price monitor imports what they say.
    is_on: bool,
    process: Process,
    wake: Arc<Notify>,
}

impl Sources {
    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// If the key file cannot be used.
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
            max_file: config.max_upload,
            told_after: config.source_failures,
            is_on: matches!(config.monitor, Monitor::Embedded { .. }),
            process: Process::new(store.clone(), Clock::Shared),
            wake: Arc::default(),
        })
    }

    /// Runs sources that are due until `shutdown`.
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

    /// Returns whether there are sources.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Has the worker look for due sources now.
    fn wake(&self) {
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
