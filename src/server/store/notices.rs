//! Notifications between processes by PostgreSQL's `LISTEN` and `NOTIFY`, on one connection per process besides the
//! pool.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sqlx::postgres::PgListener;
use tokio::{
    sync::{Mutex, broadcast},
    task::AbortHandle,
};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::server::{config::DatabaseUrl, identity::user::UserId};

const CHANNEL: &str = "import_relay_monitor";

const REVOCATIONS: &str = "import_relay_revocations";

/// Maximum bytes of a notification (PostgreSQL allows less than 8000).
pub(crate) const MAX_NOTICE: usize = 7_900;

/// Notifications a receiver may lag behind.
const BACKLOG: usize = 1024;

const ECHO: Duration = Duration::from_secs(5);

/// The listening connection; exists while there are receivers.
#[derive(Debug)]
pub(super) struct Listener {
    url: DatabaseUrl,
    hearing: Mutex<Weak<Hearing>>,
}

/// Ends with the last receiver.
#[derive(Debug)]
struct Hearing {
    heard: broadcast::WeakSender<Heard>,
    task: AbortHandle,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Debug)]
enum Heard {
    Notice {
        channel: Arc<str>,
        text: Arc<str>,
    },
    /// Notifications may be missing after a reconnect.
    Gap,
}

impl Listener {
    pub(super) fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            hearing: Mutex::default(),
        }
    }

    async fn listen(&self, channel: &'static str) -> Result<Notices, StoreError> {
        let mut current = self.hearing.lock().await;
        if let Some(hearing) = current.upgrade()
            && let Some(sender) = hearing.heard.upgrade()
        {
            let heard = sender.subscribe();
            return Ok(Notices {
                channel,
                heard,
                _hearing: hearing,
            });
        }
        let mut listener = PgListener::connect(self.url.expose()).await.map_err(lost)?;
        listener
            .listen_all([CHANNEL, REVOCATIONS])
            .await
            .map_err(lost)?;
        let (sender, heard) = broadcast::channel(BACKLOG);
        let weak = sender.downgrade();
        // Dropping the last receiver aborts it.
        let task = tokio::spawn(hear(listener, sender)).abort_handle();
        let hearing = Arc::new(Hearing { heard: weak, task });
        *current = Arc::downgrade(&hearing);
        Ok(Notices {
            channel,
            heard,
            _hearing: hearing,
        })
    }
}

/// Forwards notifications until the connection fails, which closes the sender.
async fn hear(mut listener: PgListener, sender: broadcast::Sender<Heard>) {
    loop {
        let heard = match listener.try_recv().await {
            Ok(Some(notice)) => Heard::Notice {
                channel: notice.channel().into(),
                text: notice.payload().into(),
            },
            Ok(None) => Heard::Gap,
            Err(error) => {
                tracing::debug!(%error, "LISTEN ended");
                return;
            }
        };
        let _ = sender.send(heard);
    }
}

pub(crate) struct Notices {
    channel: &'static str,
    heard: broadcast::Receiver<Heard>,
    _hearing: Arc<Hearing>,
}

pub(crate) struct Revocations(Notices);

impl Revocations {
    /// Returns `None` if some may have been missed. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<UserId>, StoreError> {
        Ok(self.0.next().await?.map(UserId::new))
    }
}

impl Store {
    /// Notifies every process of this database, including this one. Not stored.
    pub(crate) async fn notify(&self, text: &str) -> Result<(), StoreError> {
        self.notify_on(CHANNEL, text).await
    }

    /// Notifies other instances to recheck a user's streams. No effect on SQLite.
    pub(crate) async fn notify_revoked(&self, user: &UserId) -> Result<(), StoreError> {
        if !self.has_workers() {
            return Ok(());
        }
        self.notify_on(REVOCATIONS, user.as_str()).await
    }

    /// Subscribes to ended sessions. `None` on SQLite.
    pub(crate) async fn listen_for_revocations(&self) -> Result<Option<Revocations>, StoreError> {
        Ok(self.listen_on(REVOCATIONS).await?.map(Revocations))
    }

