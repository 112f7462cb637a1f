//! The imports that are recorded here, each with its user.

mod deleted;
mod entity;
pub mod scope;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
    TransactionTrait,
    sea_query::{Expr, OnConflict},
};

use self::{
    entity as row,
    scope::{ChangeableJob, JobScope},
};
use super::{Store, StoreError, from_db, now, to_db, users::UserId};
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

fn new_job(user: &UserId, id: &JobId, filename: &str) -> row::ActiveModel {
    let now = now();
    row::ActiveModel {
        id: Set(id.as_str().to_owned()),
        user_id: Set(user.as_str().to_owned()),
        filename: Set(filename.to_owned()),
        status: Set(ImportStatus::Pending.as_str().to_owned()),
        error: Set(None),
        total_products: Set(None),
        processed_products: Set(0),
        failed_products: Set(0),
        failed_product_skus: Set("[]".to_owned()),
        created_at: Set(now),
        updated_at: Set(now),
        completed_at: Set(None),
        adopted_at: Set(None),
    }
}

impl Store {
    /// Records a job that the price monitor has just made for this user. Somebody who has taken it up
    /// in the moment since then gives it back, and is returned.
    pub(crate) async fn create_job(
        &self,
        user: &UserId,
        id: &JobId,
        filename: &str,
    ) -> Result<Option<UserId>, StoreError> {
        let created = row::Entity::insert(new_job(user, id, filename))
            .exec_without_returning(&self.db)
            .await;
        let Err(error) = created else {
            return Ok(None);
        };
        if !is_taken(&error) {
            return Err(error.into());
        }
        let Some(there) = row::Entity::find_by_id(id.as_str()).one(&self.db).await? else {
            return Err(error.into());
        };
        if there.adopted_at.is_none() {
            // Asked again, because whether it was recorded was not heard.
            let is_done = there.user_id == user.as_str();
            return if is_done { Ok(None) } else { Err(error.into()) };
        }
        row::Entity::update_many()
            .col_expr(row::Column::UserId, Expr::value(user.as_str()))
            .col_expr(row::Column::Filename, Expr::value(filename))
            .col_expr(row::Column::AdoptedAt, Expr::value(None::<i64>))
            .filter(row::Column::Id.eq(id.as_str()))
            .filter(row::Column::AdoptedAt.is_not_null())
            .exec(&self.db)
            .await?;
        let before = UserId::of_row(&there.user_id);
        Ok((before != *user).then_some(before))
    }

    /// Returns whether a job is recorded, whoever's it is, or was and has been deleted.
    pub(crate) async fn knows_job(&self, id: &JobId) -> Result<bool, StoreError> {
        let recorded = row::Entity::find_by_id(id.as_str()).count(&self.db).await?;
        let deleted = deleted::Entity::find_by_id(id.as_str())
            .count(&self.db)
            .await?;
        Ok(recorded + deleted > 0)
    }

    /// Records a job that was started elsewhere. `false` when somebody else was quicker: it stays
    /// whose it is.
    pub(crate) async fn adopt_job(
        &self,
        user: &UserId,
        id: &JobId,
        filename: &str,
    ) -> Result<bool, StoreError> {
        let job = row::ActiveModel {
            adopted_at: Set(Some(now())),
            ..new_job(user, id, filename)
        };
        match row::Entity::insert(job)
            .exec_without_returning(&self.db)
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(error.into()),
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

    /// Records a newer state of a job. A final state is never overwritten.
    pub(crate) async fn update_job(&self, id: &JobId, state: JobState) -> Result<(), StoreError> {
        let total = (state.total_products > 0).then(|| to_db(state.total_products));
        let mut update = row::Entity::update_many()
            .col_expr(row::Column::Status, Expr::value(state.status.as_str()))
            .col_expr(row::Column::Error, Expr::value(state.error))
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
        if let Some(skus) = state.failed_product_skus {
            let skus = serde_json::Value::from(skus).to_string();
            update = update.col_expr(row::Column::FailedProductSkus, Expr::value(skus));
        }
        update
            .filter(row::Column::Id.eq(id.as_str()))
            .filter(row::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Removes a job, and remembers that it was there.
    pub(crate) async fn delete_job(&self, job: &ChangeableJob) -> Result<(), StoreError> {
        let transaction = self.db.begin().await?;
        deleted::Entity::insert(deleted::ActiveModel {
            id: Set(job.id.as_str().to_owned()),
            deleted_at: Set(now()),
        })
        .on_conflict(
            OnConflict::column(deleted::Column::Id)
                .update_column(deleted::Column::DeletedAt)
                .to_owned(),
        )
        .exec_without_returning(&transaction)
        .await?;
        row::Entity::delete_by_id(job.id.as_str())
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
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

/// Returns whether something was not recorded because there is such a thing.
fn is_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        role::Role,
        server::store::{test_database::TestDatabase, users::NewUser},
    };

    async fn user(store: &Store, email: &str) -> crate::server::store::users::User {
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
        let database = TestDatabase::create().await;
        let store = Store::open(&database.url).await.unwrap();
        let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
        let job: JobId = "7".parse().unwrap();
        assert!(store.adopt_job(&eve.id, &job, "import 7").await.unwrap());
        assert!(!store.adopt_job(&ada.id, &job, "import 7").await.unwrap());
        let before = store.create_job(&ada.id, &job, "a.csv").await.unwrap();
        assert_eq!(before, Some(eve.id.clone()));
        assert!(store.find_job(&eve.jobs(), &job).await.unwrap().is_none());
        let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
        assert_eq!(found.filename, "a.csv");
        // It may be asked twice, and what somebody handed in is not taken from them.
        assert_eq!(
            store.create_job(&ada.id, &job, "a.csv").await.unwrap(),
            None
        );
        assert!(store.create_job(&eve.id, &job, "b.csv").await.is_err());
    }

    #[tokio::test]
    async fn what_was_deleted_stays_known() {
        let database = TestDatabase::create().await;
        let store = Store::open(&database.url).await.unwrap();
        let ada = user(&store, "ada").await;
        let job: JobId = "7".parse().unwrap();
        assert!(!store.knows_job(&job).await.unwrap());
        store.create_job(&ada.id, &job, "a.csv").await.unwrap();
        let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
        let found = ada.jobs_to_change().unwrap().admit(found).unwrap();
        store.delete_job(&found).await.unwrap();
        store.delete_job(&found).await.unwrap();
        assert!(store.find_job(&ada.jobs(), &job).await.unwrap().is_none());
        assert!(store.knows_job(&job).await.unwrap());
    }
}
