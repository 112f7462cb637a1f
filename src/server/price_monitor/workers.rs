//! Several processes that share the work: each takes imports by leases, and tells the others how the
//! ones it runs stand, so that a socket to any of them hears of every import.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::uploads::Uploads;
use crate::{
    job::ImportProgress,
    server::store::{
        Store, StoreError,
        leases::{Claim, Orphan, WorkerId},
        notices::MAX_NOTICE,
    },
};

/// How long an import stays with a worker that says nothing more.
const LEASE: Duration = Duration::from_secs(15);
/// How often a worker says that it lives.
const RENEWAL: Duration = Duration::from_secs(4);
/// How often it looks for imports that nobody is at.
const LOOK: Duration = Duration::from_secs(3);
/// How long an import whose file is not here is left for a worker that has it.
const ELSEWHERE: i64 = 10 * 60 * 1000;
/// How often a worker says of an import that waits for it that its file is not lost.
const WAITING: i64 = 60 * 1000;
/// The time until what was lost is listened to again.
const DEAF: Duration = Duration::from_secs(1);

/// This process among those that share the work. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Workers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: WorkerId,
    store: Store,
    uploads: Uploads,
    /// The most imports of one user that all workers together are at.
    per_user: usize,
}

/// What workers tell each other.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    /// An import is so far.
    Running(ImportProgress),
    /// An import is over: the database knows how.
    Over,
    /// An import is wanted no more.
    Cancel,
}

#[derive(Debug, Deserialize, Serialize)]
struct Notice {
    from: String,
    id: String,
    word: Word,
}

impl Workers {
    pub(super) fn new(store: Store, uploads: Uploads, per_user: usize) -> Self {
        Self(Arc::new(Inner {
            id: WorkerId::new(),
            store,
            uploads,
            per_user,
        }))
    }

    /// Takes an import, unless another worker has it or its user has enough that run. The next look
    /// finds again what was refused; where there are no others there is no look, and nothing is.
    pub(super) async fn claim(&self, id: &str) -> Claim {
        let Inner {
            id: worker,
            store,
            per_user,
            ..
        } = &*self.0;
        let claimed = store.claim_monitor_import(id, worker, LEASE, *per_user);
        claimed.await.unwrap_or_else(|error| {
            tracing::warn!(id, %error, "an import could not be taken");
            if store.has_workers() {
                Claim::Refused
            } else {
                Claim::Mine
            }
        })
    }

    /// Gives an import back, whether it is over or not.
    pub(super) async fn release(&self, id: &str) {
        if !self.0.store.has_workers() {
            return;
        }
        if let Err(error) = self.0.store.release_monitor_import(id, &self.0.id).await {
            tracing::warn!(id, %error, "an import could not be given back; its lease ends by itself");
        }
    }

    /// Records that somebody wants an import no more.
    pub(super) async fn note_unwanted(&self, id: &str) {
        if let Err(error) = self.0.store.want_monitor_import_cancelled(id).await {
            tracing::warn!(id, %error, "that an import is to be cancelled is known to this process alone");
        }
    }

    /// Has whoever is at an import stop it. Returns whether somebody is. Should the word be lost, they
    /// read it in the database when they next renew their lease, or whoever comes after them.
    pub(super) async fn cancel(&self, id: &str) -> Result<bool, StoreError> {
        if !self.0.store.has_workers() {
            return Ok(false);
        }
        self.0.store.want_monitor_import_cancelled(id).await?;
        if !self.0.store.is_leased(id).await? {
            return Ok(false);
        }
        self.tell(id, Word::Cancel).await;
        Ok(true)
    }

    /// Tells the others. Losing a word is no harm: a newer one follows, and the database knows the
    /// end.
    pub(super) async fn tell(&self, id: &str, word: Word) {
        if !self.0.store.has_workers() {
            return;
        }
        let notice = Notice {
            from: self.0.id.as_str().to_owned(),
            id: id.to_owned(),
            word,
        };
        let text = serde_json::to_string(&notice).unwrap_or_default();
        if text.is_empty() || text.len() > MAX_NOTICE {
            return;
        }
        if let Err(error) = self.0.store.notify(&text).await {
            tracing::debug!(id, %error, "the other workers were not told of an import");
        }
    }

    /// Keeps this worker's leases, has `found` called with every import that nobody is at, now and again
    /// and again, and `heard` with every word of the others, until `shutdown`. Does nothing where there
    /// are no others.
    pub(super) fn run<F, H, W>(
        &self,
        found: F,
        heard: H,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) where
        F: Fn(Orphan) + Send + Sync + 'static,
        H: Fn(String, Word) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        if !self.0.store.has_workers() {
            return;
        }
        tracing::info!(worker = self.0.id.as_str(), "This worker takes imports");
        let (renewing, looking, listening) = (
            self.clone().renew(heard.clone()),
            self.clone().look(found),
            self.clone().listen(heard),
        );
        let ends = shutdown.clone();
        tasks.spawn(async move { ends.run_until_cancelled(looking).await });
        let ends = shutdown.clone();
        tasks.spawn(async move { ends.run_until_cancelled(listening).await });
        // Leases are kept until the last import has committed its batch.
        let imports = tasks.clone();
        let ends = shutdown.clone();
        tokio::spawn(async move {
            let over = async {
                ends.cancelled().await;
                imports.wait().await;
            };
            tokio::select! {
                () = renewing => {}
                () = over => {}
            }
        });
    }

    async fn renew<W: Future<Output = ()>>(self, heard: impl Fn(String, Word) -> W) {
        let Inner { id, store, .. } = &*self.0;
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Err(error) = store.renew_leases(id, LEASE).await {
                tracing::warn!(%error, "leases could not be renewed");
            }
            match store.unwanted_monitor_imports(id).await {
                Ok(unwanted) => {
                    for import in unwanted {
                        heard(import, Word::Cancel).await;
                    }
                }
                Err(error) => tracing::warn!(%error, "imports to cancel could not be looked for"),
            }
        }
    }

    async fn look(self, found: impl Fn(Orphan)) {
        loop {
            match self.0.store.orphaned_monitor_imports().await {
                Ok(orphans) => {
                    for orphan in orphans {
                        if self.may_take(&orphan).await {
                            found(orphan);
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "imports could not be looked for"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether an import is to be taken here: its file is here, or it needs none, or nobody who has the
    /// file has been heard of for long.
    async fn may_take(&self, orphan: &Orphan) -> bool {
        let Inner {
            id, store, uploads, ..
        } = &*self.0;
        let import = &orphan.import;
        if !uploads.has(&import.stored_as).await {
            return orphan.cancel_wanted || orphan.alone_for > ELSEWHERE;
        }
        if orphan.alone_for > WAITING
            && let Err(error) = store.wait_for_monitor_import(&import.id, id).await
        {
            tracing::debug!(id = import.id, %error, "an import's waiting could not be recorded");
        }
        true
    }

    async fn listen<W: Future<Output = ()>>(self, heard: impl Fn(String, Word) -> W) {
        loop {
            match self.listen_once(&heard).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the other workers cannot be heard"),
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
            // What was missed is told by REST to whoever asks.
            let Some(text) = notices.next().await? else {
                continue;
            };
            let Ok(notice) = serde_json::from_str::<Notice>(&text) else {
                continue;
            };
            if notice.from != self.0.id.as_str() {
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
            from: WorkerId::new().as_str().to_owned(),
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
