//! The imports that are recorded here, each with its user.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, SqlErr, sea_query::Expr,
};

use super::{
    Store, StoreError, entity::product_import_job as row, from_db, job_scope::JobScope, now, to_db,
    users::UserId,
};
use crate::{
    api::{Page, status::ImportCounts},
    job::{ImportStatus, JobId, ProductImportJob, UnixMillis},
};

const TABLE: &str = "product_import_jobs";
const PAGE_SIZE: u64 = 20;

/// The state of a job as it is recorded.
#[derive(Clone, Debug)]
pub struct JobState {
    /// Where the import stands.
    pub status: ImportStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// Products in the file, 0 while unknown.
    pub total_products: u64,
    /// Products that are in the shop.
    pub processed_products: u64,
    /// Products that could not be imported.
    pub failed_products: u64,
    /// What the failed products are called; `None` leaves what is recorded.
    pub failed_product_skus: Option<Vec<String>>,
    /// When the import ended.
    pub completed_at: Option<UnixMillis>,
}

/// What became of a newer state of a job.
#[derive(Clone, Debug)]
pub(crate) enum Recorded {
    /// It is recorded.
    Updated,
    /// The job was over already, like this.
    Over(Box<ProductImportJob>),
    /// There is no such job any more.
    Gone,
}

impl TryFrom<row::Model> for ProductImportJob {
    type Error = StoreError;

    fn try_from(row: row::Model) -> Result<Self, StoreError> {
        let corrupt = |reason: String| StoreError::Corrupt {
            table: TABLE,
            reason,
        };
        Ok(Self {
            id: row
                .id
                .parse()
                .map_err(|error| corrupt(format!("id: {error}")))?,
            status: row
                .status
                .parse()
                .map_err(|error| corrupt(format!("status: {error}")))?,
            failed_product_skus: serde_json::from_str(&row.failed_product_skus)
                .map_err(|error| corrupt(format!("failed_product_skus: {error}")))?,
            filename: row.filename,
            error: row.error,
            total_products: row.total_products.map(from_db),
            processed_products: from_db(row.processed_products),
            failed_products: from_db(row.failed_products),
            created_at: row.created_at,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
        })
    }
}

/// Makes a job of which nothing is known but that it has begun.
fn new_job(id: &JobId, filename: &str) -> ProductImportJob {
    let now = now();
    ProductImportJob {
        id: id.clone(),
        filename: filename.to_owned(),
        status: ImportStatus::Pending,
        error: None,
        total_products: None,
        processed_products: 0,
        failed_products: 0,
        failed_product_skus: Vec::new(),
        created_at: now,
        updated_at: now,
        completed_at: None,
    }
}

fn new_row(user: &UserId, job: &ProductImportJob) -> row::ActiveModel {
    row::ActiveModel {
        id: Set(job.id.as_str().to_owned()),
        user_id: Set(user.as_str().to_owned()),
        filename: Set(job.filename.clone()),
        status: Set(job.status.as_str().to_owned()),
        error: Set(None),
        total_products: Set(None),
        processed_products: Set(0),
        failed_products: Set(0),
        failed_product_skus: Set("[]".to_owned()),
        created_at: Set(job.created_at),
        updated_at: Set(job.updated_at),
        completed_at: Set(None),
    }
}

impl Store {
    /// Records a job that the price monitor has just made.
    pub(crate) async fn create_job(
        &self,
        user: &UserId,
        id: &JobId,
        filename: &str,
    ) -> Result<ProductImportJob, StoreError> {
        let job = new_job(id, filename);
        row::Entity::insert(new_row(user, &job))
            .exec_without_returning(&self.db)
            .await?;
        Ok(job)
    }

    /// Records a job that was started elsewhere; `None` where it is recorded already, and stays
    /// whose it is.
    pub(crate) async fn adopt_job(
        &self,
        user: &UserId,
        id: &JobId,
        filename: &str,
    ) -> Result<Option<ProductImportJob>, StoreError> {
        match self.create_job(user, id, filename).await {
            Ok(job) => Ok(Some(job)),
            Err(StoreError::Database(error))
                if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Lists the jobs of a scope, newest first. A page past the last one is the last one.
    pub(crate) async fn list_jobs(
        &self,
        scope: &JobScope,
        page: u64,
    ) -> Result<Page<ProductImportJob>, StoreError> {
        let query = scope
            .find()
            .order_by_desc(row::Column::CreatedAt)
            .order_by_desc(row::Column::Id)
            .paginate(&self.db, PAGE_SIZE);
        let total = query.num_items().await?;
        let pages = total.div_ceil(PAGE_SIZE).max(1);
        let page = page.clamp(1, pages);
        let rows = query.fetch_page(page - 1).await?;
        let items = rows
            .into_iter()
            .map(ProductImportJob::try_from)
            .collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            page,
            pages,
            total,
        })
    }

    /// Finds a job of a scope. One outside of it is as good as none.
    pub(crate) async fn find_job(
        &self,
        scope: &JobScope,
        id: &JobId,
    ) -> Result<Option<ProductImportJob>, StoreError> {
        scope
            .find_by_id(id)
            .one(&self.db)
            .await?
            .map(ProductImportJob::try_from)
            .transpose()
    }

    /// Finds those of the jobs that are in a scope.
    pub(crate) async fn find_jobs(
        &self,
        scope: &JobScope,
        ids: &[JobId],
    ) -> Result<Vec<ProductImportJob>, StoreError> {
        let rows = scope
            .find()
            .filter(row::Column::Id.is_in(ids.iter().map(JobId::as_str)))
            .all(&self.db)
            .await?;
        rows.into_iter().map(ProductImportJob::try_from).collect()
    }

