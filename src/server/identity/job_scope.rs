//! Which jobs a request may see and change; jobs proven to be in that scope.

use std::ops::Deref;

use super::user::{User, UserId};
use crate::model::{
    job::ProductImportJob,
    role::{Permission, Role},
};

/// The jobs that a user may see. Every query starts from a scope, so that invisible and missing jobs are alike.
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

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum JobOwner {
    User(UserId),
    /// All staff: started elsewhere by an unknown user.
    Staff,
}

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
    pub fn changeable_jobs(&self) -> Option<ChangeScope> {
        let may = self.role.may(Permission::Import);
        may.then(|| ChangeScope(self.jobs()))
    }
}

impl JobScope {
    /// Returns the user whose jobs and the staff's are in the scope; `None` if all are.
    pub(in crate::server) fn user(&self) -> Option<&UserId> {
        match &self.0 {
            Whose::Of(user) => Some(user),
            Whose::Everybody => None,
        }
    }

    /// Wraps a job if it is in the scope.
    pub(in crate::server) fn admit(
        &self,
        job: ProductImportJob,
        of: JobOwner,
    ) -> Option<VisibleJob> {
        self.covers(&of).then_some(VisibleJob { job, of })
    }

    pub(in crate::server) fn covers(&self, owner: &JobOwner) -> bool {
        match (&self.0, owner) {
            (Whose::Of(only), JobOwner::User(user)) => only == user,
            (Whose::Of(_), JobOwner::Staff) | (Whose::Everybody, _) => true,
        }
    }
}

/// A job in the requester's [`JobScope`]. Only a scope creates it, and details require one:
///
/// ```compile_fail,E0451
/// use import_relay::{
///     model::job::ProductImportJob,
///     server::identity::{job_scope::VisibleJob, user::UserId},
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

/// A job in the requester's [`ChangeScope`]. Only a scope creates it, and changes require one:
///
/// ```compile_fail,E0423
/// use import_relay::server::identity::job_scope::{ChangeableJob, VisibleJob};
///
/// fn only_watched(job: VisibleJob) -> ChangeableJob {
///     ChangeableJob(job)
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeableJob(VisibleJob);

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
