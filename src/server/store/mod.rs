//! What is kept: accounts, sessions, jobs and products, in SQLite or PostgreSQL.
//!
//! Every query is written once, for both. Nothing outside this module names a table.

mod entity;
pub mod jobs;
mod migration;
pub mod monitor_imports;
pub mod products;
pub mod sessions;
pub mod users;

use std::{path::Path, time::Duration};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;
use thiserror::Error;

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

impl Store {
    /// Connects, makes the SQLite file and its directory where they are missing, and migrates.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened or its schema not be brought up to date.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        if let Some(directory) = url.sqlite_path().and_then(Path::parent) {
            std::fs::create_dir_all(directory)?;
        }
        let mut options = ConnectOptions::new(url.expose());
        options
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
        let db = Database::connect(options).await?;
        migration::Migrator::up(&db, None).await?;
        Ok(Self { db })
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
