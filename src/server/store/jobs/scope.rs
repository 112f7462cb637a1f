//! Whose jobs a request may see and change, and jobs of which that is known.

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

/// Whose jobs somebody may look at. Every query for jobs starts from one, so none can forget whose
/// they are: what is somebody else's is not found, exactly like what is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JobScope(Whose);

/// Whose jobs somebody may change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeScope(JobScope);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Whose {
    Of(UserId),
    Everybody,
}

/// A job that whoever asks may look at. It comes out of a [`JobScope`] alone, and what looks closely
/// at a job takes one of these:
///
/// ```compile_fail,E0451
/// use import_relay::{
///     job::ProductImportJob,
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

/// Whose a job is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum JobOwner {
    /// One user's.
    User(UserId),
    /// The whole staff's: it was started elsewhere, and nobody knows by whom.
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

/// A job that whoever asks may change. It comes out of a [`ChangeScope`] alone, and what changes a
/// job takes one of these:
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
    /// Returns whose jobs this person may look at: their own and the whole staff's, and viewers, who have
    /// none, all.
    #[must_use]
    pub fn jobs(&self) -> JobScope {
        JobScope(match self.role {
            Role::Owner | Role::Staff | Role::Viewer => Whose::Of(self.id.clone()),
            Role::Observer => Whose::Everybody,
        })
    }

    /// Returns whose jobs this person may change; `None` for those who may only look.
    #[must_use]
    pub fn jobs_to_change(&self) -> Option<ChangeScope> {
        let may = self.role.may(Permission::Import);
        may.then(|| ChangeScope(self.jobs()))
    }
}

impl JobScope {
    /// Returns whether the jobs of this owner are in the scope.
    pub(crate) fn covers(&self, owner: &JobOwner) -> bool {
        match (&self.0, owner) {
            (Whose::Of(only), JobOwner::User(user)) => only == user,
            (Whose::Of(_), JobOwner::Staff) | (Whose::Everybody, _) => true,
        }
    }

    /// Begins a query for jobs.
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
    /// Takes a job that may be looked at as one that may be changed, if it is one.
    #[must_use]
    pub fn admit(&self, job: VisibleJob) -> Option<ChangeableJob> {
        self.0.covers(&job.of).then_some(ChangeableJob(job))
    }
}

impl VisibleJob {
    /// Puts a newer state of the same job into it.
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
    /// Finds a job of a scope. One outside of it is as good as none.
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
