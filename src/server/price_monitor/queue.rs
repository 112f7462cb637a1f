//! Runs imports in the order in which they came, a few at once.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::import::Importer;

/// How many imports run at once: more would only wait for the database.
const RUNNING: usize = 2;

/// The imports that wait.
#[derive(Debug)]
pub(super) struct Queue {
    sender: mpsc::UnboundedSender<String>,
}

impl Queue {
    /// Starts to run what is pushed, until `shutdown` is cancelled; `tasks` owns the imports.
    pub(super) fn start(
        importer: Importer,
        tasks: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        // Unbounded: what waits is an identifier each of jobs that are in the database anyway.
        let (sender, mut waiting) = mpsc::unbounded_channel::<String>();
        let importer = Arc::new(importer);
        let slots = Arc::new(Semaphore::new(RUNNING));
        let imports = tasks.clone();
        let dispatch = async move {
            loop {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                    return;
                };
                let Some(id) = waiting.recv().await else {
                    return;
                };
                let importer = Arc::clone(&importer);
                imports.spawn(async move {
                    importer.run(&id).await;
                    drop(slot);
                });
            }
        };
        tasks.spawn(async move {
            shutdown.run_until_cancelled(dispatch).await;
        });
        Self { sender }
    }

    /// Appends an import. After shutdown it stays for the next start.
    pub(super) fn push(&self, id: String) {
        let _ = self.sender.send(id);
    }
}
