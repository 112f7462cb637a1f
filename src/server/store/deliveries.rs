//! Deliveries of events to webhooks and people, each sent by one worker until accepted or given up.
//!
//! A dead worker's lease expires. Callers pass the time: workers the database's, tests their own.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    Statement, Value, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store, StoreError, clock,
    entity::delivery as row,
    from_db,
    pages::{forget_leases, page_after},
    retention::SLICE,
    to_db,
};
use crate::{
    model::{
        job::UnixMillis,
        webhook::{DeliveriesPage, Delivery, DeliveryProblem, DeliveryState},
    },
    server::telemetry::metrics::WaitingDeliveries,
};

pub(crate) const TRIED_FOR: Duration = Duration::from_secs(24 * 3600);
const AT_ONCE: i64 = 2;
const MAIL: &str = "mail";
const PER_INSERT: usize = 100;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Addressee {
    Webhook(String),
    Person(String),
}

#[derive(Clone, Debug)]
pub(crate) struct NewDelivery {
    pub(crate) to: Addressee,
    pub(crate) event: String,
    pub(crate) job: Option<String>,
    pub(crate) body: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) id: String,
    pub(crate) to: Addressee,
    pub(crate) body: String,
    pub(crate) attempts: u64,
    pub(crate) retry_until: UnixMillis,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    Delivered,
    Again(DeliveryProblem, UnixMillis),
    GivenUp(DeliveryProblem),
}

impl Store {
    /// Returns the database's clock, shared by all workers.
    pub(crate) async fn shared_clock(&self) -> Result<UnixMillis, StoreError> {
        clock::database_now(&self.db).await
    }

    /// Checks for new events or due deliveries in one statement: most polls find nothing.
    pub(crate) async fn has_notifications(&self, now: UnixMillis) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM import_events) OR EXISTS \
             (SELECT 1 FROM deliveries WHERE state = 'waiting' AND due_at <= $1)";
        let backend = self.db.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [now.into()]);
        Ok(self.db.query_one_raw(statement).await?.is_some())
    }

    pub(crate) async fn add_delivery(
        &self,
        new: NewDelivery,
        now: UnixMillis,
    ) -> Result<String, StoreError> {
        let ids = add(&self.db, vec![new], now).await?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }

    /// Claims the first due delivery of a target below its limit.
    pub(crate) async fn claim_delivery(
        &self,
        worker: &str,
        now: UnixMillis,
        lease: Duration,
    ) -> Result<Option<Claimed>, StoreError> {
        let backend = self.db.get_database_backend();
        let locking = match backend {
            DbBackend::Postgres => " FOR UPDATE OF d SKIP LOCKED",
            _ => "",
        };
        let sql = format!(
            "UPDATE deliveries SET leased_by = $1, leased_until = $2 WHERE id = ( \
               SELECT d.id FROM deliveries d \
               WHERE d.state = 'waiting' AND d.due_at <= $3 \
               AND (d.leased_until IS NULL OR d.leased_until <= $3) \
               AND (SELECT COUNT(*) FROM deliveries o WHERE o.target = d.target AND o.state = 'waiting' \
                 AND o.leased_until > $3) < $4 \
               ORDER BY d.due_at, d.id LIMIT 1{locking} ) \
             RETURNING *"
        );
        let until = now.saturating_add(millis(lease));
        let values: [Value; 4] = [worker.into(), until.into(), now.into(), AT_ONCE.into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let Some(claimed) = self.db.query_one_raw(statement).await? else {
            return Ok(None);
        };
        let row = row::Model::from_query_result(&claimed, "")?;
        let person = row.user_id.map(Addressee::Person);
        let to = row.webhook_id.map(Addressee::Webhook).or(person);
        Ok(Some(Claimed {
            to: to.ok_or_else(|| corrupt("it is for nobody"))?,
            id: row.id,
            body: row.body,
            attempts: from_db(row.attempts),
            retry_until: row.retry_until,
        }))
    }

    /// Records the result of an attempt. Returns `false` if another worker has the lease.
    pub(crate) async fn record_attempt(
        &self,
        worker: &str,
        id: &str,
        attempt: Attempt,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        use sea_orm::sea_query::ExprTrait as _;

        let (state, problem, due_at) = match attempt {
            Attempt::Delivered => (DeliveryState::Delivered, None, now),
            Attempt::Again(problem, at) => (DeliveryState::Waiting, Some(problem), at),
            Attempt::GivenUp(problem) => (DeliveryState::GivenUp, Some(problem), now),
        };
        let problem = problem.and_then(|problem| serde_json::to_string(&problem).ok());
        let recorded = row::Entity::update_many()
            .col_expr(row::Column::State, Expr::value(state.as_str()))
            .col_expr(row::Column::Problem, Expr::value(problem))
            .col_expr(row::Column::DueAt, Expr::value(due_at))
            .col_expr(row::Column::LastAt, Expr::value(now))
            .col_expr(
                row::Column::Attempts,
                Expr::col(row::Column::Attempts).add(1_i64),
            )
            .col_expr(row::Column::LeasedBy, Expr::value(None::<String>))
            .col_expr(row::Column::LeasedUntil, Expr::value(None::<i64>))
            .filter(row::Column::Id.eq(id))
            .filter(row::Column::LeasedBy.eq(worker))
            .exec(&self.db)
            .await?;
        Ok(recorded.rows_affected > 0)
    }

    pub(crate) async fn waiting_deliveries(&self) -> Result<WaitingDeliveries, StoreError> {
        // Literal values let the partial index of waiting deliveries be used.
        let sql = "SELECT COUNT(*) AS waiting, COUNT(user_id) AS mail FROM deliveries WHERE state = 'waiting'";
        let backend = self.db.get_database_backend();
        let counted = self
            .db
            .query_one_raw(Statement::from_string(backend, sql))
            .await?;
        let Some(counted) = counted else {
            return Ok(WaitingDeliveries::default());
        };
        let (waiting, mail): (i64, i64) = (
            counted.try_get("", "waiting")?,
            counted.try_get("", "mail")?,
        );
        Ok(WaitingDeliveries {
            webhook: from_db(waiting.saturating_sub(mail)),
            mail: from_db(mail),
        })
    }

    /// Deletes all leases; for a process that owns the database, at its start.
    pub(crate) async fn forget_delivery_leases(&self) -> Result<(), StoreError> {
        let (by, until) = (row::Column::LeasedBy, row::Column::LeasedUntil);
        forget_leases::<row::Entity>(&self.db, by, until).await
    }

    /// Retries a delivery to a webhook as if new. Returns `false` if there is none or it is already retried.
    pub(crate) async fn redeliver(
        &self,
        webhook: &str,
        id: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let again = row::Entity::update_many()
            .col_expr(
                row::Column::State,
                Expr::value(DeliveryState::Waiting.as_str()),
            )
            .col_expr(row::Column::DueAt, Expr::value(now))
            .col_expr(
                row::Column::RetryUntil,
                Expr::value(now.saturating_add(millis(TRIED_FOR))),
            )
            .filter(row::Column::Id.eq(id))
            .filter(row::Column::WebhookId.eq(webhook))
            .exec(&self.db)
            .await?;
        Ok(again.rows_affected > 0)
    }

    /// Lists deliveries to a webhook after one, newest first.
    pub(crate) async fn list_deliveries(
        &self,
        webhook: &str,
        after: Option<&str>,
    ) -> Result<DeliveriesPage, StoreError> {
        let query = row::Entity::find().filter(row::Column::Target.eq(webhook));
        let (rows, next) =
            page_after(&self.db, query, row::Column::Id, |row| &row.id, after).await?;
        let items = rows.into_iter().map(delivery).collect::<Result<_, _>>()?;
        Ok(DeliveriesPage { items, next })
    }

    pub(crate) async fn newest_delivery(
        &self,
        webhook: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        let row = row::Entity::find()
            .filter(row::Column::Target.eq(webhook))
            .order_by_desc(row::Column::Id)
            .one(&self.db)
            .await?;
        row.map(delivery).transpose()
    }

    /// Deletes ended deliveries before a time, and all but the newest `most` of each target.
    pub(crate) async fn remove_deliveries(
        &self,
        before: UnixMillis,
        most: u64,
    ) -> Result<u64, StoreError> {
        let sql = "DELETE FROM deliveries WHERE id IN ( \
               SELECT id FROM ( \
                 SELECT id, created_at, ROW_NUMBER() OVER (PARTITION BY target ORDER BY id DESC) AS place \
                 FROM deliveries WHERE state <> 'waiting' ) AS ended \
               WHERE created_at < $1 OR place > $2 LIMIT $3 )";
        let values: [Value; 3] = [before.into(), to_db(most).into(), to_db(SLICE).into()];
        let backend = self.db.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, values);
        Ok(self.db.execute_raw(statement).await?.rows_affected())
    }
}

