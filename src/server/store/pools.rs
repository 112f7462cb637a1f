//! Separate connections for searches and for lists, which must not block writers, and for health checks.

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqlitePoolOptions, SqliteSynchronous},
};

use super::{StoreError, sqlite_options};
use crate::server::config::DatabaseUrl;

const READERS: u32 = 4;

const TURN: Duration = Duration::from_secs(20);

pub(super) const SEARCH: Duration = Duration::from_secs(5);

/// SQLite instructions between timeout checks.
const BETWEEN_LOOKS: i32 = 100_000;

/// Closes connections that return to the pool within a transaction.
///
/// On some errors, such as a full disk, SQLite itself rolls back. The driver's rollback then fails, its later
/// transactions become savepoints, and one that is not committed leaves a transaction open, so that all following
/// commits have no effect.
pub(super) fn only_settled(pool: SqlitePoolOptions) -> SqlitePoolOptions {
    pool.before_acquire(|connection, _| {
        let is_settled = !connection.is_in_transaction();
        Box::pin(std::future::ready(Ok(is_settled)))
    })
}

/// Connections whose queries time out; on PostgreSQL a quarter of the other connections.
pub(super) async fn readers(url: &DatabaseUrl) -> Result<DatabaseConnection, StoreError> {
    let most = match url.is_file() {
        true => READERS,
        false => (url.max_connections() / 4).clamp(1, READERS),
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

/// Two connections, because one may still run an abandoned query.
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

/// Interrupts this SQLite connection after a timeout that starts now.
async fn give_time(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let end = Instant::now() + SEARCH;
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(BETWEEN_LOOKS, move || Instant::now() < end);
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    #[tokio::test]
    async fn what_is_committed_after_sqlite_rolled_back_by_itself_is_there_for_all() {
        let directory = tempfile::tempdir().unwrap();
        let file = SqliteConnectOptions::new().filename(directory.path().join("test.db"));
        let options = sqlite_options(file, SqliteSynchronous::Normal);
        let pool = only_settled(SqlitePoolOptions::new().max_connections(1));
        let pool = pool.connect_with(options.clone()).await.unwrap();
        let table = "CREATE TABLE numbers (n INTEGER PRIMARY KEY)";
        sqlx::raw_sql(table).execute(&pool).await.unwrap();

        let mut rolled_back = pool.begin().await.unwrap();
        // The second row rolls the transaction back, like a full disk.
        let twice = "INSERT INTO numbers VALUES (1); INSERT OR ROLLBACK INTO numbers VALUES (1)";
        let refused = sqlx::raw_sql(twice).execute(&mut *rolled_back).await;
        assert!(refused.is_err());
        drop(rolled_back);
        // A savepoint would leave a transaction open.
        drop(pool.begin().await.unwrap());
        for insert in [
            "INSERT INTO numbers VALUES (2)",
            "INSERT INTO numbers VALUES (3)",
        ] {
            let mut transaction = pool.begin().await.unwrap();
            sqlx::raw_sql(insert)
                .execute(&mut *transaction)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
        }

        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        let numbers = sqlx::query_scalar("SELECT n FROM numbers ORDER BY n");
        let numbers: Vec<i64> = numbers.fetch_all(&mut other).await.unwrap();
        assert_eq!(numbers, [2, 3]);
    }
}
