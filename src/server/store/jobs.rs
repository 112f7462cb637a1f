//! Recorded imports, each with its owner.

mod deleted;
mod entity;
mod overview;
mod recording;
mod retention;
pub mod scope;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, SqlErr, TransactionTrait,
    sea_query::{Expr, Func, SimpleExpr},
};

use self::entity as row;
use super::{
    Store, StoreError, activity, from_db,
    products::{contains, contains_exactly},
    reasons,
};
use crate::{
    model::{
        clock::now,
        imports_filter::{ImportsFilter, SortBy},
        job::{ImportMode, ImportStatus, JobId, ProductImportJob, UnixMillis},
        page::Page,
        status::ImportCounts,
    },
    server::identity::{
        job_scope::{ChangeableJob, JobOwner, JobScope},
        user::UserId,
    },
};

const TABLE: &str = "product_import_jobs";
const PAGE_SIZE: u64 = 20;

/// Maximum jobs counted for a list; later pages exist nevertheless.
const COUNTED_AT_MOST: u64 = 10_000;

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
            error: reasons::read(row.error, row.error_code, row.error_params)
                .map(|reason| reason.with_cancelled(row.cancelled)),
            total_products: row.total_products.map(from_db),
            processed_products: from_db(row.processed_products),
            failed_products: from_db(row.failed_products),
            created_at: row.created_at,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
            mode: row.mode.parse().unwrap_or_default(),
        })
    }
}

#[derive(Debug)]
pub(crate) enum Created {
    Now(ProductImportJob),
    /// Already recorded; the acknowledgement was lost.
    Before,
    /// Recorded; another user had adopted it just before.
    TakenBack(ProductImportJob, UserId),
}

fn new_job(id: &JobId, filename: &str, mode: ImportMode) -> ProductImportJob {
    let now = now();
    ProductImportJob {
        filename: filename.to_owned(),
        created_at: now,
        updated_at: now,
        mode,
        ..ProductImportJob::pending(id.clone())
    }
}

fn new_row(user: &UserId, job: &ProductImportJob) -> row::ActiveModel {
    row::ActiveModel {
        id: Set(job.id.as_str().to_owned()),
        user_id: Set(user.as_str().to_owned()),
        filename: Set(job.filename.clone()),
        status: Set(job.status.as_str().to_owned()),
        error: Set(None),
        error_code: Set(None),
        error_params: Set(None),
        cancelled: Set(false),
        total_products: Set(None),
        processed_products: Set(0),
        failed_products: Set(0),
        failed_product_skus: Set("[]".to_owned()),
        created_at: Set(job.created_at),
        updated_at: Set(job.updated_at),
        completed_at: Set(None),
        adopted_at: Set(None),
        shared: Set(false),
        mode: Set(job.mode.as_str().to_owned()),
    }
}

fn condition(filter: &ImportsFilter) -> Condition {
    use sea_orm::sea_query::ExprTrait;

    let mut all = Condition::all();
    if let Some(status) = filter.status {
        all = all.add(row::Column::Status.eq(status.as_str()));
    }
    if let Some(since) = filter.since {
        all = all.add(row::Column::CreatedAt.gte(since.begin()));
    }
    if let Some(until) = filter.until {
        all = all.add(row::Column::CreatedAt.lt(until.end()));
    }
    if let Some(kind) = filter.kind {
        all = all.add(row::Column::Mode.eq(kind.as_str()));
    }
    if !filter.by.is_empty() {
        all = all.add(row::Column::UserId.eq(filter.by.as_str()));
    }
    let search = filter.search.trim();
    if !search.is_empty() {
        let name = || Expr::col(row::Column::Filename);
        let mut any = Condition::any().add(Func::lower(name()).like(contains(search)));
        // SQLite folds ASCII letters only.
        if !search.is_ascii() {
            any = any.add(name().like(contains_exactly(search)));
        }
        all = all.add(any);
    }
    all
}

fn sort_key(by: SortBy) -> SimpleExpr {
    use sea_orm::sea_query::ExprTrait;

    let column = |column: row::Column| Expr::col(column);
    match by {
        SortBy::Created => column(row::Column::CreatedAt),
        SortBy::File => Func::lower(column(row::Column::Filename)).into(),
        SortBy::Status => column(row::Column::Status),
        SortBy::Duration => column(row::Column::CompletedAt)
            .if_null(now())
            .sub(column(row::Column::CreatedAt)),
    }
}

impl Store {
    /// Records a job created for this user. If another user adopted it meanwhile, it is moved.
    pub(crate) async fn create_job(
        &self,
        user: &UserId,
        id: &JobId,
        filename: &str,
        mode: ImportMode,
    ) -> Result<Created, StoreError> {
        let job = new_job(id, filename, mode);
        let created = row::Entity::insert(new_row(user, &job))
            .exec_without_returning(&self.db)
            .await;
        let Err(error) = created else {
            return Ok(Created::Now(job));
        };
        if !is_taken(&error) {
            return Err(error.into());
        }
        let Some(there) = row::Entity::find_by_id(id.as_str()).one(&self.db).await? else {
            return Err(error.into());
        };
        if there.adopted_at.is_none() {
            // A retry after a lost acknowledgement.
            let is_done = there.user_id == user.as_str();
            return if is_done {
                Ok(Created::Before)
            } else {
                Err(error.into())
            };
        }
        row::Entity::update_many()
            .col_expr(row::Column::UserId, Expr::value(user.as_str()))
            .col_expr(row::Column::Filename, Expr::value(filename))
            .col_expr(row::Column::AdoptedAt, Expr::value(None::<i64>))
            .col_expr(row::Column::Shared, Expr::value(false))
            .col_expr(row::Column::Mode, Expr::value(mode.as_str()))
            .filter(row::Column::Id.eq(id.as_str()))
            .filter(row::Column::AdoptedAt.is_not_null())
            .exec(&self.db)
            .await?;
        let before = UserId::new(there.user_id.as_str());
        Ok(if before == *user {
            Created::Before
        } else {
            Created::TakenBack(job, before)
        })
    }

