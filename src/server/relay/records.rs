//! Traits by which the relay uses the database.

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

/// Why a query failed; for the log.
pub(crate) type RecordError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, RecordError>>;

/// Computes the state to record from the recorded job.
pub(crate) type NextState<'a> = dyn Fn(&ProductImportJob) -> JobState + Send + Sync + 'a;

pub(crate) trait JobRecords: fmt::Debug + Send + Sync {
    fn end<'a>(&'a self, job: &'a JobId, state: &'a NextState<'a>) -> Answer<'a, Recorded>;

    fn update<'a>(&'a self, job: &'a JobId, state: JobState) -> Answer<'a, Recorded>;

    fn update_all(&self, states: Vec<(JobId, JobState)>) -> Answer<'_, ()>;

    fn set_failed_skus<'a>(&'a self, job: &'a JobId, skus: &'a [String]) -> Answer<'a, ()>;

    /// Filters jobs by scope.
    fn find<'a>(
        &'a self,
        scope: &'a JobScope,
        jobs: &'a [JobId],
    ) -> Answer<'a, Vec<ProductImportJob>>;

    /// Newest first.
    fn unfinished<'a>(
        &'a self,
        scope: &'a JobScope,
        most: usize,
    ) -> Answer<'a, Vec<ProductImportJob>>;

    /// Lists unfinished jobs of all users after one, in a fixed order.
    fn unfinished_after<'a>(
        &'a self,
        job: Option<&'a JobId>,
        most: u64,
    ) -> Answer<'a, Vec<ProductImportJob>>;

    /// Lists jobs recorded since a time by any instance.
    fn started_since(
        &self,
        since: UnixMillis,
        most: u64,
    ) -> Answer<'_, Vec<(JobOwner, ProductImportJob)>>;
}

pub(crate) trait ActivityLog: fmt::Debug + Send + Sync {
    fn note<'a>(&'a self, jobs: &'a [JobId], what: ActivityKind) -> Answer<'a, ()>;
}

/// Users whose streams must be rechecked, as notified by other instances.
pub(crate) type Revocations = BoxStream<'static, Result<Option<UserId>, RecordError>>;

/// Verifies who may keep their streams.
pub(crate) trait Passes: fmt::Debug + Send + Sync {
    /// Returns the passes that are no longer valid.
    fn void(&self, passes: Vec<Pass>) -> Answer<'_, Vec<Pass>>;

    /// Notifies other instances to recheck a user's streams.
    fn tell_revoked<'a>(&'a self, user: &'a UserId) -> Answer<'a, ()>;

    /// Subscribes to other instances' notifications; `None` if there are no others. An item without a user means that
    /// some may have been missed.
    fn revocations(&self) -> Answer<'_, Option<Revocations>>;
}

#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) jobs: std::sync::Arc<dyn JobRecords>,
    pub(crate) activity: std::sync::Arc<dyn ActivityLog>,
    pub(crate) passes: std::sync::Arc<dyn Passes>,
    pub(crate) connections: u32,
    /// Whether other instances may record jobs too.
    pub(crate) is_shared: bool,
}
