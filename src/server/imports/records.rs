//! Implements the relay's traits with the database.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt as _, StreamExt as _, TryFutureExt as _, stream, stream::BoxStream};

use crate::{
    model::{
        activity::ActivityKind,
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
        relay::records::{
            ActivityLog, Answer, JobRecords, NextState, Passes, RecordError, Records,
        },
        store::{Store, StoreError, activity::NewActivity},
    },
};

pub(crate) fn records(store: &Store, config: &Config) -> Records {
    Records {
        jobs: Arc::new(StoredJobs::new(store.clone())),
        activity: Arc::new(store.clone()),
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

impl ActivityLog for Store {
    fn note<'a>(&'a self, jobs: &'a [JobId], what: ActivityKind) -> Answer<'a, ()> {
        answer(async move {
            let jobs: Vec<_> = jobs.iter().map(JobId::as_str).collect();
            self.note_activity(&jobs, NewActivity::from(what)).await
        })
    }
}

/// Maximum remembered started imports. A start recorded twice changes nothing.
const MOST_STARTED: usize = 10_000;

/// States of jobs; the first one is recorded as the start.
#[derive(Debug)]
struct StoredJobs {
    store: Store,
    started: Mutex<HashSet<JobId>>,
}

impl StoredJobs {
    fn new(store: Store) -> Self {
        Self {
            store,
            started: Mutex::default(),
        }
    }

    async fn note_started(&self, jobs: Vec<JobId>) {
        let new: Vec<_> = {
            let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
            if started.len() + jobs.len() > MOST_STARTED {
                started.clear();
            }
            let is_new = |job: &JobId| started.insert(job.clone());
            jobs.into_iter().filter(is_new).collect()
        };
        if !new.is_empty()
            && let Err(error) = self.store.note(&new, ActivityKind::Started).await
        {
            tracing::warn!(%error, "cannot record that imports have started");
        }
    }
}

fn has_begun(state: &JobState) -> bool {
    state.processed_products > 0 || state.failed_products > 0 || state.total_products > 0
}

impl JobRecords for StoredJobs {
    fn end<'a>(&'a self, job: &'a JobId, state: &'a NextState<'a>) -> Answer<'a, Recorded> {
        async move {
            let recorded = self.store.end(job, state).await?;
            if let Recorded::Ended(ended) = &recorded
                && ended.progress().done() > 0
            {
                self.note_started(vec![job.clone()]).await;
            }
            let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
            started.remove(job);
            Ok(recorded)
        }
        .boxed()
    }

    fn update<'a>(&'a self, job: &'a JobId, state: JobState) -> Answer<'a, Recorded> {
        async move {
            let has_begun = has_begun(&state);
            let recorded = self.store.update(job, state).await?;
            if has_begun && matches!(recorded, Recorded::Updated) {
                self.note_started(vec![job.clone()]).await;
            }
            Ok(recorded)
        }
        .boxed()
    }

    fn update_all(&self, states: Vec<(JobId, JobState)>) -> Answer<'_, ()> {
        async move {
            let begun = states.iter().filter(|(_, state)| has_begun(state));
            let begun = begun.map(|(job, _)| job.clone()).collect();
            self.store.update_all(states).await?;
            self.note_started(begun).await;
            Ok(())
        }
        .boxed()
    }

    fn set_failed_skus<'a>(&'a self, job: &'a JobId, skus: &'a [String]) -> Answer<'a, ()> {
        JobRecords::set_failed_skus(&self.store, job, skus)
    }

    fn find<'a>(
        &'a self,
        scope: &'a JobScope,
        jobs: &'a [JobId],
    ) -> Answer<'a, Vec<ProductImportJob>> {
        self.store.find(scope, jobs)
    }

    fn unfinished<'a>(
        &'a self,
        scope: &'a JobScope,
        most: usize,
    ) -> Answer<'a, Vec<ProductImportJob>> {
        self.store.unfinished(scope, most)
    }

    fn unfinished_after<'a>(
        &'a self,
        job: Option<&'a JobId>,
        most: u64,
    ) -> Answer<'a, Vec<ProductImportJob>> {
        self.store.unfinished_after(job, most)
    }

    fn started_since(
        &self,
        since: UnixMillis,
        most: u64,
    ) -> Answer<'_, Vec<(JobOwner, ProductImportJob)>> {
        self.store.started_since(since, most)
    }
}

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
