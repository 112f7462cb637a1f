//! Records the progress and end of jobs.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, TransactionTrait,
    sea_query::{Expr, SimpleExpr},
};

use super::entity as row;
use crate::{
    model::{
        clock::now,
        job::{ImportStatus, JobId, ProductImportJob},
        job_state::{JobState, Recorded},
        reason::Reason,
    },
    server::store::{Store, StoreError, reasons, to_db},
};

impl Store {
    /// Records a running job's state. Final states are not overwritten and counts never decrease, whatever the order of
    /// instances.
    pub(crate) async fn update_job(
        &self,
        id: &JobId,
        state: JobState,
    ) -> Result<Recorded, StoreError> {
        if update_counts(&self.db, id, state).await? {
            return Ok(Recorded::Updated);
        }
        let job = self.recorded_job(id).await?;
        let over = job.filter(|job| job.status.is_final());
        Ok(over.map_or(Recorded::Gone, |job| Recorded::Over(Box::new(job))))
    }

    /// Records states in one transaction, skipping ended and deleted jobs.
    pub(crate) async fn update_jobs(
        &self,
        mut states: Vec<(JobId, JobState)>,
    ) -> Result<(), StoreError> {
        // A fixed order prevents deadlocks between instances.
        states.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let transaction = self.db.begin().await?;
        for (id, state) in states {
            update_counts(&transaction, &id, state).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Records the end of a job, computed by `state` from the record; retries on a concurrent write.
    pub(crate) async fn end_job(
        &self,
        id: &JobId,
        state: impl Fn(&ProductImportJob) -> JobState,
    ) -> Result<Recorded, StoreError> {
        loop {
            let Some(before) = self.recorded_job(id).await? else {
                return Ok(Recorded::Gone);
            };
            if before.status.is_final() {
                return Ok(Recorded::Over(Box::new(before)));
            }
            let state = state(&before);
            let error = state.error.as_ref();
            let total = (state.total_products > 0).then(|| to_db(state.total_products));
            let mut update = row::Entity::update_many()
                .col_expr(row::Column::Status, Expr::value(state.status.as_str()))
                .col_expr(row::Column::Error, Expr::value(error.map(Reason::message)))
                .col_expr(
                    row::Column::ErrorCode,
                    Expr::value(error.and_then(Reason::code)),
                )
                .col_expr(
                    row::Column::ErrorParams,
                    Expr::value(error.and_then(reasons::params)),
                )
                .col_expr(
                    row::Column::Cancelled,
                    Expr::value(error.is_some_and(Reason::is_cancelled)),
                )
                .col_expr(row::Column::TotalProducts, Expr::value(total))
                .col_expr(
                    row::Column::ProcessedProducts,
                    Expr::value(to_db(state.processed_products)),
                )
                .col_expr(
                    row::Column::FailedProducts,
                    Expr::value(to_db(state.failed_products)),
                )
                .col_expr(row::Column::UpdatedAt, Expr::value(now()))
                .col_expr(row::Column::CompletedAt, Expr::value(state.completed_at));
            if let Some(skus) = &state.failed_product_skus {
                update = update.col_expr(row::Column::FailedProductSkus, skus_value(skus));
            }
            let is_as_before = Condition::all()
                .add(row::Column::Id.eq(id.as_str()))
                .add(row::Column::Status.eq(ImportStatus::Pending.as_str()))
                .add(row::Column::ProcessedProducts.eq(to_db(before.processed_products)))
                .add(row::Column::FailedProducts.eq(to_db(before.failed_products)))
                .add(match before.total_products {
                    Some(total) => row::Column::TotalProducts.eq(to_db(total)),
                    None => row::Column::TotalProducts.is_null(),
                });
            let updated = update.filter(is_as_before).exec(&self.db).await?;
            if updated.rows_affected > 0
                && let Some(after) = self.recorded_job(id).await?
            {
                return Ok(Recorded::Ended(Box::new(after)));
            }
        }
    }

    pub(super) async fn recorded_job(
        &self,
        id: &JobId,
    ) -> Result<Option<ProductImportJob>, StoreError> {
        let row = row::Entity::find_by_id(id.as_str()).one(&self.db).await?;
        row.map(ProductImportJob::try_from).transpose()
    }

    pub(crate) async fn set_failed_skus(
        &self,
        id: &JobId,
        skus: &[String],
    ) -> Result<(), StoreError> {
        row::Entity::update_many()
            .col_expr(row::Column::FailedProductSkus, skus_value(skus))
            .filter(row::Column::Id.eq(id.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}

/// Returns whether there is such a running job.
async fn update_counts(
    db: &impl ConnectionTrait,
    id: &JobId,
    state: JobState,
) -> Result<bool, StoreError> {
    // Imported here only, because it adds methods to numbers.
    use sea_orm::sea_query::ExprTrait as _;

    let processed = to_db(state.processed_products);
    let failed = to_db(state.failed_products);
    let at_least = |column: row::Column, count: i64| {
        let recorded = || Expr::col(column);
        Expr::case(recorded().gt(count), recorded()).finally(count)
    };
    let mut update = row::Entity::update_many()
        .col_expr(
            row::Column::ProcessedProducts,
            at_least(row::Column::ProcessedProducts, processed).into(),
        )
        .col_expr(
            row::Column::FailedProducts,
            at_least(row::Column::FailedProducts, failed).into(),
        )
        .col_expr(row::Column::UpdatedAt, Expr::value(now()));
    if state.total_products > 0 {
        let recorded = || Expr::col(row::Column::TotalProducts);
        let recorded_done =
            Expr::col(row::Column::ProcessedProducts).add(Expr::col(row::Column::FailedProducts));
        let is_late = recorded_done.gt(processed.saturating_add(failed));
        let total = Expr::case(is_late.and(recorded().is_not_null()), recorded())
            .finally(to_db(state.total_products));
        update = update.col_expr(row::Column::TotalProducts, total.into());
    }
    if let Some(skus) = &state.failed_product_skus {
        update = update.col_expr(row::Column::FailedProductSkus, skus_value(skus));
    }
    let updated = update
        .filter(row::Column::Id.eq(id.as_str()))
        .filter(row::Column::Status.eq(ImportStatus::Pending.as_str()))
        .exec(db)
        .await?;
    Ok(updated.rows_affected > 0)
}

pub(super) fn skus_value(skus: &[String]) -> SimpleExpr {
    // Serializing a list of strings cannot fail.
    Expr::value(serde_json::to_string(skus).unwrap_or_default())
}
