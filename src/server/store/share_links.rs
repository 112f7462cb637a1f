//! Links to imports, usable without an account.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    Store, StoreError,
    entity::{share_link as row, user},
    users::may_sign_in,
};
use crate::{
    model::{
        clock::now,
        job::{JobId, UnixMillis},
    },
    server::identity::{
        job_scope::ChangeableJob,
        user::{User, UserId},
    },
};

/// An unexpired link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct StoredLink {
    pub(crate) id: String,
    pub(crate) created_at: UnixMillis,
    pub(crate) expires_at: UnixMillis,
}

impl Store {
    pub(crate) async fn create_share_link(
        &self,
        link: &StoredLink,
        job: &ChangeableJob,
        creator: &UserId,
    ) -> Result<(), StoreError> {
        let model = row::Model {
            id: link.id.clone(),
            job_id: job.id.as_str().to_owned(),
            created_by: creator.as_str().to_owned(),
            created_at: link.created_at,
            expires_at: link.expires_at,
        };
        row::Entity::insert(row::ActiveModel::from(model))
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    pub(crate) async fn list_share_links(
        &self,
        job: &ChangeableJob,
    ) -> Result<Vec<StoredLink>, StoreError> {
        let rows = row::Entity::find()
            .filter(row::Column::JobId.eq(job.id.as_str()))
            .filter(row::Column::ExpiresAt.gt(now()))
            .order_by_desc(row::Column::CreatedAt)
            .order_by_desc(row::Column::Id)
            .all(&self.db)
            .await?;
        let link = |row: row::Model| StoredLink {
            id: row.id,
            created_at: row.created_at,
            expires_at: row.expires_at,
        };
        Ok(rows.into_iter().map(link).collect())
    }

    pub(crate) async fn count_share_links(&self, job: &ChangeableJob) -> Result<u64, StoreError> {
        let count = row::Entity::find()
            .filter(row::Column::JobId.eq(job.id.as_str()))
            .filter(row::Column::ExpiresAt.gt(now()))
            .count(&self.db);
        Ok(count.await?)
    }

    pub(crate) async fn delete_share_link(
        &self,
        job: &ChangeableJob,
        id: &str,
    ) -> Result<bool, StoreError> {
        let deleted = row::Entity::delete_by_id(id)
            .filter(row::Column::JobId.eq(job.id.as_str()))
            .exec(&self.db)
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Finds the import of a link whose creator can still sign in.
    pub(crate) async fn find_share_link(
        &self,
        id: &str,
    ) -> Result<Option<(JobId, User)>, StoreError> {
        let link = row::Entity::find_by_id(id)
            .filter(row::Column::ExpiresAt.gt(now()))
            .one(&self.db)
            .await?;
        let Some(link) = link else {
            return Ok(None);
        };
        let creator = user::Entity::find_by_id(&link.created_by)
            .filter(may_sign_in())
            .one(&self.db)
            .await?;
        let Some(creator) = creator else {
            return Ok(None);
        };
        let job = link.job_id.parse().map_err(|error| StoreError::Corrupt {
            table: "share_links",
            reason: format!("job_id: {error}"),
        })?;
        Ok(Some((job, creator.try_into()?)))
    }

    /// Returns the creators of unexpired links.
    pub(crate) async fn open_share_links(
        &self,
        ids: &[&str],
    ) -> Result<HashMap<String, String>, StoreError> {
        let rows: Vec<(String, String)> = row::Entity::find()
            .select_only()
            .column(row::Column::Id)
            .column(row::Column::CreatedBy)
            .filter(row::Column::Id.is_in(ids.iter().copied()))
            .filter(row::Column::ExpiresAt.gt(now()))
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().collect())
    }

    pub(crate) async fn remove_share_links(&self) -> Result<u64, StoreError> {
        let removed = row::Entity::delete_many()
            .filter(row::Column::ExpiresAt.lte(now()))
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }
}
