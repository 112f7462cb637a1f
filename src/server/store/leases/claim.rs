//! Which import is next.

use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Value, sea_query::OnConflict,
};

use super::{Claimed, LOST_AFTER, Worker, millis};
use crate::server::store::{Store, StoreError, entity::monitor_lease};

const QUEUE_LOCK: i64 = 0x696d_706f_7175_6575;

impl Store {
    /// Claims the oldest waiting import that this worker may run: its file is here or lost, and its user is below the
    /// limit. Any worker may claim a cancelled one. `but_not`: imports this process still works on.
    pub(crate) async fn claim_next_monitor_import(
        &self,
        worker: &Worker,
        but_not: &[String],
    ) -> Result<Option<Claimed>, StoreError> {
        // Most polls find nothing, with one query.
        let now = worker.now_in_sql(self.db.get_database_backend());
        if next(&self.db, worker, but_not, &now, false)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let transaction = self.begin_to_claim().await?;
        let now = worker.now(&transaction).await?;
        let claimed = next(&transaction, worker, but_not, &now.to_string(), true).await?;
        let Some(claimed) = claimed else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let until = now.saturating_add(millis(worker.lease));
        let lease = monitor_lease::ActiveModel {
            import_id: Set(claimed.id.clone()),
            worker: Set(worker.name.clone()),
            until: Set(until),
        };
        monitor_lease::Entity::insert(lease)
            .on_conflict(
                OnConflict::column(monitor_lease::Column::ImportId)
                    .update_columns([monitor_lease::Column::Worker, monitor_lease::Column::Until])
                    .to_owned(),
            )
            .exec_without_returning(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(claimed))
    }

    /// Excludes concurrent claims, because each counts running imports.
    async fn begin_to_claim(&self) -> Result<sea_orm::DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.db.begin_with_options(options).await?;
        if self.has_workers() {
            let lock = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT pg_advisory_xact_lock($1)",
                [QUEUE_LOCK.into()],
            );
            transaction.execute_raw(lock).await?;
        }
        Ok(transaction)
    }

    /// Counted from 1; `None` if it does not wait.
    pub(crate) async fn place_of_monitor_import(
        &self,
        worker: &Worker,
        id: &str,
    ) -> Result<Option<u64>, StoreError> {
        let now = worker.now(&self.db).await?;
        let backend = self.db.get_database_backend();
        let waits = "w.status = 'PENDING' AND w.needs IS NULL AND NOT EXISTS \
             (SELECT 1 FROM monitor_leases l WHERE l.import_id = w.id AND l.until > $1)";
        let sql = format!(
            "SELECT COUNT(*) AS place FROM monitor_imports w, monitor_imports i \
             WHERE i.id = $2 AND {waits} AND {} \
             AND (w.created_at < i.created_at OR (w.created_at = i.created_at AND w.id <= i.id))",
            waits.replace("w.", "i.")
        );
        let values: [Value; 2] = [now.into(), id.into()];
        let row = self
            .db
            .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        let place: i64 = row.map_or(Ok(0), |row| row.try_get("", "place"))?;
        Ok(u64::try_from(place).ok().filter(|place| *place > 0))
    }
}

/// `now` is part of the statement.
async fn next(
    db: &impl ConnectionTrait,
    worker: &Worker,
    but_not: &[String],
    now: &str,
    lock: bool,
) -> Result<Option<Claimed>, StoreError> {
    let backend = db.get_database_backend();
    let mut values: Vec<Value> = vec![
        worker.directory.as_str().into(),
        i64::try_from(worker.per_user).unwrap_or(i64::MAX).into(),
    ];
    let mut others = String::new();
    for id in but_not {
        values.push(id.as_str().into());
        others.push_str(&format!(" AND i.id <> ${}", values.len()));
    }
    // Skips rows that another worker has locked.
    let locking = match backend {
        DbBackend::Postgres if lock => " FOR UPDATE OF i SKIP LOCKED",
        _ => "",
    };
    let sql = format!(
        "WITH busy AS ( \
           SELECT COALESCE(o.owner, '') AS owner FROM monitor_leases r \
           JOIN monitor_imports o ON o.id = r.import_id \
           WHERE r.until > {now} AND o.status = 'PENDING' \
           GROUP BY COALESCE(o.owner, '') HAVING COUNT(*) >= $2 ) \
         SELECT i.id AS id, i.cancel_wanted AS unwanted FROM monitor_imports i \
         LEFT JOIN monitor_directories d ON d.id = i.stored_in \
         WHERE i.status = 'PENDING' \
         AND NOT EXISTS (SELECT 1 FROM monitor_leases l WHERE l.import_id = i.id AND l.until > {now}) \
         AND (i.cancel_wanted OR ( \
           i.needs IS NULL \
           AND (i.stored_in = $1 OR COALESCE(d.seen_at, i.created_at) < {now} - {LOST_AFTER}) \
           AND COALESCE(i.owner, '') NOT IN (SELECT owner FROM busy) )) \
         {others} ORDER BY i.created_at, i.id LIMIT 1{locking}"
    );
    let row = db
        .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claimed {
        id: row.try_get("", "id")?,
        is_unwanted: row.try_get("", "unwanted")?,
    }))
}
