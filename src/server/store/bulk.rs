//! Writes many rows with few statements in one transaction.
//!
//! Values are converted to the driver's form in advance, while the database is busy; on demand this takes a third of an
//! import.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sea_orm::{
    DatabaseBackend, DbErr, QueryResult, QueryTrait, RuntimeErr, Value, sea_query::Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, IntoArguments, Postgres, Sqlite, Transaction,
    postgres::PgArguments,
    sqlite::{SqliteArguments, SqliteConnectOptions},
};

use super::{Store, StoreError};

/// Keeps statement journals in memory. Imports change the same pages repeatedly, hence a larger cache and rarer
/// checkpoints.
pub(super) fn sqlite_options(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .pragma("temp_store", "MEMORY")
        // KiB
        .pragma("cache_size", "-16000")
        // pages
        .pragma("wal_autocheckpoint", "8000")
}

/// Values in the driver's form. Cloning does not copy SQLite's text.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl Bound {
    pub(super) fn new(backend: DatabaseBackend, values: Vec<Value>) -> Self {
        match backend {
            DatabaseBackend::Postgres => {
                let values = SqlxValues(Values(values));
                Self::Postgres(IntoArguments::<Postgres>::into_arguments(values))
            }
            _ => Self::Sqlite(sqlite_arguments(values)),
        }
    }

    pub(super) fn none(backend: DatabaseBackend) -> Self {
        Self::new(backend, Vec::new())
    }
}

pub(super) fn sqlite_arguments(values: Vec<Value>) -> SqliteArguments {
    IntoArguments::<Sqlite>::into_arguments(SqlxValues(Values(values)))
}

#[derive(Debug)]
pub(super) enum BulkTransaction {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>, Arc<AtomicBool>),
}

impl BulkTransaction {
    pub(super) async fn begin(store: &Store) -> Result<Self, StoreError> {
        let begun = match &store.bulk {
            Some(pool) => pool.begin().await.map(Self::Sqlite),
            None => {
                let pool = store.db.get_postgres_connection_pool();
                let new = Arc::clone(&store.expects_new);
                pool.begin().await.map(|begun| Self::Postgres(begun, new))
            }
        };
        begun.map_err(|error| DbErr::Conn(runtime(error)).into())
    }

    pub(super) fn backend(&self) -> DatabaseBackend {
        match self {
            Self::Sqlite(_) => DatabaseBackend::Sqlite,
            Self::Postgres(..) => DatabaseBackend::Postgres,
        }
    }

    pub(super) async fn execute(&mut self, query: &impl QueryTrait) -> Result<u64, StoreError> {
        let statement = query.build(self.backend());
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        let bound = Bound::new(self.backend(), values);
        self.execute_bound(statement.sql.into(), bound).await
    }

    pub(super) async fn execute_bound(
        &mut self,
        sql: Arc<str>,
        values: Bound,
    ) -> Result<u64, StoreError> {
        let sql = AssertSqlSafe(sql);
        let executed = match (self, values) {
            (Self::Sqlite(transaction), Bound::Sqlite(values)) => {
                let query = sqlx::query_with(sql, values);
                let done = query.execute(&mut **transaction).await;
                done.map(|done| done.rows_affected())
            }
            (Self::Postgres(transaction, _), Bound::Postgres(values)) => {
                let query = sqlx::query_with(sql, values);
                let done = query.execute(&mut **transaction).await;
                done.map(|done| done.rows_affected())
            }
            _ => return Err(of_the_other_database()),
        };
        executed.map_err(failed)
    }

    pub(super) async fn fetch(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let values = Bound::new(self.backend(), values);
        self.fetch_bound(sql.into(), values).await
    }

    pub(super) async fn fetch_bound(
        &mut self,
        sql: Arc<str>,
        values: Bound,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let sql = AssertSqlSafe(sql);
        let rows = match (self, values) {
            (Self::Sqlite(transaction), Bound::Sqlite(values)) => {
                let rows = sqlx::query_with(sql, values);
                let rows = rows.fetch_all(&mut **transaction).await;
                rows.map(|rows| rows.into_iter().map(QueryResult::from).collect())
            }
            (Self::Postgres(transaction, _), Bound::Postgres(values)) => {
                let rows = sqlx::query_with(sql, values);
                let rows = rows.fetch_all(&mut **transaction).await;
                rows.map(|rows| rows.into_iter().map(QueryResult::from).collect())
            }
            _ => return Err(of_the_other_database()),
        };
        rows.map_err(failed)
    }

    pub(super) async fn has_table(&mut self, name: &str) -> Result<bool, StoreError> {
        let Self::Postgres(transaction, _) = self else {
            return Err(of_the_other_database());
        };
        let there: Option<bool> = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(name)
            .fetch_one(&mut **transaction)
            .await
            .map_err(failed)?;
        Ok(there == Some(true))
    }

    pub(super) async fn copy_in(&mut self, copy: &str, lines: &[u8]) -> Result<(), StoreError> {
        let Self::Postgres(transaction, _) = self else {
            return Err(of_the_other_database());
        };
        let mut copying = transaction.copy_in_raw(copy).await.map_err(failed)?;
        match copying.send(lines).await {
            Ok(_) => copying.finish().await.map(drop).map_err(failed),
            Err(error) => {
                // If this fails too, the rollback closes the connection.
                let _ = copying.abort("it could not be sent").await;
                Err(failed(error))
            }
        }
    }

    /// Like [`copy_in`](Self::copy_in), but rolls back and returns `false` if a key exists.
    pub(super) async fn copy_in_unless_there(
        &mut self,
        copy: &str,
        lines: &[u8],
    ) -> Result<bool, StoreError> {
        self.execute_raw("SAVEPOINT copying").await?;
        match self.copy_in(copy, lines).await {
            Ok(()) => {
                self.execute_raw("RELEASE SAVEPOINT copying").await?;
                Ok(true)
            }
            Err(error) if is_duplicate(&error) => {
                self.execute_raw("ROLLBACK TO SAVEPOINT copying").await?;
                self.expect_new(false);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn execute_raw(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let Self::Postgres(transaction, _) = self else {
            return Err(of_the_other_database());
        };
        let done = sqlx::raw_sql(sql).execute(&mut **transaction).await;
        done.map(drop).map_err(failed)
    }

    /// Returns whether the previous batch had only new products; the next one is likely the same.
    pub(super) fn expects_new(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_, new) => new.load(Ordering::Relaxed),
        }
    }

    pub(super) fn expect_new(&self, is_new: bool) {
        if let Self::Postgres(_, new) = self {
            new.store(is_new, Ordering::Relaxed);
        }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let committed = match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction, _) => transaction.commit().await,
        };
        committed.map_err(failed)
    }
}

pub(super) fn failed(error: sqlx::Error) -> StoreError {
    DbErr::Exec(runtime(error)).into()
}

fn is_duplicate(error: &StoreError) -> bool {
    let StoreError::Database(DbErr::Exec(RuntimeErr::SqlxError(error))) = error else {
        return false;
    };
    let error = error.as_database_error();
    error.is_some_and(|error| error.is_unique_violation())
}

fn of_the_other_database() -> StoreError {
    failed(sqlx::Error::InvalidArgument(
        "this is for the other database".to_owned(),
    ))
}

pub(super) fn runtime(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(error.into())
}
