//! Many rows in few statements, in one transaction.
//!
//! What the driver needs of a statement's values is made beforehand, where there is time for it: done while
//! the database waits for it, it takes a third of an import.

use std::sync::Arc;

use sea_orm::{DatabaseBackend, DbErr, QueryTrait, RuntimeErr, Value, sea_query::Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, IntoArguments, Postgres, Sqlite, Transaction, postgres::PgArguments,
    sqlite::SqliteArguments,
};

use super::{Store, StoreError};

/// A statement's values, as the driver takes them. Cloning those for SQLite copies no text.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl Bound {
    pub(super) fn new(backend: DatabaseBackend, values: Vec<Value>) -> Self {
        let values = SqlxValues(Values(values));
        match backend {
            DatabaseBackend::Postgres => {
                Self::Postgres(IntoArguments::<Postgres>::into_arguments(values))
            }
            _ => Self::Sqlite(IntoArguments::<Sqlite>::into_arguments(values)),
        }
    }
}

/// A transaction, which is rolled back unless it is committed.
#[derive(Debug)]
pub(super) enum BulkTransaction {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl BulkTransaction {
    pub(super) async fn begin(store: &Store) -> Result<Self, StoreError> {
        let begun = match &store.bulk {
            Some(pool) => pool.begin().await.map(Self::Sqlite),
            None => {
                let pool = store.db.get_postgres_connection_pool();
                pool.begin().await.map(Self::Postgres)
            }
        };
        begun.map_err(|error| DbErr::Conn(runtime(error)).into())
    }

    pub(super) fn backend(&self) -> DatabaseBackend {
        match self {
            Self::Sqlite(_) => DatabaseBackend::Sqlite,
            Self::Postgres(_) => DatabaseBackend::Postgres,
        }
    }

    /// Executes a query, and returns how many rows it touched.
    pub(super) async fn execute(&mut self, query: &impl QueryTrait) -> Result<u64, StoreError> {
        let statement = query.build(self.backend());
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        let bound = Bound::new(self.backend(), values);
        self.execute_bound(statement.sql.into(), bound).await
    }

    /// Executes a statement with the values of its placeholders, and returns how many rows it touched.
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
            (Self::Postgres(transaction), Bound::Postgres(values)) => {
                let query = sqlx::query_with(sql, values);
                let done = query.execute(&mut **transaction).await;
                done.map(|done| done.rows_affected())
            }
            _ => Err(sqlx::Error::InvalidArgument(
                "the values are for the other database".to_owned(),
            )),
        };
        executed.map_err(|error| DbErr::Exec(runtime(error)).into())
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let committed = match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        };
        committed.map_err(|error| DbErr::Exec(runtime(error)).into())
    }
}

pub(super) fn runtime(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(error.into())
}
