//! Runs due sources: fetches the file, compares it with the last one, and imports it if changed.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Sources, login, schedule::Times};
use crate::{
    model::{
        error::ApiError,
        import_options::Instructions,
        job::UnixMillis,
        role::Permission,
        source::{RunCause, RunOutcome, RunProblem, Schedule, Source},
    },
    server::{
        identity::user::User,
        store::{
            StoreError,
            source_runs::{EndRules, RunEnd},
            sources::{ClaimedSource, FileIdentity},
        },
        uploads::{
            remote_file::{FileAnswer, FileRequest, RemoteError},
            spool::Spooled,
            upload_error::UploadError,
        },
        work::{Process, Work, jittered},
    },
};

/// Lease duration; renewed during the run.
pub(super) const LEASE: Duration = Duration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Minutes until the next attempt, by consecutive failures.
const PAUSES: [u64; 5] = [1, 5, 30, 120, 360];

#[derive(Clone, Debug)]
pub(super) struct Runs {
    pub(super) sources: Sources,
    /// Aborts downloads on shutdown; they restart at the next start.
    pub(super) shutdown: CancellationToken,
}

impl Work for Runs {
    type Claimed = ClaimedSource;

    const NAME: &'static str = "sources";
    const AT_ONCE: usize = 4;

    async fn forget_leases(&self) -> Result<(), StoreError> {
        self.sources.store.forget_source_leases().await
    }

    async fn is_due(&self, now: UnixMillis) -> Result<bool, StoreError> {
        self.sources.store.has_source_work(now).await
    }

    async fn prepare(&self, process: &Process) -> Result<(), StoreError> {
        let now = process.now().await?;
        let rules = EndRules {
            now,
            told_after: self.sources.told_after,
            not_before: &|schedule, failures| {
                let at = now.saturating_add(pause(failures));
                times(schedule)?.next_after(at)
            },
        };
        loop {
            let recorded = self.sources.store.record_ended_runs(&rules).await?;
            if recorded.is_empty() {
                return Ok(());
            }
            for outcome in recorded.into_iter().flatten() {
                self.sources.metrics.source_ran(outcome);
            }
        }
    }

    async fn claim(
        &self,
        process: &Process,
        now: UnixMillis,
    ) -> Result<Option<ClaimedSource>, StoreError> {
        let store = &self.sources.store;
        store.claim_due_source(process.name(), now, LEASE).await
    }

    async fn perform(&self, process: &Process, claimed: ClaimedSource, _now: UnixMillis) {
        let source = &claimed.source;
        let running = tokio::time::timeout(LONGEST, self.sources.run(&claimed));
        let running = self.shutdown.run_until_cancelled(running);
        let Some(ran) = self.sources.held(process, &source.id, running).await else {
            tracing::warn!(source = source.id, "a source was left to another process");
            return;
        };
        let recorded = match ran {
            // The next process continues it.
            None => {
                self.sources
                    .store
                    .release_source(process.name(), &source.id)
                    .await
            }
            Some(Err(_)) => {
                self.sources
                    .end(process, &claimed, RunEnd::Failed(RunProblem::TimedOut))
                    .await
            }
            Some(Ok(Ok(end))) => self.sources.end(process, &claimed, end).await,
            Some(Ok(Err(problem))) => {
                self.sources
                    .end(process, &claimed, RunEnd::Failed(problem))
                    .await
            }
        };
        if let Err(error) = recorded {
            tracing::warn!(%error, source = source.id, "cannot record the run of a source");
        }
    }
}