    async fn notify_on(&self, channel: &str, text: &str) -> Result<(), StoreError> {
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_notify($1, $2)",
            [channel.into(), text.into()],
        );
        self.db.execute_raw(statement).await?;
        Ok(())
    }

    /// Subscribes to notifications. `None` on SQLite.
    pub(crate) async fn listen(&self) -> Result<Option<Notices>, StoreError> {
        self.listen_on(CHANNEL).await
    }

    async fn listen_on(&self, channel: &'static str) -> Result<Option<Notices>, StoreError> {
        if !self.has_workers() {
            return Ok(None);
        }
        Ok(Some(self.listener.listen(channel).await?))
    }

    /// Checks that notifications arrive. Poolers in transaction mode deliver none, and break prepared statements.
    ///
    /// # Errors
    ///
    /// [`StoreError::Pooler`] if none arrives.
    pub async fn check_notices(&self) -> Result<(), StoreError> {
        if !self.has_workers() {
            return Ok(());
        }
        let channel = format!("import_relay_{}", Uuid::now_v7().simple());
        let mut listener = PgListener::connect(self.listener.url.expose())
            .await
            .map_err(lost)?;
        listener.listen(&channel).await.map_err(lost)?;
        self.db
            .execute_unprepared(&format!("NOTIFY {channel}"))
            .await?;
        match tokio::time::timeout(ECHO, listener.try_recv()).await {
            Ok(Ok(Some(_))) => Ok(()),
            Ok(Err(error)) => Err(lost(error)),
            Ok(Ok(None)) | Err(_) => Err(StoreError::Pooler),
        }
    }
}

impl Notices {
    /// Returns `None` if some may have been missed. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, StoreError> {
        loop {
            match self.heard.recv().await {
                Ok(Heard::Notice { channel, text }) if *channel == *self.channel => {
                    return Ok(Some(text.to_string()));
                }
                Ok(Heard::Notice { .. }) => {}
                Ok(Heard::Gap) | Err(broadcast::error::RecvError::Lagged(_)) => return Ok(None),
                Err(broadcast::error::RecvError::Closed) => {
                    return Err(lost(sqlx::Error::PoolClosed));
                }
            }
        }
    }
}

fn lost(error: sqlx::Error) -> StoreError {
    StoreError::Notices(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::test_database::TestDatabase;

    #[tokio::test]
    async fn another_instance_hears_whose_sessions_end() {
        let database = TestDatabase::create().await;
        let here = Store::open(&database.url).await.unwrap();
        let there = Store::open(&database.url).await.unwrap();
        let user = UserId::new("ada");
        let heard = there.listen_for_revocations().await.unwrap();
        here.notify_revoked(&user).await.unwrap();
        let Some(mut heard) = heard else {
            assert!(!there.has_workers(), "on SQLite there is no other");
            return;
        };
        // The workers have a channel of their own.
        here.notify("something else").await.unwrap();
        let next = tokio::time::timeout(Duration::from_secs(20), heard.next());
        assert_eq!(next.await.unwrap().unwrap(), Some(user));
    }

    #[tokio::test]
    async fn with_two_connections_all_channels_are_heard_and_both_are_free() {
        let database = TestDatabase::create().await;
        let store = Store::open(&database.url.clone().with_max_connections(2))
            .await
            .unwrap();
        if !store.has_workers() {
            return;
        }
        store.check_notices().await.unwrap();
        let mut words = store.listen().await.unwrap().unwrap();
        let mut revocations = store.listen_for_revocations().await.unwrap().unwrap();
        let mut more = store.listen().await.unwrap().unwrap();
        let query = "SELECT CAST(count(*) AS BIGINT) AS n FROM pg_stat_activity \
             WHERE datname = current_database() AND query LIKE 'LISTEN%import_relay_monitor%'";
        let row = Statement::from_string(DbBackend::Postgres, query);
        let row = store.db.query_one_raw(row).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 1);
        // Both connections are taken; a third attempt gives up.
        let hold = || async {
            let held = sea_orm::TransactionTrait::begin(&store.db).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            held.commit().await.unwrap();
        };
        let user = UserId::new("ada");
        let all = async {
            tokio::join!(hold(), hold(), hold(), hold());
            store.notify("a word").await.unwrap();
            store.notify_revoked(&user).await.unwrap();
            for heard in [&mut words, &mut more] {
                assert_eq!(heard.next().await.unwrap().as_deref(), Some("a word"));
            }
            assert_eq!(revocations.next().await.unwrap(), Some(user.clone()));
        };
        tokio::time::timeout(Duration::from_secs(20), all)
            .await
            .unwrap();
        // Listening can restart.
        drop((words, revocations, more));
        let mut again = store.listen().await.unwrap().unwrap();
        store.notify("again").await.unwrap();
        let next = tokio::time::timeout(Duration::from_secs(20), again.next());
        assert_eq!(next.await.unwrap().unwrap().as_deref(), Some("again"));
    }
}
