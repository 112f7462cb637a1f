//! Runs of sources: begun under the source's lease, ended by its worker, recorded when their imports end.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, Statement, TransactionTrait, Value,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{import_event, source as source_row, source_run as row},
    from_db,
    pages::page_after,
    retention::SLICE,
    sources::{ClaimedSource, FileIdentity, immediate, json},
    to_db,
};
use crate::model::{
    job::{ImportMode, ImportStatus, JobId, UnixMillis},
    source::{RunCause, RunOutcome, RunProblem, RunsPage, Schedule, SourceRun},
    webhook::{FailingSource, ImportEvent},
};

const AT_ONCE: u64 = 50;

/// Runs whose imports have ended or were deleted.
pub(super) const ENDED: &str = "SELECT r.id, r.source_id, j.status AS job_status, j.mode, j.completed_at, \
      j.processed_products AS processed, j.failed_products AS failed, m.cancel_wanted \
    FROM source_runs r LEFT JOIN product_import_jobs j ON j.id = r.job_id LEFT JOIN monitor_imports m ON m.id = r.job_id \
    WHERE r.outcome = 'importing' AND (j.id IS NULL OR j.status <> 'PENDING')";

#[derive(Clone, Debug)]
pub(crate) enum RunEnd {
    Unchanged(FileIdentity),
    HandedOver(JobId, FileIdentity),
    Failed(RunProblem),
}

pub(crate) struct EndRules<'a> {
    pub(crate) now: UnixMillis,
    /// Consecutive failures that cause a notification.
    pub(crate) told_after: u64,
    /// Returns when a source may run next, by schedule and consecutive failures.
    pub(crate) not_before: &'a (dyn Fn(&Schedule, u64) -> Option<UnixMillis> + Sync),
}

#[derive(FromQueryResult)]
struct EndedRun {
    id: String,
    source_id: String,
    job_status: Option<String>,
    mode: Option<String>,
    completed_at: Option<i64>,
    processed: Option<i64>,
    failed: Option<i64>,
    cancel_wanted: Option<bool>,
}

/// Begins a run, or continues one of a dead worker.
pub(super) async fn begin(
    transaction: &DatabaseTransaction,
    source: &str,
    cause: RunCause,
    now: UnixMillis,
) -> Result<String, StoreError> {
    let left = row::Entity::find()
        .filter(row::Column::SourceId.eq(source))
        .filter(row::Column::Outcome.eq(RunOutcome::Running.as_str()))
        .one(transaction)
        .await?;
    if let Some(left) = left {
        row::Entity::update_many()
            .col_expr(row::Column::Cause, Expr::value(cause.as_str()))
            .filter(row::Column::Id.eq(left.id.as_str()))
            .exec(transaction)
            .await?;
        return Ok(left.id);
    }
    let model = row::Model {
        // IDs are sorted by time.
        id: Uuid::now_v7().to_string(),
        source_id: source.to_owned(),
        cause: cause.as_str().to_owned(),
        outcome: RunOutcome::Running.as_str().to_owned(),
        problem: None,
        job_id: None,
        status: None,
        started_at: now,
        ended_at: None,
        processed_products: None,
        failed_products: None,
    };
    row::Entity::insert(row::ActiveModel::from(model.clone()))
        .exec_without_returning(transaction)
        .await?;
    Ok(model.id)
}

