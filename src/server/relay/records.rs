//! What the relay asks of the database, as traits of its own.

use std::fmt;

use futures_util::{future::BoxFuture, stream::BoxStream};

use crate::{
    model::{
        activity::ActivityKind,
        job::{JobId, ProductImportJob, UnixMillis},
        job_state::{JobState, Recorded},
    },
    server::identity::{
        credential::Pass,
        job_scope::{JobOwner, JobScope},
        user::UserId,
    },
};

/// Why something could not be recorded or found. The text is for the log.
pub(crate) type RecordError = Box<dyn std::error::Error + Send + Sync>;

/// The answer of the database, once it is there.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, RecordError>>;

/// Makes the state of a job that is to be recorded out of the one that is.
pub(crate) type NextState<'a> = dyn Fn(&ProductImportJob) -> JobState + Send + Sync + 'a;

/// Keeps the states of jobs.
pub(crate) trait JobRecords: fmt::Debug + Send + Sync {
    /// Records the end of a job, unless it is over already.
    fn end<'a>(&'a self, job: &'a JobId, state: &'a NextState<'a>) -> Answer<'a, Recorded>;

    /// Records a newer state of a job that is not over.
    fn update<'a>(&'a self, job: &'a JobId, state: JobState) -> Answer<'a, Recorded>;

    /// Records newer states of several jobs at once.
    fn update_all(&self, states: Vec<(JobId, JobState)>) -> Answer<'_, ()>;

    /// Records which products of a job failed.
    fn set_failed_skus<'a>(&'a self, job: &'a JobId, skus: &'a [String]) -> Answer<'a, ()>;

    /// Finds those of the jobs that are in a scope.
    fn find<'a>(
        &'a self,
        scope: &'a JobScope,
        jobs: &'a [JobId],
    ) -> Answer<'a, Vec<ProductImportJob>>;

    /// Finds the newest unfinished jobs of a scope.
    fn unfinished<'a>(
        &'a self,
        scope: &'a JobScope,
        most: usize,
    ) -> Answer<'a, Vec<ProductImportJob>>;

    /// Lists unfinished jobs of all users in a fixed order, from one on.
    fn unfinished_after<'a>(
        &'a self,
        job: Option<&'a JobId>,
        most: u64,
    ) -> Answer<'a, Vec<ProductImportJob>>;

    /// Lists the jobs that have been recorded since a time, by any instance.
    fn started_since(
        &self,
        since: UnixMillis,
        most: u64,
    ) -> Answer<'_, Vec<(JobOwner, ProductImportJob)>>;
}

/// Keeps what has happened to jobs, for people to read.
pub(crate) trait ActivityLog: fmt::Debug + Send + Sync {
    /// Notes that something has happened to jobs.
    fn note<'a>(&'a self, jobs: &'a [JobId], what: ActivityKind) -> Answer<'a, ()>;
}

/// The users whose streams are to be looked at, as other instances tell.
pub(crate) type Revocations = BoxStream<'static, Result<Option<UserId>, RecordError>>;

/// Knows who may keep their streams.
pub(crate) trait Passes: fmt::Debug + Send + Sync {
    /// Returns those of the passes that hold no more.
    fn void(&self, passes: Vec<Pass>) -> Answer<'_, Vec<Pass>>;

    /// Tells the other instances to look at a user's streams.
    fn tell_revoked<'a>(&'a self, user: &'a UserId) -> Answer<'a, ()>;

    /// Listens to what the other instances tell; `None` where there are no others. An item without a user
    /// means that some may have been missed.
    fn revocations(&self) -> Answer<'_, Option<Revocations>>;
}

/// The database, as the relay sees it.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    /// The states of jobs.
    pub(crate) jobs: std::sync::Arc<dyn JobRecords>,
    /// What has happened to jobs.
    pub(crate) activity: std::sync::Arc<dyn ActivityLog>,
    /// Who may keep their streams.
    pub(crate) passes: std::sync::Arc<dyn Passes>,
    /// How many connections there are to the database.
    pub(crate) connections: u32,
    /// Whether other instances may record jobs too.
    pub(crate) is_shared: bool,
}
