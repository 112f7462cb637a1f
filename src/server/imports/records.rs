//! The database as the relay sees it.

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, TryFutureExt as _, stream, stream::BoxStream};

use crate::{
    model::{
        job::{JobId, ProductImportJob, UnixMillis},
        job_state::{JobState, Recorded},
    },
    server::{
        auth::recheck,
        config::{Config, SessionLifetime},
        identity::{
            credential::Pass,
            job_scope::{JobOwner, JobScope},
            user::UserId,
        },
        relay::records::{Answer, JobRecords, NextState, Passes, RecordError, Records},
        store::{Store, StoreError},
    },
};

/// Makes the records of a database.
pub(crate) fn records(store: &Store, config: &Config) -> Records {
    Records {
        jobs: Arc::new(store.clone()),
        passes: Arc::new(StoredPasses {
            store: store.clone(),
            lifetime: config.auth.sessions,
        }),
        // SQLite has a single writer.
        connections: if config.database.is_file() {
            1
        } else {
            config.database.max_connections()
        },
        is_shared: store.has_workers(),
    }
}

/// Boxes the answer of the database.
fn answer<'a, T: 'a>(
    asked: impl Future<Output = Result<T, StoreError>> + Send + 'a,
) -> Answer<'a, T> {
    asked.map_err(RecordError::from).boxed()
}

impl JobRecords for Store {
    fn end<'a>(&'a self, job: &'a JobId, state: &'a NextState<'a>) -> Answer<'a, Recorded> {
        answer(self.end_job(job, state))
    }

    fn update<'a>(&'a self, job: &'a JobId, state: JobState) -> Answer<'a, Recorded> {
        answer(self.update_job(job, state))
    }

    fn update_all(&self, states: Vec<(JobId, JobState)>) -> Answer<'_, ()> {
        answer(self.update_jobs(states))
    }

    fn set_failed_skus<'a>(&'a self, job: &'a JobId, skus: &'a [String]) -> Answer<'a, ()> {
        answer(Self::set_failed_skus(self, job, skus))
    }

    fn find<'a>(
        &'a self,
        scope: &'a JobScope,
        jobs: &'a [JobId],
    ) -> Answer<'a, Vec<ProductImportJob>> {
        answer(self.find_jobs(scope, jobs))
    }

    fn unfinished<'a>(
        &'a self,
        scope: &'a JobScope,
        most: usize,
    ) -> Answer<'a, Vec<ProductImportJob>> {
        answer(self.unfinished_jobs(scope, most))
    }

    fn unfinished_after<'a>(
        &'a self,
        job: Option<&'a JobId>,
        most: u64,
    ) -> Answer<'a, Vec<ProductImportJob>> {
        answer(self.unfinished_jobs_after(job, most))
    }

    fn started_since(
        &self,
        since: UnixMillis,
        most: u64,
    ) -> Answer<'_, Vec<(JobOwner, ProductImportJob)>> {
        answer(self.jobs_started_since(since, most))
    }
}

/// Sessions, tokens and roles as they are recorded.
#[derive(Debug)]
struct StoredPasses {
    store: Store,
    lifetime: SessionLifetime,
}

impl Passes for StoredPasses {
    fn void(&self, passes: Vec<Pass>) -> Answer<'_, Vec<Pass>> {
        answer(recheck::void(&self.store, self.lifetime, passes))
    }

    fn tell_revoked<'a>(&'a self, user: &'a UserId) -> Answer<'a, ()> {
        answer(self.store.notify_revoked(user))
    }

    fn revocations(
        &self,
    ) -> Answer<'_, Option<BoxStream<'static, Result<Option<UserId>, RecordError>>>> {
        let listening = async {
            let revocations = self.store.listen_for_revocations().await?;
            Ok(revocations.map(|revocations| {
                stream::unfold(revocations, async |mut revocations| {
                    let next = revocations.next().await.map_err(RecordError::from);
                    Some((next, revocations))
                })
                .boxed()
            }))
        };
        answer(listening)
    }
}