impl Store {
    /// Records the result of a run and when its source is due next, unless another worker has the lease. A due time set
    /// meanwhile stays.
    pub(crate) async fn end_source_run(
        &self,
        worker: &str,
        claimed: &ClaimedSource,
        end: RunEnd,
        next: Option<UnixMillis>,
        now: UnixMillis,
        told_after: u64,
    ) -> Result<bool, StoreError> {
        let id = claimed.source.id.as_str();
        let transaction = self.db.begin_with_options(immediate()).await?;
        let due = Expr::case(
            Expr::col(source_row::Column::DueAt).eq(claimed.source.due_at),
            Expr::value(next),
        )
        .finally(Expr::col(source_row::Column::DueAt));
        let by_request = Expr::case(
            Expr::col(source_row::Column::DueAt).eq(claimed.source.due_at),
            Expr::value(false),
        )
        .finally(Expr::col(source_row::Column::DueByRequest));
        let mut update = source_row::Entity::update_many()
            .col_expr(source_row::Column::DueByRequest, by_request.into())
            .col_expr(source_row::Column::DueAt, due.into())
            .col_expr(source_row::Column::LeasedBy, Expr::value(None::<String>))
            .col_expr(source_row::Column::LeasedUntil, Expr::value(None::<i64>));
        if let RunEnd::Unchanged(known) | RunEnd::HandedOver(_, known) = &end {
            update = update
                .col_expr(source_row::Column::Etag, Expr::value(known.etag.clone()))
                .col_expr(
                    source_row::Column::LastModified,
                    Expr::value(known.last_modified.clone()),
                )
                .col_expr(
                    source_row::Column::Checksum,
                    Expr::value(known.checksum.clone()),
                );
        }
        let updated = update
            .filter(source_row::Column::Id.eq(id))
            .filter(source_row::Column::LeasedBy.eq(worker))
            .exec(&transaction)
            .await?;
        if updated.rows_affected == 0 {
            return Ok(false);
        }
        let (outcome, problem, job) = match end {
            RunEnd::Unchanged(_) => (RunOutcome::Unchanged, None, None),
            RunEnd::HandedOver(job, _) => (RunOutcome::Importing, None, Some(job)),
            RunEnd::Failed(problem) => (RunOutcome::Failed, Some(problem), None),
        };
        let ended_at = (outcome != RunOutcome::Importing).then_some(now);
        row::Entity::update_many()
            .col_expr(row::Column::Outcome, Expr::value(outcome.as_str()))
            .col_expr(
                row::Column::Problem,
                Expr::value(problem.as_ref().map(json)),
            )
            .col_expr(
                row::Column::JobId,
                Expr::value(job.map(|job| job.as_str().to_owned())),
            )
            .col_expr(row::Column::EndedAt, Expr::value(ended_at))
            .filter(row::Column::Id.eq(claimed.run.as_str()))
            .exec(&transaction)
            .await?;
        match (outcome, problem) {
            (RunOutcome::Unchanged, _) => succeeded(&transaction, id).await?,
            // An upload's failure is reported to its user at once.
            (_, Some(problem)) if claimed.cause != RunCause::Upload => {
                failed(&transaction, id, &problem, now, told_after).await?;
            }
            _ => {}
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Records how the runs' imports ended. Returns each result; `None` for runs recorded by another process.
    pub(crate) async fn record_ended_runs(
        &self,
        rules: &EndRules<'_>,
    ) -> Result<Vec<Option<RunOutcome>>, StoreError> {
        let backend = self.db.get_database_backend();
        let sql = format!("{ENDED} LIMIT {AT_ONCE}");
        let ended = EndedRun::find_by_statement(Statement::from_string(backend, sql));
        let ended = ended.all(&self.db).await?;
        let mut recorded = Vec::with_capacity(ended.len());
        for run in ended {
            recorded.push(self.record_end(run, rules).await?);
        }
        Ok(recorded)
    }

    async fn record_end(
        &self,
        run: EndedRun,
        rules: &EndRules<'_>,
    ) -> Result<Option<RunOutcome>, StoreError> {
        let EndRules {
            now, told_after, ..
        } = *rules;
        let status = run.job_status.as_deref().map(str::parse::<ImportStatus>);
        let status = status.and_then(Result::ok);
        let problem = match status {
            // The import was deleted.
            None => Some(RunProblem::Cancelled),
            Some(ImportStatus::Error) if run.cancel_wanted == Some(true) => {
                Some(RunProblem::Cancelled)
            }
            Some(ImportStatus::Error) => Some(RunProblem::ImportFailed),
            Some(_) => None,
        };
        let is_check = run.mode.as_deref() == Some(ImportMode::Check.as_str());
        let outcome = match problem {
            Some(_) => RunOutcome::Failed,
            None if is_check => RunOutcome::Checked,
            None => RunOutcome::Imported,
        };
        let transaction = self.db.begin_with_options(immediate()).await?;
        let recorded = row::Entity::update_many()
            .col_expr(row::Column::Outcome, Expr::value(outcome.as_str()))
            .col_expr(
                row::Column::Problem,
                Expr::value(problem.as_ref().map(json)),
            )
            .col_expr(
                row::Column::Status,
                Expr::value(status.map(|status| status.as_str().to_owned())),
            )
            .col_expr(
                row::Column::EndedAt,
                Expr::value(run.completed_at.unwrap_or(now)),
            )
            .col_expr(row::Column::ProcessedProducts, Expr::value(run.processed))
            .col_expr(row::Column::FailedProducts, Expr::value(run.failed))
            .filter(row::Column::Id.eq(run.id))
            .filter(row::Column::Outcome.eq(RunOutcome::Importing.as_str()))
            .exec(&transaction)
            .await?;
        let is_recorded = recorded.rows_affected > 0;
        if is_recorded {
            let id = run.source_id.as_str();
            match problem {
                None => succeeded(&transaction, id).await?,
                // A user cancelled it.
                Some(RunProblem::Cancelled) => {}
                Some(problem) => {
                    let source = failed(&transaction, id, &problem, now, told_after).await?;
                    if let Some(source) = source {
                        put_off(&transaction, source, rules).await?;
                    }
                }
            }
        }
        transaction.commit().await?;
        Ok(is_recorded.then_some(outcome))
    }

    /// Lists runs of a source after one, newest first.
    pub(crate) async fn list_source_runs(
        &self,
        source: &str,
        after: Option<&str>,
    ) -> Result<RunsPage, StoreError> {
        let query = row::Entity::find().filter(row::Column::SourceId.eq(source));
        let (rows, next) =
            page_after(&self.db, query, row::Column::Id, |row| &row.id, after).await?;
        let items = rows.into_iter().map(run).collect::<Result<_, _>>()?;
        Ok(RunsPage { items, next })
    }

    pub(crate) async fn newest_source_run(
        &self,
        source: &str,
    ) -> Result<Option<SourceRun>, StoreError> {
        let row = row::Entity::find()
            .filter(row::Column::SourceId.eq(source))
            .order_by_desc(row::Column::Id)
            .one(&self.db)
            .await?;
        row.map(run).transpose()
    }

    /// Deletes a batch of ended runs started before a time.
    pub(crate) async fn remove_source_runs(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let sql = "DELETE FROM source_runs WHERE id IN (SELECT id FROM source_runs WHERE started_at < $1 \
             AND outcome NOT IN ('running', 'importing') LIMIT $2)";
        let values: [Value; 2] = [before.into(), to_db(SLICE).into()];
        let backend = self.db.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, values);
        Ok(self.db.execute_raw(statement).await?.rows_affected())
    }
}

async fn succeeded(transaction: &DatabaseTransaction, source: &str) -> Result<(), StoreError> {
    source_row::Entity::update_many()
        .col_expr(source_row::Column::Failures, Expr::value(0_i64))
        .filter(source_row::Column::Id.eq(source))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Counts a failure, and writes an event at the configured number of consecutive ones. Returns the source.
async fn failed(
    transaction: &DatabaseTransaction,
    source: &str,
    problem: &RunProblem,
    now: UnixMillis,
    told_after: u64,
) -> Result<Option<source_row::Model>, StoreError> {
    let mut update = source_row::Entity::update_many().col_expr(
        source_row::Column::Failures,
        Expr::col(source_row::Column::Failures).add(1_i64),
    );
    if *problem == RunProblem::ImportFailed {
        // The same file will be imported again.
        for column in [
            source_row::Column::Etag,
            source_row::Column::LastModified,
            source_row::Column::Checksum,
        ] {
            update = update.col_expr(column, Expr::value(None::<String>));
        }
    }
    update
        .filter(source_row::Column::Id.eq(source))
        .exec(transaction)
        .await?;
    let source = source_row::Entity::find_by_id(source)
        .one(transaction)
        .await?;
    let Some(source) = source else {
        return Ok(None);
    };
    if from_db(source.failures) == told_after {
        let about = FailingSource {
            id: source.id.clone(),
            name: source.name.clone(),
            failures: told_after,
            problem: problem.clone(),
        };
        let event = import_event::ActiveModel {
            id: sea_orm::ActiveValue::NotSet,
            ..import_event::Model {
                id: 0,
                kind: ImportEvent::SourceFailing.as_str().to_owned(),
                job_id: String::new(),
                at: now,
                filename: String::new(),
                status: ImportStatus::Error.as_str().to_owned(),
                mode: String::new(),
                error: None,
                error_code: None,
                error_params: None,
                total_products: None,
                processed_products: 0,
                failed_products: 0,
                undone_by: None,
                owner_id: Some(source.owner_id.clone()),
                about: Some(json(&about)),
            }
            .into()
        };
        import_event::Entity::insert(event)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(Some(source))
}

/// Delays a source whose import failed.
async fn put_off(
    transaction: &DatabaseTransaction,
    source: source_row::Model,
    rules: &EndRules<'_>,
) -> Result<(), StoreError> {
    let schedule = source.cron.zip(source.time_zone);
    let schedule = schedule.map(|(cron, time_zone)| Schedule { cron, time_zone });
    let failures = from_db(source.failures);
    let later = schedule.and_then(|schedule| (rules.not_before)(&schedule, failures));
    let Some(later) = later else { return Ok(()) };
    source_row::Entity::update_many()
        .col_expr(source_row::Column::DueAt, Expr::value(later))
        .filter(source_row::Column::Id.eq(source.id))
        .filter(source_row::Column::DueAt.lt(later))
        .filter(source_row::Column::DueByRequest.eq(false))
        .exec(transaction)
        .await?;
    Ok(())
}

fn run(row: row::Model) -> Result<SourceRun, StoreError> {
    let corrupt = |reason: &str| StoreError::Corrupt {
        table: "source_runs",
        reason: reason.to_owned(),
    };
    let problem = row.problem.as_deref();
    Ok(SourceRun {
        id: row.id,
        cause: row.cause.parse().map_err(|_| corrupt("cause"))?,
        outcome: row.outcome.parse().map_err(|_| corrupt("outcome"))?,
        problem: problem.and_then(|problem| serde_json::from_str(problem).ok()),
        job: row.job_id,
        status: row.status.as_deref().and_then(|status| status.parse().ok()),
        started_at: row.started_at,
        ended_at: row.ended_at,
        processed_products: row.processed_products.map(from_db),
        failed_products: row.failed_products.map(from_db),
    })
}