impl Sources {
    /// Renews a source's lease during a future. `None` if another process took it.
    pub(super) async fn held<T>(
        &self,
        process: &Process,
        source: &str,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let pause = tokio::time::sleep(RENEWAL);
            tokio::select! {
                done = &mut work => return Some(done),
                () = pause => {}
            }
            let renewed = async {
                let lease = UnixMillis::try_from(LEASE.as_millis()).unwrap_or(UnixMillis::MAX);
                let until = process.now().await?.saturating_add(lease);
                let store = &self.store;
                store
                    .renew_source_lease(process.name(), source, until)
                    .await
            };
            match renewed.await {
                Ok(true) => {}
                Ok(false) => return None,
                // The lease lasts for some more renewals.
                Err(error) => tracing::warn!(%error, source, "cannot renew the lease of a source"),
            }
        }
    }

    pub(super) async fn end(
        &self,
        process: &Process,
        claimed: &ClaimedSource,
        end: RunEnd,
    ) -> Result<(), StoreError> {
        let now = process.now().await?;
        let source = &claimed.source;
        let next = match &end {
            _ if claimed.cause == RunCause::Upload => source.due_at,
            RunEnd::Failed(problem) => {
                tracing::warn!(source = source.id, code = problem.code(), "a source failed");
                next_try(source, now)
            }
            RunEnd::Unchanged(_) | RunEnd::HandedOver(..) => next_time(source, now),
        };
        let outcome = match &end {
            RunEnd::Unchanged(_) => Some(RunOutcome::Unchanged),
            RunEnd::Failed(_) => Some(RunOutcome::Failed),
            // Its import has not ended.
            RunEnd::HandedOver(..) => None,
        };
        let (store, told_after) = (&self.store, self.told_after);
        let ended = store.end_source_run(process.name(), claimed, end, next, now, told_after);
        if !ended.await? {
            tracing::warn!(source = source.id, "a source was left to another process");
        } else if let Some(outcome) = outcome {
            self.metrics.source_ran(outcome);
        }
        Ok(())
    }

    /// Fetches a source's file, and imports it if changed.
    async fn run(&self, claimed: &ClaimedSource) -> Result<RunEnd, RunProblem> {
        let source = &claimed.source;
        let user = self.importing_user(source).await?;
        let login = match &claimed.login {
            None => None,
            Some(sealed) => {
                let login = login::open(self.keys.as_ref(), sealed);
                Some(login.ok_or(RunProblem::LoginUnreadable)?)
            }
        };
        let request = FileRequest {
            login,
            etag: claimed.last.etag.clone(),
            last_modified: claimed.last.last_modified.clone(),
        };
        let file = match self.files.ask(&source.address, &request).await? {
            FileAnswer::Unchanged => return Ok(RunEnd::Unchanged(claimed.last.clone())),
            FileAnswer::File(file) => file,
        };
        if file.length.is_some_and(|length| length > self.max_file) {
            return Err(RunProblem::TooLarge);
        }
        let name = file.name.clone();
        let mut known = FileIdentity {
            etag: file.etag.clone(),
            last_modified: file.last_modified.clone(),
            checksum: None,
        };
        let reserved = self.space.incoming(Some(user.id.as_str()));
        let file = file.into_stream().map_err(UploadError::from);
        let file = Spooled::receive(&self.directory, reserved, self.max_file, file).await?;
        let is_same = claimed.last.checksum.as_ref() == Some(&file.checksum);
        known.checksum = Some(file.checksum.clone());
        if is_same {
            return Ok(RunEnd::Unchanged(known));
        }
        let (what, whole) = (instructions(source), file.into_stream().await?);
        let key = key(&claimed.run, known.checksum.as_deref().unwrap_or_default());
        let imports = &self.imports;
        let (job, _) = imports
            .take_in(&user.id, what, key, &name, self.max_file, whole)
            .await?;
        Ok(RunEnd::HandedOver(job, known))
    }

    /// Finds the owner of a source, if they may still import.
    async fn importing_user(&self, source: &Source) -> Result<User, RunProblem> {
        let user = self.store.source_owner(source).await.map_err(|error| {
            tracing::warn!(%error, "cannot look for the owner of a source");
            RunProblem::NotTaken(ApiError::Internal)
        })?;
        user.filter(|user| user.role.may(Permission::Import))
            .ok_or(RunProblem::NoAccess)
    }
}

