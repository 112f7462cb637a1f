//! Connections that stand apart from the others: what reads through many rows leaves those be that write or that
//! somebody waits for, and the sign of life tells of the database alone.

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sqlx::{SqliteConnection, sqlite::SqliteSynchronous};

use super::{StoreError, sqlite_options};
use crate::server::config::DatabaseUrl;

/// The most connections of searches.
const SEARCHES: u32 = 4;

/// How long a search waits for its turn.
const TURN: Duration = Duration::from_secs(20);

/// How long a statement of a search may take.
pub(super) const SEARCH: Duration = Duration::from_secs(5);

/// Instructions of SQLite between two looks at the clock.
const BETWEEN_LOOKS: i32 = 100_000;

/// Makes the connections of searches. Of PostgreSQL's, a quarter of what the others may be.
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

/// Makes the connections for the sign of life: one may still wait for an answer that nobody waits for any more.
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

/// Has SQLite give up whatever this connection is at when its time is over, which begins now.
async fn give_time(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let end = Instant::now() + SEARCH;
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(BETWEEN_LOOKS, move || Instant::now() < end);
    Ok(())
}
