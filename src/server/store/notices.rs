//! Words from process to process, by PostgreSQL's LISTEN and NOTIFY.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sqlx::postgres::PgListener;

use super::{Store, StoreError};

/// The channel on which the embedded price monitor's workers talk.
const CHANNEL: &str = "import_relay_monitor";

/// The most bytes of a notice (PostgreSQL takes less than 8000).
pub(crate) const MAX_NOTICE: usize = 7_900;

/// Hears what is said.
pub(crate) struct Notices(PgListener);

impl Store {
    /// Says something to every process on this database, this one too. It is lost on who does not
    /// listen.
    pub(crate) async fn notify(&self, text: &str) -> Result<(), StoreError> {
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_notify($1, $2)",
            [CHANNEL.into(), text.into()],
        );
        self.db.execute_raw(statement).await?;
        Ok(())
    }

    /// Listens to what is said from now on. `None` on SQLite, where there is nobody else.
    pub(crate) async fn listen(&self) -> Result<Option<Notices>, StoreError> {
        if !self.has_workers() {
            return Ok(None);
        }
        let pool = self.db.get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await.map_err(lost)?;
        listener.listen(CHANNEL).await.map_err(lost)?;
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