impl From<RemoteError> for RunProblem {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Off => Self::Off,
            RemoteError::NotHttps => Self::NotHttps,
            RemoteError::HostNotAllowed => Self::HostNotAllowed,
            RemoteError::TooManyRedirects => Self::TooManyRedirects,
            RemoteError::Unreachable => Self::Unreachable,
            RemoteError::Status(status) => Self::Status(status),
            RemoteError::WebPage => Self::WebPage,
            RemoteError::Broken => Self::Interrupted,
        }
    }
}

impl From<UploadError> for RunProblem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::NotFetched(error) => error.into(),
            UploadError::Empty => Self::Empty,
            UploadError::TooLarge(_) => Self::TooLarge,
            UploadError::NotTaken(error) => Self::NotTaken(error),
            UploadError::Broken => Self::Interrupted,
            // Errors of forms, which do not occur here.
            error => Self::NotTaken(ApiError::Invalid(error.reason())),
        }
    }
}

/// Returns the idempotency key of a run's file, so that it becomes one import even if the process dies before recording
/// it. Sorted by time, like the run's ID.
fn key(run: &str, checksum: &str) -> Option<String> {
    let mut key = run.parse::<Uuid>().ok()?.into_bytes();
    let checksum = hex::decode(checksum).ok()?;
    for (byte, other) in key[9..].iter_mut().zip(checksum) {
        *byte ^= other;
    }
    Some(Uuid::from_bytes(key).to_string())
}

/// Returns how the source's files are imported.
pub(super) fn instructions(source: &Source) -> Instructions {
    Instructions {
        source: Some(source.id.clone()),
        ..source.what.clone()
    }
}

fn times(schedule: &Schedule) -> Option<Times> {
    Times::parse(&schedule.cron, &schedule.time_zone).ok()
}

/// Returns the next scheduled run. Missed times are skipped.
pub(super) fn next_time(source: &Source, now: UnixMillis) -> Option<UnixMillis> {
    let schedule = source.schedule.as_ref().filter(|_| source.enabled)?;
    times(schedule)?.next_after(now)
}

fn next_try(source: &Source, now: UnixMillis) -> Option<UnixMillis> {
    next_time(source, now).map(|_| now.saturating_add(pause(source.failures.saturating_add(1))))
}

/// Returns the delay after consecutive failures, in milliseconds.
fn pause(failures: u64) -> UnixMillis {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    jittered(Duration::from_secs(
        60 * PAUSES[index.min(PAUSES.len() - 1)],
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(cron: &str, failures: u64, enabled: bool) -> Source {
        Source {
            id: "a".to_owned(),
            owner: "u".to_owned(),
            name: "Supplier".to_owned(),
            kind: crate::model::source::SourceKind::Address,
            address: String::new(),
            login: None,
            what: Instructions::default(),
            schedule: Some(Schedule {
                cron: cron.to_owned(),
                time_zone: "UTC".to_owned(),
            }),
            enabled,
            created_at: 0,
            due_at: None,
            failures,
        }
    }

    proptest! {
        #[test]
        fn a_source_that_fails_rests_longer_and_longer(failures in 0..1_000_u64, now in 0..4_000_000_000_000_i64) {
            let minutes = |pause: i64| f64::from(u32::try_from(pause).unwrap()) / 60_000.0;
            let next = next_try(&source("* * * * *", failures, true), now).unwrap() - now;
            let expected = PAUSES[usize::try_from(failures).unwrap().min(4)];
            let expected = f64::from(u32::try_from(expected).unwrap());
            prop_assert!((expected * 0.89..expected * 1.11).contains(&minutes(next)));
            prop_assert_eq!(next_try(&source("* * * * *", failures, false), now), None);
        }

        #[test]
        fn however_long_ago_it_was_due_it_runs_next_once_and_later_than_now(now in 0..4_000_000_000_000_i64) {
            let next = next_time(&source("*/5 * * * *", 0, true), now).unwrap();
            prop_assert!(next > now && next - now <= 300_000);
        }
    }
}