    /// Returns whether a job is or was recorded, for any owner.
    pub(crate) async fn knows_job(&self, id: &JobId) -> Result<bool, StoreError> {
        let recorded = row::Entity::find_by_id(id.as_str()).count(&self.db).await?;
        let deleted = deleted::Entity::find_by_id(id.as_str())
            .count(&self.db)
            .await?;
        Ok(recorded + deleted > 0)
    }

    /// Records a job started elsewhere, for its named owner or else for all staff. `None` if another request was
    /// faster.
    pub(crate) async fn adopt_job(
        &self,
        user: &UserId,
        owner: &JobOwner,
        id: &JobId,
        filename: &str,
    ) -> Result<Option<ProductImportJob>, StoreError> {
        let job = new_job(id, filename, ImportMode::Import);
        let of = match owner {
            JobOwner::User(owner) => owner,
            JobOwner::Staff => user,
        };
        let adopted = row::ActiveModel {
            adopted_at: Set(Some(now())),
            shared: Set(*owner == JobOwner::Staff),
            ..new_row(of, &job)
        };
        match row::Entity::insert(adopted)
            .exec_without_returning(&self.db)
            .await
        {
            Ok(_) => Ok(Some(job)),
            Err(error) if is_taken(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A page past the end is the last one.
    pub(crate) async fn find_imports(
        &self,
        scope: &JobScope,
        filter: &ImportsFilter,
        page: u64,
    ) -> Result<Page<ProductImportJob>, StoreError> {
        let direction = if filter.sort.descending {
            Order::Desc
        } else {
            Order::Asc
        };
        let query = || scope.find().filter(condition(filter));
        let found = self.count_up_to(query(), COUNTED_AT_MOST + 1).await?;
        let has_more = found > COUNTED_AT_MOST;
        let total = found.min(COUNTED_AT_MOST);
        let mut pages = total.div_ceil(PAGE_SIZE).max(1);
        let rows_of = async |page: u64| {
            query()
                .order_by(sort_key(filter.sort.by), direction.clone())
                .order_by(row::Column::Id, direction.clone())
                .offset((page - 1).saturating_mul(PAGE_SIZE))
                .limit(PAGE_SIZE + 1)
                .all(&self.db)
                .await
        };
        let mut page = page.max(1);
        if !has_more {
            page = page.min(pages);
        }
        let mut rows = rows_of(page).await?;
        if has_more && rows.is_empty() {
            page = query().count(&self.db).await?.div_ceil(PAGE_SIZE).max(1);
            rows = rows_of(page).await?;
        }
        let has_next = rows.len() as u64 > PAGE_SIZE;
        pages = pages.max(page + u64::from(has_next));
        let items = rows
            .into_iter()
            .take(PAGE_SIZE as usize)
            .map(ProductImportJob::try_from)
            .collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            page,
            pages,
            total,
            has_more,
        })
    }

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

    /// Lists unfinished jobs since a time with their owners, newest first; the relay filters them.
    pub(crate) async fn jobs_started_since(
        &self,
        since: UnixMillis,
        limit: u64,
    ) -> Result<Vec<(JobOwner, ProductImportJob)>, StoreError> {
        let rows = row::Entity::find()
            .filter(row::Column::CreatedAt.gte(since))
            .filter(row::Column::Status.eq(ImportStatus::Pending.as_str()))
            .order_by_desc(row::Column::CreatedAt)
            .limit(limit)
            .all(&self.db)
            .await?;
        let job = |row: row::Model| {
            let owner = JobOwner::of_row(&row);
            Ok((owner, ProductImportJob::try_from(row)?))
        };
        rows.into_iter().map(job).collect()
    }

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

    /// Lists unfinished jobs with IDs after `after`, in order; for polling.
    pub(crate) async fn unfinished_jobs_after(
        &self,
        after: Option<&JobId>,
        limit: u64,
    ) -> Result<Vec<ProductImportJob>, StoreError> {
        let mut query = row::Entity::find()
            .filter(row::Column::Status.eq(ImportStatus::Pending.as_str()))
            .order_by_asc(row::Column::Id)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(row::Column::Id.gt(after.as_str()));
        }
        let rows = query.all(&self.db).await?;
        rows.into_iter().map(ProductImportJob::try_from).collect()
    }

    /// Deletes a job and remembers its ID.
    pub(crate) async fn delete_job(&self, job: &ChangeableJob) -> Result<(), StoreError> {
        let transaction = self.db.begin().await?;
        let id = job.id.as_str().to_owned();
        activity::remove_of(self, &transaction, std::slice::from_ref(&id)).await?;
        retention::note_deleted(&transaction, [id]).await?;
        row::Entity::delete_by_id(job.id.as_str())
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Finds the owners of jobs; `None` if a job belongs to all staff.
pub(super) async fn owners(
    db: &impl ConnectionTrait,
    ids: HashSet<&str>,
) -> Result<HashMap<String, Option<UserId>>, StoreError> {
    let rows = row::Entity::find()
        .filter(row::Column::Id.is_in(ids))
        .all(db)
        .await?;
    let owner = |row: row::Model| {
        let owner = match JobOwner::of_row(&row) {
            JobOwner::User(user) => Some(user),
            JobOwner::Staff => None,
        };
        (row.id, owner)
    };
    Ok(rows.into_iter().map(owner).collect())
}

fn is_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