/// Adds deliveries that are due now. Returns their IDs.
pub(super) async fn add(
    db: &impl ConnectionTrait,
    new: Vec<NewDelivery>,
    now: UnixMillis,
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<_> = new
        .into_iter()
        .map(|new| {
            let (target, webhook_id, user_id) = match new.to {
                Addressee::Webhook(id) => (id.clone(), Some(id), None),
                Addressee::Person(id) => (MAIL.to_owned(), None, Some(id)),
            };
            row::Model {
                // IDs are sorted by time.
                id: format!("msg_{}", Uuid::now_v7().simple()),
                target,
                webhook_id,
                user_id,
                event: new.event,
                job_id: new.job,
                body: new.body,
                state: DeliveryState::Waiting.as_str().to_owned(),
                attempts: 0,
                created_at: now,
                due_at: now,
                retry_until: now.saturating_add(millis(TRIED_FOR)),
                leased_by: None,
                leased_until: None,
                last_at: None,
                problem: None,
            }
        })
        .collect();
    let ids = rows.iter().map(|row| row.id.clone()).collect();
    for some in rows.chunks(PER_INSERT) {
        let some = some.iter().cloned().map(row::ActiveModel::from);
        row::Entity::insert_many(some)
            .exec_without_returning(db)
            .await?;
    }
    Ok(ids)
}

fn delivery(row: row::Model) -> Result<Delivery, StoreError> {
    let state = row.state.parse().map_err(|()| corrupt("state"))?;
    let problem = row.problem.as_deref();
    Ok(Delivery {
        id: row.id,
        event: row.event,
        job: row.job_id,
        state,
        attempts: from_db(row.attempts),
        created_at: row.created_at,
        last_at: row.last_at,
        next_at: (state == DeliveryState::Waiting).then_some(row.due_at),
        problem: problem.and_then(|problem| serde_json::from_str(problem).ok()),
    })
}

fn corrupt(reason: &str) -> StoreError {
    StoreError::Corrupt {
        table: "deliveries",
        reason: reason.to_owned(),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
