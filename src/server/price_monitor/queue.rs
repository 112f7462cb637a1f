//! Runs queued imports.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{import::Importer, readers, workers::Workers};
use crate::{
    model::job::UnixMillis,
    server::{
        store::{StoreError, leases::Claimed},
        telemetry::Metrics,
    },
};

const LOOK: Duration = Duration::from_secs(3);

const SAID_AGAIN: Duration = Duration::from_secs(60);

/// Lease renewal interval; several fit into a lease.
const RENEWAL: Duration = Duration::from_secs(4);

/// The imports running here. Waiting ones are in the database only.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    importer: Arc<Importer>,
    workers: Workers,
    running: Mutex<HashMap<String, CancellationToken>>,
    /// Notified when an import may wait or a slot is free.
    wake: Notify,
    metrics: Metrics,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

struct Slot {
    queue: Queue,
    id: String,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.queue.running().remove(&self.id);
        self.queue.wake();
    }
}

impl Queue {
    /// Creates a queue; `tasks` owns its tasks.
    pub(super) fn new(
        importer: Importer,
        workers: Workers,
        metrics: Metrics,
        tasks: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            importer: Arc::new(importer),
            workers,
            running: Mutex::default(),
            wake: Notify::new(),
            metrics,
            tasks: tasks.clone(),
            shutdown,
        }))
    }

    /// Runs imports until shutdown; running ones then finish their batch.
    pub(super) fn start(&self) {
        let (queue, shutdown) = (self.clone(), self.0.shutdown.clone());
        self.0.tasks.spawn(async move {
            shutdown.run_until_cancelled(queue.take_imports()).await;
        });
        // Renews leases until the last import has committed its batch.
        let (queue, shutdown) = (self.clone(), self.0.shutdown.clone());
        let imports = self.0.tasks.clone();
        tokio::spawn(async move {
            let over = async {
                shutdown.cancelled().await;
                imports.wait().await;
            };
            tokio::select! {
                () = queue.renew_leases() => {}
                () = over => {}
            }
        });
    }

    pub(super) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Stops an import if it runs here. Returns whether it does.
    pub(super) fn stop(&self, id: &str) -> bool {
        let running = self.running();
        let stop = running.get(id);
        stop.inspect(|stop| stop.cancel()).is_some()
    }

    pub(super) async fn cancel(&self, id: &str) -> Result<(), StoreError> {
        if self.stop(id) {
            // Recorded in case this process ends first.
            if let Err(error) = self.0.workers.note_unwanted(id).await {
                tracing::warn!(id, %error, "cannot tell other workers that an import was cancelled");
            }
            return Ok(());
        }
        if !self.0.workers.cancel(id).await? {
            self.finish_cancelled(id).await;
        }
        Ok(())
    }

    /// Runs to completion even if the caller is dropped.
    async fn finish_cancelled(&self, id: &str) {
        let (importer, id) = (Arc::clone(&self.0.importer), id.to_owned());
        let ending = self
            .0
            .tasks
            .spawn(async move { importer.finish_cancelled(&id).await });
        // The panic is already logged.
        let _ = ending.await;
    }

    pub(super) async fn give_unanswered_up(&self, before: UnixMillis) -> Result<(), StoreError> {
        self.0.importer.give_unanswered_up(before).await
    }

    pub(super) fn waits_for_room(&self) -> bool {
        self.0.metrics.imports_wait_for_room()
    }

    pub(super) fn stands_still(&self, id: &str) -> bool {
        self.0.importer.space.has(id)
    }

    async fn take_imports(&self) {
        let mut last_said: Option<Instant> = None;
        loop {
            let mut is_full = false;
            while self.running().len() < readers::IMPORTS {
                let claimed = self.0.workers.claim_next(&self.at_hand()).await;
                is_full = claimed.as_ref().is_err_and(StoreError::is_full);
                match claimed {
                    Ok(Some(claimed)) => self.run(claimed),
                    Ok(None) => break,
                    Err(error) => {
                        if last_said.is_none_or(|said| said.elapsed() >= SAID_AGAIN) {
                            last_said = Some(Instant::now());
                            let what = if is_full {
                                "imports wait until the database has space"
                            } else {
                                "cannot look for imports"
                            };
                            tracing::warn!(%error, "{what}");
                        }
                        break;
                    }
                }
            }
            let waits = is_full || self.0.importer.space.is_any();
            self.0.metrics.set_imports_wait_for_room(waits);
            tokio::select! {
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn run(&self, claimed: Claimed) {
        let stop = self.0.shutdown.child_token();
        self.running().insert(claimed.id.clone(), stop.clone());
        let slot = Slot {
            queue: self.clone(),
            id: claimed.id,
        };
        self.0.tasks.spawn(async move {
            let (id, inner) = (slot.id.as_str(), &slot.queue.0);
            if claimed.is_unwanted {
                inner.importer.finish_cancelled(id).await;
            } else {
                inner.importer.run(id, &stop).await;
            }
            inner.workers.release(id).await;
        });
    }

    async fn renew_leases(&self) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            let running: Vec<_> = self.running().keys().cloned().collect();
            match self.0.workers.renew(&running).await {
                Ok(unwanted) => {
                    for import in unwanted {
                        self.stop(&import);
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot renew leases"),
            }
        }
    }

    /// Returns imports not to claim: running ones, and ended ones that are not recorded yet.
    fn at_hand(&self) -> Vec<String> {
        let mut all: Vec<_> = self.running().keys().cloned().collect();
        all.extend(self.0.importer.ends_to_record());
        all
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
