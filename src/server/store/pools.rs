//! Separate connections for searches, which must not block writers, and for health checks.

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqlitePoolOptions, SqliteSynchronous},
};

use super::{StoreError, sqlite_options};
use crate::server::config::DatabaseUrl;

/// Maximum connections for searches.
const SEARCHES: u32 = 4;

/// How long a search waits for a connection.
const TURN: Duration = Duration::from_secs(20);

/// Timeout of a search statement.
pub(super) const SEARCH: Duration = Duration::from_secs(5);

/// SQLite instructions between checks of the time.
const BETWEEN_LOOKS: i32 = 100_000;

/// Closes connections that come back within a transaction.
///
/// On a full disk SQLite rolls a transaction back by itself. The driver's own rollback then fails, and the driver takes each
/// later transaction on that connection for one within the first, which nobody commits.
pub(super) fn only_settled(pool: SqlitePoolOptions) -> SqlitePoolOptions {
    pool.after_release(|connection, _| {
        Box::pin(async {
            // Behind the rollback.
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    })
}

/// Opens the connections for searches; on PostgreSQL a quarter of the others.
pub(super) async fn searches(url: &DatabaseUrl) -> Result<DatabaseConnection, StoreError> {
    let most = match url.is_file() {
        true => SEARCHES,
        false => (url.max_connections() / 4).clamp(1, SEARCHES),
    };
    let mut options = apart(url, most);
    options
        .acquire_timeout(TURN)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite_options(sqlite, SqliteSynchronous::Normal)
                .pragma("query_only", "1")
                .pragma("cache_size", "-8000")
        })
        .map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_connect(|connection, _| Box::pin(give_time(connection)))
                .before_acquire(|connection, _| {
                    Box::pin(async {
                        give_time(connection).await?;
                        Ok(true)
                    })
                })
        });
    Ok(Database::connect(options).await?)
}

/// Opens the connections for health checks: two, because one may still be in an abandoned query.
pub(super) async fn health(url: &DatabaseUrl) -> Result<DatabaseConnection, StoreError> {
    let mut options = apart(url, 2);
    options
        .acquire_timeout(Duration::from_secs(5))
        .map_sqlx_sqlite_opts(|sqlite| sqlite_options(sqlite, SqliteSynchronous::Normal));
    Ok(Database::connect(options).await?)
}

fn apart(url: &DatabaseUrl, most: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url.expose());
    options
        .max_connections(most)
        .connect_lazy(true)
        .connect_timeout(Duration::from_secs(10))
        .sqlx_logging(false);
    options
}

/// Aborts whatever this SQLite connection does after a timeout that starts now.
async fn give_time(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let end = Instant::now() + SEARCH;
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(BETWEEN_LOOKS, move || Instant::now() < end);
    Ok(())
}
