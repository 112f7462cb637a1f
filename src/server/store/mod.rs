//! Database of accounts, sessions, jobs and products: SQLite or PostgreSQL.
//!
//! Every query is written once, for both. Methods return [`StoreError::Database`] if the database fails.

pub mod account_links;
pub(crate) mod activity;
mod added;
pub mod api_tokens;
pub mod audit;
pub mod backup;
mod bulk;
pub mod changes;
mod clock;
pub mod correctable_rows;
pub(crate) mod deliveries;
mod entity;
mod fault;
mod import_beginnings;
pub(crate) mod import_events;
pub mod janitor;
pub mod jobs;
pub(crate) mod leases;
mod left_alone;
pub(crate) mod load;
pub mod lock;
pub(crate) mod mail_preferences;
mod migration;
pub mod missing;
pub mod monitor_imports;
pub(crate) mod notices;
mod pages;
pub(crate) mod passkey_challenges;
pub(crate) mod passkeys;
mod pools;
pub mod preview;
mod price_order;
pub mod product_list;
mod product_search;
pub mod products;
mod reasons;
pub(crate) mod retention;
pub mod row_notes;
mod schema;
mod search_term;
pub mod sessions;
mod setup_links;
pub(crate) mod share_links;
mod shrink;
pub(crate) mod source_runs;
pub(crate) mod sources;
#[cfg(test)]
pub(crate) mod test_database;
pub mod undo;
pub mod users;
pub(crate) mod webhooks;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use thiserror::Error;

use self::fault::Fault;
pub use self::schema::Schema;
use crate::{
    i18n::messages::ErrorCode,
    model::{clock::now, error::ApiError},
    server::{config::DatabaseUrl, error::advice},
};

/// Connections for writing import rows. SQLite has a single writer, and one connection keeps its pages cached.
const BULK_CONNECTIONS: u32 = 1;

/// A database error. The text is for the log, not for users.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database failed or is unreachable.
    #[error("database: {0}{advice}", advice = fault::advice(.0))]
    Database(#[from] DbErr),
    /// The directory of the database file cannot be created.
    #[error("the directory of the database file cannot be used: {0}{advice}", advice = advice::about_file(.0))]
    Directory(#[from] std::io::Error),
    /// A newer version has migrated the schema.
    #[error(
        "the database is newer than this program (unknown migration {migration}); start the newer \
         version"
    )]
    Newer {
        /// The newest unknown migration.
        migration: String,
    },
    /// Another process uses this SQLite file.
    #[error(
        "{} is in use by another import-relay{process}; only one process can use a SQLite file: stop \
         the other one, give this one its own DATA_DIR, or let both use PostgreSQL",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process, if known.
        process: String,
    },
    /// Listening for notifications failed.
    #[error("LISTEN: {0}{advice}", advice = fault::driver_advice(.0))]
    Notices(#[source] Box<sqlx::Error>),
    /// Notifications do not arrive.
    #[error(
        "NOTIFY does not come through: a connection pooler is not in session mode; use the pooler's \
         session mode, or connect to the database directly"
    )]
    Pooler,
    /// A search timed out or waited too long for a connection.
    #[error("a search was given up: {0}")]
    SearchGivenUp(#[source] DbErr),
    /// The file is damaged.
    #[error("the database is damaged ({0}); restore a backup with `import-relay restore`")]
    Damaged(String),
    /// A row has an invalid value.
    #[error("a row of {table} cannot be read: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The error.
        reason: String,
    },
}

/// The migrated database. Clones share its pools.
#[derive(Clone, Debug)]
pub struct Store {
    db: DatabaseConnection,
    /// For searches, which time out and take no other connections.
    searches: DatabaseConnection,
    /// For lists and filters, which time out too and do not wait for searches.
    lists: DatabaseConnection,
    /// For health checks, independent of other load.
    health: DatabaseConnection,
    /// SQLite writes that can be repeated: import rows, committed with their position without syncing each time.
    bulk: Option<sqlx::SqlitePool>,
    /// Whether the last batch had only new products.
    expects_new: Arc<AtomicBool>,
    listener: Arc<notices::Listener>,
    /// When this process last wrote import rows.
    imported_at: Arc<AtomicI64>,
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if let StoreError::SearchGivenUp(_) = error {
            tracing::warn!(%error, "a search timed out; answering 503");
            return Self::Unavailable(ErrorCode::SearchGivenUp.into());
        }
        // Nothing is stored under such a text, and only a client can have sent it.
        if error.fault() == Some(Fault::NotText) {
            return Self::invalid(ErrorCode::Unreadable);
        }
        tracing::error!(%error, "database error");
        Self::Internal
    }
}

impl StoreError {
    /// Returns whether a retry may succeed.
    pub(crate) fn is_passing(&self) -> bool {
        self.fault().is_some_and(Fault::is_passing)
    }

    /// Converts an error of a search, which may be a timeout.
    fn of_search(error: DbErr) -> Self {
        let is_late = matches!(error, DbErr::ConnectionAcquire(_))
            || Fault::of(&error) == Some(Fault::TimedOut);
        if is_late {
            Self::SearchGivenUp(error)
        } else {
            Self::Database(error)
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.fault() == Some(Fault::Full)
    }

    fn fault(&self) -> Option<Fault> {
        match self {
            Self::Database(error) => Fault::of(error),
            Self::Notices(error) => Fault::of_driver(error),
            _ => None,
        }
    }
}

impl Store {
    /// [Connects](Self::connect) and migrates.
    ///
    /// # Errors
    ///
    /// Also if the schema is newer than this program.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Self::connect(url).await?.up_to_date().await
    }

