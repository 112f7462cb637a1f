//! The database's clock, which all workers share.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::StoreError;
use crate::model::job::UnixMillis;

pub(super) const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

pub(super) async fn database_now(db: &impl ConnectionTrait) -> Result<UnixMillis, StoreError> {
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        return Ok(super::now());
    }
    let query = format!("SELECT {NOW} AS now");
    let row = db
        .query_one_raw(Statement::from_string(backend, query))
        .await?;
    match row {
        Some(row) => Ok(row.try_get("", "now")?),
        None => Ok(super::now()),
    }
}
