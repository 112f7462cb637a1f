//! Recorded imports, each with its owner.

mod deleted;
mod entity;
mod overview;
mod retention;
pub mod scope;

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
    reasons, to_db,
};
use crate::{
    model::{
        clock::now,
        imports_filter::{ImportsFilter, SortBy},
        job::{ImportMode, ImportStatus, JobId, ProductImportJob, UnixMillis},
        job_state::{JobState, Recorded},
        page::Page,
        reason::Reason,
        status::ImportCounts,
    },
    server::identity::{
        job_scope::{ChangeableJob, JobOwner, JobScope},
        user::UserId,
    },
};

const TABLE: &str = "product_import_jobs";
const PAGE_SIZE: u64 = 20;

/// Maximum jobs counted for a list. Later pages exist all the same.
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

/// The effect of recording a new job.
#[derive(Debug)]
pub(crate) enum Created {
    /// Recorded.
    Now(ProductImportJob),
    /// Recorded before; its acknowledgement was lost.
    Before,
    /// Recorded; another user had adopted it a moment before.
    TakenBack(ProductImportJob, UserId),
}

/// Creates a job in its initial state.
fn new_job(id: &JobId, filename: &str, mode: ImportMode) -> ProductImportJob {
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
        mode,
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

/// Builds the condition of a filter.
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
        // SQLite folds ASCII letters only.
        let any = Condition::any()
            .add(Func::lower(name()).like(contains(search)))
            .add(name().like(contains_exactly(search)));
        all = all.add(any);
    }
    all
}

