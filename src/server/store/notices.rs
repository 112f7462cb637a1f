//! Words from process to process, by PostgreSQL's LISTEN and NOTIFY.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sqlx::postgres::PgListener;

use super::{Store, StoreError, users::UserId};

/// The channel on which the embedded price monitor's workers talk.
const CHANNEL: &str = "import_relay_monitor";

/// The channel on which instances tell each other whose sessions have ended.
const REVOCATIONS: &str = "import_relay_revocations";

/// The most bytes of a notice (PostgreSQL takes less than 8000).
pub(crate) const MAX_NOTICE: usize = 7_900;

/// Hears what is said.
pub(crate) struct Notices(PgListener);

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

    async fn listen_on(&self, channel: &str) -> Result<Option<Notices>, StoreError> {
        if !self.has_workers() {
            return Ok(None);
        }
        let pool = self.db.get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await.map_err(lost)?;
        listener.listen(channel).await.map_err(lost)?;
        Ok(Some(Notices(listener)))
    }
}

impl Notices {
    /// Waits for the next notice; `None` when some may have been missed because the connection was
    /// lost. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, StoreError> {
        let heard = self.0.try_recv().await.map_err(lost)?;
        Ok(heard.map(|notice| notice.payload().to_owned()))
    }
}

fn lost(error: sqlx::Error) -> StoreError {
    StoreError::Notices(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
}
