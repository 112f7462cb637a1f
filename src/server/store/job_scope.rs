//! Whose jobs a request may see and change.

use sea_orm::{ColumnTrait, DeleteMany, EntityTrait, QueryFilter, Select};

use super::{
    entity::product_import_job as row,
    users::{User, UserId},
};
use crate::{
    job::JobId,
    role::{Permission, Role},
};

/// Whose jobs somebody may look at. Every query for jobs starts from one, so none can forget whose
/// they are: what is somebody else's is not found, exactly like what is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JobScope(Whose);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Whose {
    Of(UserId),
    Everybody,
}

impl User {
    /// Returns whose jobs this person may look at: their own, and viewers, who have none, all.
    #[must_use]
    pub fn jobs(&self) -> JobScope {
        JobScope(match self.role {
            Role::Owner | Role::Staff => Whose::Of(self.id.clone()),
            Role::Viewer => Whose::Everybody,
        })
    }

    /// Returns whose jobs this person may change; `None` for those who may only look.
    #[must_use]
    pub fn jobs_to_change(&self) -> Option<JobScope> {
        self.role.may(Permission::Import).then(|| self.jobs())
    }
}

impl JobScope {
    /// Returns whether the jobs of this user are in the scope.
    pub(crate) fn covers(&self, user: &UserId) -> bool {
        match &self.0 {
            Whose::Of(only) => only == user,
            Whose::Everybody => true,
        }
    }

    /// Begins a query for jobs.
    pub(super) fn find(&self) -> Select<row::Entity> {
        let all = row::Entity::find();
        match &self.0 {
            Whose::Of(user) => all.filter(row::Column::UserId.eq(user.as_str())),
            Whose::Everybody => all,
        }
    }

    /// Begins a query for one job.
    pub(super) fn find_by_id(&self, id: &JobId) -> Select<row::Entity> {
        self.find().filter(row::Column::Id.eq(id.as_str()))
    }

    /// Begins to remove one job.
    pub(super) fn delete_by_id(&self, id: &JobId) -> DeleteMany<row::Entity> {
        let one = row::Entity::delete_many().filter(row::Column::Id.eq(id.as_str()));
        match &self.0 {
            Whose::Of(user) => one.filter(row::Column::UserId.eq(user.as_str())),
            Whose::Everybody => one,
        }
    }
}
