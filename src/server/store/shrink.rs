//! Shrinks a SQLite file after deletions; PostgreSQL does so itself.

use sqlx::SqlitePool;

use super::{Store, StoreError, bulk::failed};

const KEPT: i64 = 256;

/// Pages released per transaction, which blocks writers.
const AT_ONCE: i64 = 1_000;

/// `PRAGMA auto_vacuum` of a file that can shrink.
const INCREMENTAL: i64 = 2;

impl Store {
    /// Releases some free pages. Returns whether there are more.
    pub(crate) async fn shrink(&self) -> Result<bool, StoreError> {
        let Some(pool) = &self.bulk else {
            return Ok(false);
        };
        let free = async {
            let mode: i64 = pragma(pool, "PRAGMA auto_vacuum").await?;
            let free = pragma(pool, "PRAGMA freelist_count").await?;
            Ok(if mode == INCREMENTAL { free - KEPT } else { 0 })
        };
        let free: i64 = free.await.map_err(failed)?;
        if free <= 0 {
            return Ok(false);
        }
        let some = format!("PRAGMA incremental_vacuum({})", free.min(AT_ONCE));
        let given_back = sqlx::query(sqlx::AssertSqlSafe(some)).fetch_all(pool).await;
        given_back.map_err(failed)?;
        Ok(free > AT_ONCE)
    }

    /// Enables shrinking, which rewrites the file once.
    pub(super) async fn let_shrink(&self) -> Result<(), StoreError> {
        let Some(pool) = &self.bulk else {
            return Ok(());
        };
        let write_anew = async {
            let mode: i64 = pragma(pool, "PRAGMA auto_vacuum").await?;
            if mode == INCREMENTAL {
                return Ok(());
            }
            // The first pragma affects the second only on the same connection.
            let mut connection = pool.acquire().await?;
            sqlx::query("PRAGMA auto_vacuum = INCREMENTAL")
                .execute(&mut *connection)
                .await?;
            sqlx::query("VACUUM").execute(&mut *connection).await?;
            Ok(())
        };
        write_anew.await.map_err(failed)
    }
}

async fn pragma(pool: &SqlitePool, pragma: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(pragma).fetch_one(pool).await
}