/// Returns the sort expression.
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
    /// Records a job that the price monitor created for this user. If another user adopted it meanwhile, it
    /// is moved.
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
            // A retry whose first acknowledgement was lost.
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

    /// Records a job started elsewhere: for its owner if the service names one, else for all staff. `None` if
    /// another request was faster.
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

    /// Lists jobs of a scope by filter and order. A page past the last one is the last one.
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

    /// Lists up to `limit` unfinished jobs of a scope, newest first.
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

    /// Lists up to `limit` unfinished jobs recorded since a time, newest first, each with its owner; for the
    /// relay, which filters them.
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

    /// Counts all jobs by status.
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

    /// Records a state of a running job. Final states are never overwritten and counts never decrease,
    /// whatever the order of instances.
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

    /// Records several states in one transaction. Ended and deleted jobs are skipped.
    pub(crate) async fn update_jobs(
        &self,
        mut states: Vec<(JobId, JobState)>,
    ) -> Result<(), StoreError> {
        // In a fixed order, so that instances do not deadlock.
        states.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let transaction = self.db.begin().await?;
        for (id, state) in states {
            update_counts(&transaction, &id, state).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Records the end of a job, computed by `state` from the recorded job. Retried if another instance wrote
    /// meanwhile.
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

    async fn recorded_job(&self, id: &JobId) -> Result<Option<ProductImportJob>, StoreError> {
        let row = row::Entity::find_by_id(id.as_str()).one(&self.db).await?;
        row.map(ProductImportJob::try_from).transpose()
    }

    /// Lists up to `limit` unfinished jobs with IDs after `after`, in order; for polling.
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

    /// Records the SKUs of failed products.
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

/// Finds the owners of recorded jobs; `None` of one that belongs to all staff.
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

/// Records the counts of a running job, and returns whether there is one.
async fn update_counts(
    db: &impl ConnectionTrait,
    id: &JobId,
    state: JobState,
) -> Result<bool, StoreError> {
    // In this scope only: the trait adds methods to numbers.
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

fn skus_value(skus: &[String]) -> SimpleExpr {
    // A list of strings always serializes.
    Expr::value(serde_json::to_string(skus).unwrap_or_default())
}

/// Returns whether an insert failed because of a unique key.
fn is_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::role::Role,
        server::store::{test_database::TestDatabase, users::NewUser},
    };

    const DAY: UnixMillis = 86_400_000;

    async fn names(store: &Store, scope: &JobScope, filter: ImportsFilter) -> Vec<String> {
        let page = store.find_imports(scope, &filter, 1).await.unwrap();
        assert_eq!(page.total, page.items.len() as u64);
        page.items.into_iter().map(|job| job.filename).collect()
    }

    /// Records an import of a file, created on a day, with a duration.
    async fn record(store: &Store, user: &UserId, name: &str, day: i64, took: Option<i64>) {
        let id: JobId = format!("job-{day}").parse().unwrap();
        store
            .create_job(user, &id, name, ImportMode::Import)
            .await
            .unwrap();
        let created_at = day * DAY + 1_000;
        let status = match took {
            Some(_) => ImportStatus::Success,
            None => ImportStatus::Pending,
        };
        row::Entity::update_many()
            .col_expr(row::Column::CreatedAt, Expr::value(created_at))
            .col_expr(row::Column::Status, Expr::value(status.as_str()))
            .col_expr(
                row::Column::CompletedAt,
                Expr::value(took.map(|took| created_at + took)),
            )
            .filter(row::Column::Id.eq(id.as_str()))
            .exec(&store.db)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_filter_leaves_what_it_says_and_an_order_holds() {
        let (_database, store) = TestDatabase::opened().await;
        let mut users = Vec::new();
        for email in ["ada@example.com", "eve@example.com"] {
            let user = NewUser {
                email,
                name: "Somebody",
                role: Role::Staff,
                password_hash: "-".to_owned().into(),
            };
            users.push(store.create_user(user).await.unwrap().unwrap());
        }
        let (ada, eve) = (&users[0], &users[1]);
        record(&store, &ada.id, "Spring_1.csv", 1, Some(9_000)).await;
        record(&store, &ada.id, "summer 50%.csv", 2, None).await;
        record(&store, &ada.id, "zÄrmel.xlsx", 3, Some(1_000)).await;
        record(&store, &eve.id, "spring of Eve.csv", 4, Some(1)).await;
        let scope = ada.jobs();
        let all = ImportsFilter::default();

        let newest_first = ["zÄrmel.xlsx", "summer 50%.csv", "Spring_1.csv"];
        assert_eq!(names(&store, &scope, all.clone()).await, newest_first);
        for (search, found) in [
            ("SPRING", vec!["Spring_1.csv"]),
            ("g_1", vec!["Spring_1.csv"]),
            ("r_5", vec![]),
            ("0%", vec!["summer 50%.csv"]),
            ("Ärm", vec!["zÄrmel.xlsx"]),
            (" csv ", vec!["summer 50%.csv", "Spring_1.csv"]),
        ] {
            let filter = ImportsFilter {
                search: search.to_owned(),
                ..all.clone()
            };
            assert_eq!(names(&store, &scope, filter).await, found, "{search}");
        }
        let running = ImportsFilter {
            status: Some(ImportStatus::Pending),
            ..all.clone()
        };
        assert_eq!(names(&store, &scope, running).await, ["summer 50%.csv"]);
        let second_day = ImportsFilter {
            since: "1970-01-03".parse().ok(),
            until: "1970-01-03".parse().ok(),
            ..all.clone()
        };
        assert_eq!(names(&store, &scope, second_day).await, ["summer 50%.csv"]);
        let checks = ImportsFilter {
            kind: Some(ImportMode::Check),
            ..all.clone()
        };
        assert!(names(&store, &scope, checks).await.is_empty());
        let of_eve = ImportsFilter {
            by: eve.id.as_str().to_owned(),
            ..all.clone()
        };
        assert!(names(&store, &scope, of_eve.clone()).await.is_empty());
        let everybody = NewUser {
            email: "observer@example.com",
            name: "Observer",
            role: Role::Observer,
            password_hash: "-".to_owned().into(),
        };
        let everybody = store.create_user(everybody).await.unwrap().unwrap().jobs();
        assert_eq!(
            names(&store, &everybody, of_eve).await,
            ["spring of Eve.csv"]
        );
        let counts = store.count_by_status(&scope).await.unwrap();
        let counted: u64 = counts.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, 3);
        assert!(counts.contains(&(ImportStatus::Pending, 1)));
        // Whoever sees their own only needs no names.
        assert!(store.starters(&scope).await.unwrap().is_empty());
        let starters = store.starters(&everybody).await.unwrap();
        assert_eq!(starters.len(), 2, "who started none is not among them");
        let job: JobId = "job-4".parse().unwrap();
        let named = store
            .started_by(&everybody, std::slice::from_ref(&job))
            .await
            .unwrap();
        assert_eq!(named, [(job, "Somebody".to_owned())]);
        for (sort, first) in [
            ("created", "Spring_1.csv"),
            ("-created", "zÄrmel.xlsx"),
            ("file", "Spring_1.csv"),
            ("status", "summer 50%.csv"),
            ("duration", "zÄrmel.xlsx"),
            // Running for long.
            ("-duration", "summer 50%.csv"),
        ] {
            let filter = ImportsFilter {
                sort: sort.parse().unwrap(),
                ..all.clone()
            };
            assert_eq!(names(&store, &scope, filter).await[0], first, "{sort}");
        }
        let page = store.find_imports(&scope, &all, 7).await.unwrap();
        assert_eq!((page.page, page.pages, page.total), (1, 1, 3));
    }

    async fn user(store: &Store, email: &str) -> crate::server::identity::user::User {
        let new = NewUser {
            email,
            name: email,
            role: Role::Staff,
            password_hash: String::new().into(),
        };
        store.create_user(new).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn who_handed_a_file_in_has_its_job_whoever_took_it_up_first() {
        let (_database, store) = TestDatabase::opened().await;
        let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
        let job: JobId = "7".parse().unwrap();
        let nobody = JobOwner::Staff;
        let adopt = async |user: &UserId| {
            let adopted = store.adopt_job(user, &nobody, &job, "import 7").await;
            adopted.unwrap().is_some()
        };
        assert!(adopt(&eve.id).await);
        assert!(!adopt(&ada.id).await);
        // Without a known owner, the first visitor does not lock others out.
        let may_change = async |user: &crate::server::identity::user::User| {
            let found = store.find_job(&user.jobs(), &job).await.unwrap()?;
            user.changeable_jobs().unwrap().admit(found)
        };
        assert!(may_change(&eve).await.is_some() && may_change(&ada).await.is_some());
        let started = store.jobs_started_since(0, 10).await.unwrap();
        assert_eq!(started[0].0, JobOwner::Staff);
        let created = store
            .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
            .await
            .unwrap();
        assert!(matches!(created, Created::TakenBack(_, before) if before == eve.id));
        assert!(store.find_job(&eve.jobs(), &job).await.unwrap().is_none());
        let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
        assert_eq!(found.filename, "a.csv");
        // A repeated adoption does not take a job from its uploader.
        let created = store
            .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
            .await
            .unwrap();
        assert!(matches!(created, Created::Before));
        assert!(
            store
                .create_job(&eve.id, &job, "b.csv", ImportMode::Import)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_job_whose_owner_is_known_is_theirs_whoever_asks_first() {
        let (_database, store) = TestDatabase::opened().await;
        let (ada, eve) = (
            user(&store, "ada@example.com").await,
            user(&store, "eve").await,
        );
        let found = async |owner: &str| store.owner_named(owner).await.unwrap();
        for name in [ada.id.as_str(), "Ada@example.com "] {
            assert_eq!(found(name).await, JobOwner::User(ada.id.clone()), "{name}");
        }
        for name in ["", "nobody", "42"] {
            assert_eq!(found(name).await, JobOwner::Staff, "{name}");
        }
        let (job, owner) = ("8".parse().unwrap(), found("ada@example.com").await);
        let adopted = store.adopt_job(&eve.id, &owner, &job, "import 8").await;
        assert!(adopted.unwrap().is_some());
        assert!(store.find_job(&eve.jobs(), &job).await.unwrap().is_none());
        assert!(store.find_job(&ada.jobs(), &job).await.unwrap().is_some());
        // The late answer of the upload has the file name.
        let created = store
            .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
            .await
            .unwrap();
        assert!(matches!(created, Created::Before));
        let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
        assert_eq!(found.filename, "a.csv");
    }

    #[tokio::test]
    async fn what_ended_long_ago_is_deleted_and_at_last_forgotten() {
        let (_database, store) = TestDatabase::opened().await;
        let ada = user(&store, "ada").await;
        let [runs, over]: [JobId; 2] = ["1", "2"].map(|id| id.parse().unwrap());
        for job in [&runs, &over] {
            store
                .create_job(&ada.id, job, "a.csv", ImportMode::Import)
                .await
                .unwrap();
        }
        row::Entity::update_many()
            .col_expr(row::Column::Status, Expr::value("SUCCESS"))
            .col_expr(row::Column::CompletedAt, Expr::value(7_i64))
            .filter(row::Column::Id.eq(over.as_str()))
            .exec(&store.db)
            .await
            .unwrap();
        assert_eq!(store.remove_ended_jobs(7).await.unwrap(), 0);
        assert_eq!(store.remove_ended_jobs(8).await.unwrap(), 1);
        assert_eq!(store.remove_ended_jobs(now()).await.unwrap(), 0);
        assert!(store.find_job(&ada.jobs(), &runs).await.unwrap().is_some());
        assert!(store.find_job(&ada.jobs(), &over).await.unwrap().is_none());
        assert!(store.knows_job(&over).await.unwrap());
        assert_eq!(store.forget_deleted_jobs(0).await.unwrap(), 0);
        assert_eq!(store.forget_deleted_jobs(now() + 1).await.unwrap(), 1);
        assert!(!store.knows_job(&over).await.unwrap());
    }

    #[tokio::test]
    async fn what_was_deleted_stays_known() {
        let (_database, store) = TestDatabase::opened().await;
        let ada = user(&store, "ada").await;
        let job: JobId = "7".parse().unwrap();
        assert!(!store.knows_job(&job).await.unwrap());
        store
            .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
            .await
            .unwrap();
        let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
        let found = ada.changeable_jobs().unwrap().admit(found).unwrap();
        store.delete_job(&found).await.unwrap();
        store.delete_job(&found).await.unwrap();
        assert!(store.find_job(&ada.jobs(), &job).await.unwrap().is_none());
        assert!(store.knows_job(&job).await.unwrap());
    }
}