    /// Lists the unfinished jobs of a scope, newest first, at most `limit`.
    pub(crate) async fn unfinished_jobs(
        &self,
        scope: &JobScope,
        limit: usize,
    ) -> Result<Vec<ProductImportJob>, StoreError> {
        let rows = scope
            .find()
            .filter(row::Column::Status.eq(ImportStatus::Pending.as_str()))
            .order_by_desc(row::Column::CreatedAt)
            .limit(limit as u64)
            .all(&self.db)
            .await?;
        rows.into_iter().map(ProductImportJob::try_from).collect()
    }

    /// Lists everybody's unfinished jobs that were recorded at this time or later, the newest `limit`,
    /// each with its user: for the relay, which knows who may see which.
    pub(crate) async fn jobs_started_since(
        &self,
        since: UnixMillis,
        limit: u64,
    ) -> Result<Vec<(UserId, ProductImportJob)>, StoreError> {
        let rows = row::Entity::find()
            .filter(row::Column::CreatedAt.gte(since))
            .filter(row::Column::Status.eq(ImportStatus::Pending.as_str()))
            .order_by_desc(row::Column::CreatedAt)
            .limit(limit)
            .all(&self.db)
            .await?;
        let job = |row: row::Model| {
            let user = UserId::recorded(row.user_id.clone());
            Ok((user, ProductImportJob::try_from(row)?))
        };
        rows.into_iter().map(job).collect()
    }

    /// Counts everybody's jobs by status.
    pub(crate) async fn count_jobs(&self) -> Result<ImportCounts, StoreError> {
        let rows: Vec<(String, i64)> = row::Entity::find()
            .select_only()
            .column(row::Column::Status)
            .column_as(row::Column::Id.count(), "count")
            .group_by(row::Column::Status)
            .into_tuple()
            .all(&self.db)
            .await?;
        let mut counts = ImportCounts::default();
        for (status, count) in rows {
            let of_status = match status.parse() {
                Ok(ImportStatus::Pending) => &mut counts.pending,
                Ok(ImportStatus::Success) => &mut counts.success,
                Ok(ImportStatus::PartialSuccess) => &mut counts.partial_success,
                Ok(ImportStatus::Error) => &mut counts.error,
                Err(_) => continue,
            };
            *of_status = from_db(count);
        }
        Ok(counts)
    }

    /// Records a newer state of a job. A final state is never overwritten, and counts never go
    /// backwards, whichever of several instances comes last.
    pub(crate) async fn update_job(
        &self,
        id: &JobId,
        state: JobState,
    ) -> Result<Recorded, StoreError> {
        // Not above: it would lend its methods to numbers.
        use sea_orm::sea_query::ExprTrait as _;

        let processed = to_db(state.processed_products);
        let failed = to_db(state.failed_products);
        let at_least = |column: row::Column, count: i64| {
            let recorded = || Expr::col(column);
            Expr::case(recorded().gt(count), recorded()).finally(count)
        };
        let mut update = row::Entity::update_many()
            .col_expr(row::Column::Status, Expr::value(state.status.as_str()))
            .col_expr(row::Column::Error, Expr::value(state.error))
            .col_expr(
                row::Column::ProcessedProducts,
                at_least(row::Column::ProcessedProducts, processed).into(),
            )
            .col_expr(
                row::Column::FailedProducts,
                at_least(row::Column::FailedProducts, failed).into(),
            )
            .col_expr(row::Column::UpdatedAt, Expr::value(now()))
            .col_expr(row::Column::CompletedAt, Expr::value(state.completed_at));
        if state.total_products > 0 {
            let recorded = || Expr::col(row::Column::TotalProducts);
            let recorded_done = Expr::col(row::Column::ProcessedProducts)
                .add(Expr::col(row::Column::FailedProducts));
            let is_late = recorded_done.gt(processed.saturating_add(failed));
            let total = Expr::case(is_late.and(recorded().is_not_null()), recorded())
                .finally(to_db(state.total_products));
            update = update.col_expr(row::Column::TotalProducts, total.into());
        }
        if let Some(skus) = state.failed_product_skus {
            let skus = serde_json::Value::from(skus).to_string();
            update = update.col_expr(row::Column::FailedProductSkus, Expr::value(skus));
        }
        let updated = update
            .filter(row::Column::Id.eq(id.as_str()))
            .filter(row::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        if updated.rows_affected > 0 {
            return Ok(Recorded::Updated);
        }
        let row = row::Entity::find_by_id(id.as_str()).one(&self.db).await?;
        let job = row.map(ProductImportJob::try_from).transpose()?;
        let over = job.filter(|job| job.status.is_final());
        Ok(over.map_or(Recorded::Gone, |job| Recorded::Over(Box::new(job))))
    }

    /// Removes a job of a scope.
    pub(crate) async fn delete_job(&self, scope: &JobScope, id: &JobId) -> Result<(), StoreError> {
        scope.delete_by_id(id).exec(&self.db).await?;
        Ok(())
    }

    /// Records what the failed products of a job are called.
    pub(crate) async fn set_failed_skus(
        &self,
        id: &JobId,
        skus: Vec<String>,
    ) -> Result<(), StoreError> {
        row::Entity::update_many()
            .col_expr(
                row::Column::FailedProductSkus,
                Expr::value(serde_json::Value::from(skus).to_string()),
            )
            .filter(row::Column::Id.eq(id.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
