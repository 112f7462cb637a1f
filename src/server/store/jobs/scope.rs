//! Scopes: which jobs a request may see and change.

use std::ops::Deref;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select, sea_query::ExprTrait as _};

use super::entity as row;
use crate::{
    model::{
        job::{JobId, ProductImportJob},
        role::{Permission, Role},
    },
    server::store::{
        Store, StoreError,
        users::{User, UserId},
    },
};

/// The jobs that a user may see. Every query starts from a scope, so invisible jobs are not found, like
/// missing ones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JobScope(Whose);

/// The jobs that a user may change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeScope(JobScope);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Whose {
    Of(UserId),
    Everybody,
}

/// A job in the requester's [`JobScope`]. Only a scope creates it, and details require one:
///
/// ```compile_fail,E0451
/// use import_relay::{
///     model::job::ProductImportJob,
///     server::store::{job_scope::VisibleJob, users::UserId},
/// };
///
/// fn forged(job: ProductImportJob, of: UserId) -> VisibleJob {
///     VisibleJob { job, of }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct VisibleJob {
    job: ProductImportJob,
    of: JobOwner,
}

/// The owner of a job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum JobOwner {
    /// A user.
    User(UserId),
    /// All staff: started elsewhere by an unknown user.
    Staff,
}

impl JobOwner {
    pub(super) fn of_row(row: &row::Model) -> Self {
        if row.shared {
            Self::Staff
        } else {
            Self::User(UserId::of_row(&row.user_id))
        }
    }
}

/// A job in the requester's [`ChangeScope`]. Only a scope creates it, and changes require one:
///
/// ```compile_fail,E0423
/// use import_relay::server::store::job_scope::{ChangeableJob, VisibleJob};
///
/// fn only_watched(job: VisibleJob) -> ChangeableJob {
///     ChangeableJob(job)
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeableJob(VisibleJob);

impl User {
    /// Returns the jobs that this user may see: their own, for staff also shared ones, for observers all.
    #[must_use]
    pub fn jobs(&self) -> JobScope {
        JobScope(match self.role {
            Role::Owner | Role::Staff | Role::Viewer => Whose::Of(self.id.clone()),
            Role::Observer => Whose::Everybody,
        })
    }

    /// Returns the jobs that this user may change; `None` with read-only access.
    #[must_use]
    pub fn jobs_to_change(&self) -> Option<ChangeScope> {
        let may = self.role.may(Permission::Import);
        may.then(|| ChangeScope(self.jobs()))
    }
}

impl JobScope {
    /// Returns whether the owner's jobs are in the scope.
    pub(crate) fn covers(&self, owner: &JobOwner) -> bool {
        match (&self.0, owner) {
            (Whose::Of(only), JobOwner::User(user)) => only == user,
            (Whose::Of(_), JobOwner::Staff) | (Whose::Everybody, _) => true,
        }
    }

    /// Starts a query.
    pub(super) fn find(&self) -> Select<row::Entity> {
        let all = row::Entity::find();
        match &self.0 {
            Whose::Of(user) => all.filter(
                row::Column::UserId
                    .eq(user.as_str())
                    .or(row::Column::Shared.eq(true)),
            ),
            Whose::Everybody => all,
        }
    }
}

impl ChangeScope {
    /// Returns the job as changeable, if it is.
    #[must_use]
    pub fn admit(&self, job: VisibleJob) -> Option<ChangeableJob> {
        self.0.covers(&job.of).then_some(ChangeableJob(job))
    }
}

impl VisibleJob {
    /// Replaces the state by a newer one of the same job.
    #[must_use]
    pub(crate) fn in_state(self, newer: ProductImportJob) -> Self {
        let id = self.job.id;
        Self {
            job: ProductImportJob { id, ..newer },
            of: self.of,
        }
    }
}

impl Deref for VisibleJob {
    type Target = ProductImportJob;

    fn deref(&self) -> &ProductImportJob {
        &self.job
    }
}

impl Deref for ChangeableJob {
    type Target = VisibleJob;

    fn deref(&self) -> &VisibleJob {
        &self.0
    }
}

impl From<VisibleJob> for ProductImportJob {
    fn from(visible: VisibleJob) -> Self {
        visible.job
    }
}

impl Store {
    /// Finds a job of a scope.
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
        found
            .map(|row| {
                Ok(VisibleJob {
                    of: JobOwner::of_row(&row),
                    job: row.try_into()?,
                })
            })
            .transpose()
    }
}
