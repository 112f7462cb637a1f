//! What is kept: accounts, sessions, jobs and products, in SQLite or PostgreSQL.
//!
//! Every query is written once, for both. Nothing outside this module names a table.

pub mod account_links;
pub mod api_tokens;
pub mod audit;
pub mod backup;
mod bulk;
mod entity;
pub mod jobs;
pub(crate) mod leases;
mod migration;
pub mod monitor_imports;
pub(crate) mod notices;
pub mod products;
mod schema;
pub mod sessions;
#[cfg(test)]
pub(crate) mod test_database;
pub mod users;

use std::{path::Path, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use thiserror::Error;

pub use self::{jobs::scope as job_scope, schema::Schema};
use crate::{job::UnixMillis, server::config::DatabaseUrl};

/// Why something could not be kept or found. The text is for the log, not for users.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("database: {0}")]
    Database(#[from] DbErr),
    /// The directory of the database file could not be made.
    #[error("the directory of the database file could not be made: {0}")]
    Directory(#[from] std::io::Error),
    /// The schema is one that a newer version of this program has made.
    #[error(
        "the database is newer than this program, which does not know its migration {migration}; \
         start the newer version"
    )]
    Newer {
        /// The newest migration that is not known.
        migration: String,
    },
    /// The other processes on this database cannot be heard.
    #[error("LISTEN: {0}")]
    Notices(#[source] Box<sqlx::Error>),
    /// A row holds what no row of ours can hold.
    #[error("a row of {table} cannot be read: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        reason: String,
    },
}

/// The database, migrated to the newest schema. Clones share one pool.
#[derive(Clone, Debug)]
pub struct Store {
    db: DatabaseConnection,
}

impl StoreError {
    /// Whether the same may well succeed in a moment: another writer was in the way, or the
    /// connection broke.
    pub(crate) fn is_passing(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        let text = error.to_string().to_lowercase();
        matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
            || [
                "locked",
                "busy",
                "deadlock",
                "serializ",
                "connection",
                "timed out",
            ]
            .iter()
            .any(|word| text.contains(word))
    }

    /// Whether there is no room left to write.
    pub(crate) fn is_full(&self) -> bool {
        let text = self.to_string().to_lowercase();
        ["disk is full", "disk full", "no space left"]
            .iter()
            .any(|word| text.contains(word))
    }
}

impl Store {
    /// [Connects](Self::connect), and brings the schema up to date.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened, its schema not be brought up to date, or the schema is
    /// newer than this program.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        let applied = store.migrate().await?;
        if !applied.is_empty() {
            tracing::info!(
                migrations = applied.join(", "),
                "the database was brought up to date"
            );
        }
        Ok(store)
    }

    /// Connects, and makes the SQLite file and its directory where they are missing.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened.
    pub async fn connect(url: &DatabaseUrl) -> Result<Self, StoreError> {
        if let Some(directory) = url.sqlite_path().and_then(Path::parent) {
            std::fs::create_dir_all(directory)?;
        }
        let mut options = ConnectOptions::new(url.expose());
        options
            .max_connections(url.max_connections())
            .connect_timeout(Duration::from_secs(10))
            .acquire_timeout(Duration::from_secs(30))
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| {
                use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
                sqlite
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    .busy_timeout(Duration::from_secs(20))
                    .foreign_keys(true)
            });
        // Of several processes that make a SQLite file at once, one decides how it is written, which the
        // others are refused at once, whatever their patience.
        let connect = || async { Ok(Database::connect(options.clone()).await?) };
        let waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_times(8)
            .with_jitter();
        let db = connect
            .retry(waits)
            .when(|error: &StoreError| error.to_string().contains("database is locked"))
            .await?;
        Ok(Self { db })
    }

    /// Returns where the schema stands. Changes nothing.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn schema(&self) -> Result<Schema, StoreError> {
        Schema::read(&self.db).await
    }

    /// Brings the schema up to date and returns the names of the migrations that did so. Of several
    /// processes at once, one does it while the others wait.
    ///
    /// # Errors
    ///
    /// When a migration fails, which leaves the schema as it was, or the schema is newer than this
    /// program.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        schema::migrate(&self.db).await
    }

    /// Returns what the database is, as people call it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.db.get_database_backend() {
            sea_orm::DbBackend::Postgres => "PostgreSQL",
            _ => "SQLite",
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.db.ping().await?)
    }
}

/// Returns the current time.
pub(crate) fn now() -> UnixMillis {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis::try_from(since_epoch.as_millis()).unwrap_or(UnixMillis::MAX)
}

/// Turns a count into what the database's integers hold.
pub(crate) fn to_db(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Turns an integer of the database into a count; a negative one, which we never write, is 0.
pub(crate) fn from_db(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Statement};

    use super::{Store, test_database::TestDatabase};

    #[tokio::test]
    async fn sqlite_is_read_while_it_is_written_and_waits_for_its_turn_to_write() {
        let database = TestDatabase::create().await;
        if !database.url.is_file() {
            return;
        }
        let store = Store::open(&database.url).await.unwrap();
        for (pragma, holds) in [
            ("journal_mode", "wal"),
            ("busy_timeout", "20000"),
            ("foreign_keys", "1"),
            ("synchronous", "1"),
        ] {
            // As a function, so that each value has the same name.
            let query = format!("SELECT CAST({pragma} AS TEXT) AS v FROM pragma_{pragma}");
            let query = query.replace("CAST(busy_timeout", "CAST(timeout");
            let backend = store.db.get_database_backend();
            let row = store
                .db
                .query_one_raw(Statement::from_string(backend, query))
                .await
                .unwrap()
                .unwrap();
            let value: String = row.try_get("", "v").unwrap();
            assert_eq!(value, holds, "{pragma}");
        }
    }
}
