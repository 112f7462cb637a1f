//! Words from process to process, by PostgreSQL's LISTEN and NOTIFY.
//!
//! A process listens on one connection, to all channels at once, and that one is beside the pool: however few
//! connections there may be, none is held for as long as the process runs.

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

use super::{Store, StoreError, users::UserId};
use crate::server::config::DatabaseUrl;

/// The channel on which the embedded price monitor's workers talk.
const CHANNEL: &str = "import_relay_monitor";

/// The channel on which instances tell each other whose sessions have ended.
const REVOCATIONS: &str = "import_relay_revocations";

/// The most bytes of a notice (PostgreSQL takes less than 8000).
pub(crate) const MAX_NOTICE: usize = 7_900;

/// Notices that whoever listens may be behind before some are missed.
const BACKLOG: usize = 1024;

/// How long a notice to oneself may take.
const ECHO: Duration = Duration::from_secs(5);

/// The one connection that listens, while somebody does.
#[derive(Debug)]
pub(super) struct Listener {
    url: DatabaseUrl,
    hearing: Mutex<Weak<Hearing>>,
}

/// It ends when nobody listens any more.
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
    /// The connection was lost and is back.
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
        // Dropping the last one who listens aborts it.
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

/// Passes on what is heard, for as long as the connection can be had. Whoever listens finds out by the
/// sender's end.
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
        // Nobody may be listening just now.
        let _ = sender.send(heard);
    }
}

/// Hears what is said on a channel.
pub(crate) struct Notices {
    channel: &'static str,
    heard: broadcast::Receiver<Heard>,
    _hearing: Arc<Hearing>,
}

/// Hears whose sessions end.
pub(crate) struct Revocations(Notices);

impl Revocations {
    /// Waits for the next; `None` when some may have been missed. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<Option<UserId>, StoreError> {
        Ok(self.0.next().await?.map(UserId::of_notice))
    }
}

impl Store {
    /// Says something to every process on this database, this one too. It is lost on who does not
    /// listen.
    pub(crate) async fn notify(&self, text: &str) -> Result<(), StoreError> {
        self.notify_on(CHANNEL, text).await
    }

    /// Tells the other instances that a user's streams are to be looked at. On SQLite there are none.
    pub(crate) async fn notify_revoked(&self, user: &UserId) -> Result<(), StoreError> {
        if !self.has_workers() {
            return Ok(());
        }
        self.notify_on(REVOCATIONS, user.as_str()).await
    }

    /// Listens to whose sessions end, from now on. `None` on SQLite, where there is nobody else.
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

    /// Listens to what is said from now on. `None` on SQLite, where there is nobody else.
    pub(crate) async fn listen(&self) -> Result<Option<Notices>, StoreError> {
        self.listen_on(CHANNEL).await
    }

    async fn listen_on(&self, channel: &'static str) -> Result<Option<Notices>, StoreError> {
        if !self.has_workers() {
            return Ok(None);
        }
        Ok(Some(self.listener.listen(channel).await?))
    }

    /// Sees that a notice comes to whoever listens. By a pooler that hands connections on between
    /// transactions none does, nor do prepared statements work.
    ///
    /// # Errors
    ///
    /// [`StoreError::Pooler`] when none comes, and when the database fails.
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
    /// Waits for the next notice; `None` when some may have been missed because the connection was
    /// lost. Safe to cancel.
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
        let user = UserId::for_tests("ada");
        let heard = there.listen_for_revocations().await.unwrap();
        here.notify_revoked(&user).await.unwrap();
        let Some(mut heard) = heard else {
            assert!(!there.has_workers(), "on SQLite there is no other");
            return;
        };
        // What the price monitor's workers tell each other is on a channel of its own.
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
        // Each of the two is held for a while, and another one is waited for no longer than that.
        let hold = || async {
            let held = sea_orm::TransactionTrait::begin(&store.db).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            held.commit().await.unwrap();
        };
        let user = UserId::for_tests("ada");
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
        // Who begins to listen once nobody does is heard again.
        drop((words, revocations, more));
        let mut again = store.listen().await.unwrap().unwrap();
        store.notify("again").await.unwrap();
        let next = tokio::time::timeout(Duration::from_secs(20), again.next());
        assert_eq!(next.await.unwrap().unwrap().as_deref(), Some("again"));
    }
}
