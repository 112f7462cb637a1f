//! Coordinates processes: leases of imports, and notifications of progress, so that any socket gets every import.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::uploads::Uploads;
use crate::{
    model::job::ImportProgress,
    server::store::{
        Store, StoreError,
        leases::{Claimed, Worker},
        notices::MAX_NOTICE,
    },
};

const LEASE: Duration = Duration::from_secs(15);
const SERVING: Duration = Duration::from_secs(30);
const DEAF: Duration = Duration::from_secs(1);

/// This process among the workers.
#[derive(Clone, Debug)]
pub(super) struct Workers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    worker: Worker,
    store: Store,
    uploads: Uploads,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    Running(ImportProgress),
    /// The import has ended; the database has the result.
    Over,
    Cancel,
}

#[derive(Debug, Deserialize, Serialize)]
struct Notice {
    from: String,
    id: String,
    word: Word,
}

impl Workers {
    /// `per_user` limits imports over all workers.
    pub(super) fn new(store: Store, uploads: Uploads, per_user: usize) -> Self {
        Self(Arc::new(Inner {
            worker: Worker::new(uploads.id(), per_user, LEASE),
            store,
            uploads,
        }))
    }

    /// Announces this worker and its directory; call before claiming.
    pub(super) async fn enter(&self) -> Result<(), StoreError> {
        let Inner { worker, store, .. } = &*self.0;
        if !store.has_workers() {
            // Takes over leases and directories of a previous process.
            store.forget_leases().await?;
            store.place_all_monitor_imports(worker).await?;
        }
        self.serve_once().await
    }

    pub(super) async fn claim_next(
        &self,
        but_not: &[String],
    ) -> Result<Option<Claimed>, StoreError> {
        let Inner { worker, store, .. } = &*self.0;
        store.claim_next_monitor_import(worker, but_not).await
    }

    /// Renews leases of running imports; returns the cancelled ones.
    pub(super) async fn renew(&self, running: &[String]) -> Result<Vec<String>, StoreError> {
        self.0.store.renew_leases(&self.0.worker, running).await
    }

    pub(super) async fn release(&self, id: &str) {
        let Inner { worker, store, .. } = &*self.0;
        if let Err(error) = store.release_monitor_import(worker, id).await {
            tracing::warn!(id, %error, "cannot release an import; its lease will expire");
        }
    }

    /// Returns the position in the queue; `None` if it does not wait.
    pub(super) async fn place(&self, id: &str) -> Result<Option<u64>, StoreError> {
        self.0
            .store
            .place_of_monitor_import(&self.0.worker, id)
            .await
    }

    pub(super) async fn note_unwanted(&self, id: &str) -> Result<(), StoreError> {
        self.0.store.want_monitor_import_cancelled(id).await
    }

    /// Tells the worker that runs an import to stop it; returns whether one does. If the notification is lost, the next
    /// lease renewal sees the cancellation.
    pub(super) async fn cancel(&self, id: &str) -> Result<bool, StoreError> {
        self.note_unwanted(id).await?;
        if !self.0.store.is_leased(&self.0.worker, id).await? {
            return Ok(false);
        }
        self.tell(id, Word::Cancel).await;
        Ok(true)
    }

    /// A lost notification does no harm: a newer one follows, or the database has the end.
    pub(super) async fn tell(&self, id: &str, word: Word) {
        if !self.0.store.has_workers() {
            return;
        }
        let notice = Notice {
            from: self.0.worker.name.clone(),
            id: id.to_owned(),
            word,
        };
        let text = serde_json::to_string(&notice).unwrap_or_default();
        if text.is_empty() || text.len() > MAX_NOTICE {
            return;
        }
        if let Err(error) = self.0.store.notify(&text).await {
            tracing::debug!(id, %error, "cannot notify other workers of an import");
        }
    }

    /// Announces its directory and calls `heard` with every notification until `shutdown`. Does nothing with a single
    /// worker.
    pub(super) fn run<H, W>(&self, heard: H, tasks: &TaskTracker, shutdown: &CancellationToken)
    where
        H: Fn(String, Word) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        if !self.0.store.has_workers() {
            return;
        }
        tracing::info!(worker = self.0.worker.name, "This worker runs imports");
        let (serving, listening) = (self.clone().serve(), self.clone().listen(heard));
        let ends = shutdown.clone();
        tasks.spawn(async move { ends.run_until_cancelled(serving).await });
        let ends = shutdown.clone();
        tasks.spawn(async move { ends.run_until_cancelled(listening).await });
    }

    async fn serve(self) {
        loop {
            tokio::time::sleep(SERVING).await;
            if let Err(error) = self.serve_once().await {
                tracing::warn!(%error, "cannot record that this worker serves its files");
            }
        }
    }

    async fn serve_once(&self) -> Result<(), StoreError> {
        let Inner {
            worker,
            store,
            uploads,
        } = &*self.0;
        store.serve_directory(worker).await?;
        let mut here = Vec::new();
        for (id, stored_as) in store.unplaced_monitor_imports().await? {
            if uploads.has(&stored_as).await {
                here.push(id);
            }
        }
        if !here.is_empty() {
            store.place_monitor_imports(worker, &here).await?;
        }
        Ok(())
    }

    async fn listen<W: Future<Output = ()>>(self, heard: impl Fn(String, Word) -> W) {
        loop {
            match self.listen_once(&heard).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "cannot listen to other workers"),
            }
            tokio::time::sleep(DEAF).await;
        }
    }

    async fn listen_once<W: Future<Output = ()>>(
        &self,
        heard: &impl Fn(String, Word) -> W,
    ) -> Result<(), StoreError> {
        let Some(mut notices) = self.0.store.listen().await? else {
            return Ok(());
        };
        loop {
            // Missed progress is available over REST.
            let Some(text) = notices.next().await? else {
                continue;
            };
            let Ok(notice) = serde_json::from_str::<Notice>(&text) else {
                continue;
            };
            if notice.from != self.0.worker.name {
                heard(notice.id, notice.word).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_small_and_reads_back() {
        let notice = Notice {
            from: Worker::new("d", 1, LEASE).name,
            id: "x".repeat(128),
            word: Word::Running(ImportProgress {
                processed_products: u64::MAX,
                failed_products: u64::MAX,
                total_products: u64::MAX,
            }),
        };
        let text = serde_json::to_string(&notice).unwrap();
        assert!(text.len() < MAX_NOTICE);
        let read: Notice = serde_json::from_str(&text).unwrap();
        assert_eq!(read.word, notice.word);
    }
}
