//! Queries for the jobs of a scope.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select, sea_query::ExprTrait as _};

use super::entity as row;
use crate::{
    model::job::JobId,
    server::{
        identity::{
            job_scope::{JobOwner, JobScope, VisibleJob},
            user::UserId,
        },
        store::{Store, StoreError},
    },
};

impl JobOwner {
    pub(super) fn of_row(row: &row::Model) -> Self {
        if row.shared {
            Self::Staff
        } else {
            Self::User(UserId::new(row.user_id.as_str()))
        }
    }
}

impl JobScope {
    pub(super) fn find(&self) -> Select<row::Entity> {
        let all = row::Entity::find();
        match self.user() {
            Some(user) => all.filter(
                row::Column::UserId
                    .eq(user.as_str())
                    .or(row::Column::Shared.eq(true)),
            ),
            None => all,
        }
    }
}

impl Store {
    pub(crate) async fn find_job(
        &self,
        scope: &JobScope,
        id: &JobId,
    ) -> Result<Option<VisibleJob>, StoreError> {
        let found = scope
            .find()
            .filter(row::Column::Id.eq(id.as_str()))
            .one(&self.db)
            .await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let owner = JobOwner::of_row(&row);
        Ok(scope.admit(row.try_into()?, owner))
    }
}