    /// [Opens](Self::open) the database and checks notifications.
    ///
    /// # Errors
    ///
    /// [`StoreError::Pooler`] if notifications do not arrive.
    pub async fn open_to_hear(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        store.check_notices().await?;
        store.up_to_date().await
    }

    async fn up_to_date(self) -> Result<Self, StoreError> {
        let store = self;
        let applied = store.migrate().await?;
        if !applied.is_empty() {
            tracing::info!(migrations = applied.join(", "), "database migrated");
            // There may be no space for the copy, which is optional.
            if let Err(error) = store.let_shrink().await {
                tracing::warn!(%error, "the database file cannot shrink");
            }
        }
        Ok(store)
    }

    /// Connects; creates a missing SQLite file with its directory.
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
            .map_sqlx_sqlite_opts(|sqlite| sqlite_options(sqlite, SqliteSynchronous::Full))
            .map_sqlx_sqlite_pool_opts(pools::only_settled);
        // If several processes create a SQLite file, one sets its mode and the others fail despite the busy timeout.
        let connect = || async { Ok(Database::connect(options.clone()).await?) };
        let waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_times(8)
            .with_jitter();
        let db = connect
            .retry(waits)
            .when(|error: &StoreError| error.fault() == Some(Fault::Locked))
            .await?;
        let bulk = if url.is_file() {
            let options = url.expose().parse::<SqliteConnectOptions>();
            let options = options.map_err(|error| DbErr::Conn(bulk::runtime(error)))?;
            let options = sqlite_options(options, SqliteSynchronous::Normal);
            let options = bulk::sqlite_options(options);
            let pool = SqlitePoolOptions::new().max_connections(BULK_CONNECTIONS);
            Some(pools::only_settled(pool).connect_lazy_with(options))
        } else {
            None
        };
        Ok(Self {
            db,
            searches: pools::readers(url).await?,
            lists: pools::readers(url).await?,
            health: pools::health(url).await?,
            bulk,
            expects_new: Arc::new(AtomicBool::new(true)),
            listener: Arc::new(notices::Listener::new(url.clone())),
            imported_at: Arc::default(),
        })
    }

    /// Checks a SQLite file for damage: about a second per million rows. PostgreSQL checks its own files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`].
    pub async fn check_file(&self) -> Result<(), StoreError> {
        let backend = self.db.get_database_backend();
        if backend != sea_orm::DbBackend::Sqlite {
            return Ok(());
        }
        let check = Statement::from_string(backend, "PRAGMA quick_check(1)");
        let rows = self.db.query_all_raw(check).await?;
        let said: Option<String> = match rows.first() {
            Some(row) => Some(row.try_get_by_index(0)?),
            None => None,
        };
        match said {
            Some(said) if said != "ok" => Err(StoreError::Damaged(said)),
            _ => Ok(()),
        }
    }

    /// SQLite merges its files on close.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        if let Some(bulk) = &self.bulk {
            bulk.close().await;
        }
        self.searches.close().await?;
        self.lists.close().await?;
        self.health.close().await?;
        Ok(self.db.close().await?)
    }

    /// Returns the schema's version without changing it.
    pub async fn schema(&self) -> Result<Schema, StoreError> {
        Schema::read(&self.db).await
    }

    /// Migrates and returns the names of applied migrations. Of several processes one migrates while the others wait.
    ///
    /// # Errors
    ///
    /// If a migration fails, which leaves the schema unchanged, or the schema is newer than this program.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        schema::migrate(&self.db).await
    }

    /// Returns the database's product name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.db.get_database_backend() {
            sea_orm::DbBackend::Postgres => "PostgreSQL",
            _ => "SQLite",
        }
    }

    pub(crate) fn is_file(&self) -> bool {
        self.bulk.is_some()
    }

    /// Returns the time since this process wrote import rows.
    #[must_use]
    pub fn since_import(&self) -> Duration {
        let ago = now().saturating_sub(self.imported_at.load(Ordering::Relaxed));
        Duration::from_millis(u64::try_from(ago).unwrap_or_default())
    }

    /// Pings the database.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.health.ping().await?)
    }
}

/// Commits are synced, except for bulk writes.
fn sqlite_options(
    sqlite: SqliteConnectOptions,
    synchronous: SqliteSynchronous,
) -> SqliteConnectOptions {
    sqlite
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(20))
        .foreign_keys(true)
}

pub(crate) fn to_db(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Negative values are never written and become 0.
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
            ("synchronous", "2"),
        ] {
            // A function gives each value the same column name.
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
        // Repeatable writes are not synced.
        let bulk = store.bulk.as_ref().unwrap();
        let pragma = "SELECT synchronous FROM pragma_synchronous";
        let synchronous: i64 = sqlx::query_scalar(pragma).fetch_one(bulk).await.unwrap();
        assert_eq!(synchronous, 1);
    }
}
