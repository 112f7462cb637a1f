//! Sends progress to subscribed sockets.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use socketioxide::SocketIo;
use tokio::{
    sync::{Mutex, MutexGuard, broadcast, watch},
    time::sleep,
};

use super::{
    message::{MAX_FAILED, ProgressMessage, event_name},
    workers::{Word, Workers},
};
use crate::{
    model::{
        job::{ImportProgress, ImportStatus},
        reason::Reason,
    },
    server::store::{Store, StoreError, monitor_imports::MonitorImport},
};

const INTERVAL: Duration = Duration::from_millis(100);

/// Events that a plain WebSocket may lag before it gets the newest states instead.
const BACKLOG: usize = 1024;

#[derive(Clone, Debug)]
pub(super) struct Announcement {
    pub(super) id: Arc<str>,
    pub(super) message: Arc<ProgressMessage>,
}

type Running = HashMap<String, watch::Receiver<ImportProgress>>;

/// Sends progress to sockets. One lock covers reading and sending a state, so that states are sent in order and no join
/// misses one.
pub(super) struct Announcer {
    store: Store,
    io: SocketIo,
    plain: broadcast::Sender<Announcement>,
    running: Mutex<Running>,
    /// Failed imports whose end is not recorded yet.
    failed: std::sync::Mutex<HashMap<String, Reason>>,
    workers: Workers,
}

pub(super) struct Turn<'a> {
    announcer: &'a Announcer,
    running: MutexGuard<'a, Running>,
}

impl Announcer {
    pub(super) fn new(store: Store, io: SocketIo, workers: Workers) -> Self {
        Self {
            store,
            io,
            plain: broadcast::Sender::new(BACKLOG),
            running: Mutex::default(),
            failed: std::sync::Mutex::default(),
            workers,
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Announcement> {
        self.plain.subscribe()
    }

    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn {
            announcer: self,
            running: self.running.lock().await,
        }
    }

    /// Sends progress at most once per [`INTERVAL`] until the sender is dropped.
    pub(super) async fn follow(&self, id: &str, mut progress: watch::Receiver<ImportProgress>) {
        self.running
            .lock()
            .await
            .insert(id.to_owned(), progress.clone());
        while progress.changed().await.is_ok() {
            let newest = {
                let _turn = self.turn().await;
                let newest = *progress.borrow_and_update();
                self.tell(id, ProgressMessage::pending(newest)).await;
                newest
            };
            self.workers.tell(id, Word::Running(newest)).await;
            sleep(INTERVAL).await;
        }
        self.running.lock().await.remove(id);
    }

    pub(super) async fn finished(&self, import: &MonitorImport) -> Result<(), StoreError> {
        self.failures().remove(&import.id);
        self.tell_end(import).await?;
        self.workers.tell(&import.id, Word::Over).await;
        Ok(())
    }

    /// Call after the question is recorded.
    pub(super) async fn asks(&self, import: &MonitorImport) {
        let _turn = self.turn().await;
        let message = ProgressMessage::recorded(import, Vec::new());
        self.tell(&import.id, message).await;
    }

    /// Sends a failure that is not recorded yet.
    pub(super) async fn failed(&self, id: &str, progress: ImportProgress, error: Reason) {
        self.failures().insert(id.to_owned(), error.clone());
        let _turn = self.turn().await;
        self.tell(id, ProgressMessage::failed(progress, error))
            .await;
    }

    /// Replaces an outdated record's state.
    pub(super) fn up_to_date(&self, import: MonitorImport) -> MonitorImport {
        match self.failures().get(&import.id) {
            Some(error) if !import.status.is_final() => MonitorImport {
                status: ImportStatus::Error,
                error: Some(error.clone()),
                completed_at: Some(import.updated_at),
                ..import
            },
            _ => import,
        }
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, HashMap<String, Reason>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn hear(&self, id: &str, word: Word) {
        match word {
            Word::Running(progress) => {
                let turn = self.turn().await;
                if !turn.running.contains_key(id) {
                    self.tell(id, ProgressMessage::pending(progress)).await;
                }
            }
            Word::Over => {
                let told = match self.store.monitor_import(id).await {
                    Ok(Some(import)) => self.tell_end(&import).await,
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                };
                if let Err(error) = told {
                    tracing::warn!(id, %error, "cannot announce the end of an import");
                }
            }
            Word::Cancel => {}
        }
    }

    async fn tell_end(&self, import: &MonitorImport) -> Result<(), StoreError> {
        let failed = self
            .store
            .monitor_failed_rows(&import.id, MAX_FAILED)
            .await?;
        let _turn = self.turn().await;
        self.tell(&import.id, ProgressMessage::recorded(import, failed))
            .await;
        Ok(())
    }

    async fn tell(&self, id: &str, message: ProgressMessage) {
        emit(&self.io, id, &message).await;
        let _ = self.plain.send(Announcement {
            id: id.into(),
            message: Arc::new(message),
        });
    }
}

/// A socket that is full or gone gets the state when it joins again.
async fn emit(io: &SocketIo, id: &str, message: &ProgressMessage) {
    // `SocketIo::to` panics after shutdown.
    let Some(namespace) = io.of("/") else {
        return;
    };
    let sent = namespace.to(id.to_owned()).emit(event_name(id), message);
    if let Err(error) = sent.await {
        tracing::debug!(id, %error, "some sockets did not receive a state");
    }
}

impl Turn<'_> {
    pub(super) async fn newest(&self, id: &str) -> Result<Option<ProgressMessage>, StoreError> {
        if let Some(progress) = self.running.get(id) {
            return Ok(Some(ProgressMessage::pending(*progress.borrow())));
        }
        let store = &self.announcer.store;
        let Some(import) = store.monitor_import(id).await? else {
            return Ok(None);
        };
        let import = self.announcer.up_to_date(import);
        let failed = if import.status.is_final() {
            store.monitor_failed_rows(id, MAX_FAILED).await?
        } else {
            Vec::new()
        };
        Ok(Some(ProgressMessage::recorded(&import, failed)))
    }
}

impl fmt::Debug for Announcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use socketioxide::extract::SocketRef;

    use super::*;
    use crate::server::price_monitor::socket_io;

    #[tokio::test]
    async fn a_state_that_comes_while_the_service_stops_is_dropped() {
        let (_layer, io) = socket_io::layer();
        io.ns("/", async |_: SocketRef| {});
        let message = ProgressMessage::pending(ImportProgress::default());
        emit(&io, "job", &message).await;
        io.close().await;
        assert!(io.of("/").is_none());
        emit(&io, "job", &message).await;
    }
}
