//! Runs due work from the database: each piece in one process, under a lease that expires if the process dies.
//! Deliveries of notifications and runs of sources are such work.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{Store, StoreError};
use crate::model::{clock::now, job::UnixMillis};

const LOOK: Duration = Duration::from_secs(1);
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// The clock of due times.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The database's, shared by all processes.
    Shared,
    #[cfg(test)]
    Set(Arc<std::sync::atomic::AtomicI64>),
}

#[derive(Clone, Debug)]
pub(crate) struct Process {
    name: Arc<str>,
    store: Store,
    clock: Clock,
}

impl Process {
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        Self {
            name: Uuid::now_v7().simple().to_string().into(),
            store,
            clock,
        }
    }

    /// Returns the owner of its leases.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the time for leases and due times.
    pub(crate) async fn now(&self) -> Result<UnixMillis, StoreError> {
        match &self.clock {
            Clock::Shared => self.store.shared_clock().await,
            #[cfg(test)]
            Clock::Set(time) => Ok(time.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }

    /// Returns the time for a first check; the process's own clock suffices.
    fn look_at(&self) -> UnixMillis {
        match &self.clock {
            Clock::Shared => now(),
            #[cfg(test)]
            Clock::Set(time) => time.load(std::sync::atomic::Ordering::SeqCst),
        }
    }
}

pub(crate) trait Work: Clone + Send + Sync + 'static {
    /// Leased work.
    type Claimed: Send + 'static;

    /// Its name in logs.
    const NAME: &'static str;
    /// Maximum concurrent pieces per process.
    const AT_ONCE: usize;

    /// Deletes all leases; for a process that owns the database, at its start.
    fn forget_leases(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Checks for work in one statement: most polls find nothing.
    fn is_due(&self, now: UnixMillis) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Prepares due work for claiming.
    fn prepare(&self, process: &Process) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Claims a due piece.
    fn claim(
        &self,
        process: &Process,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Option<Self::Claimed>, StoreError>> + Send;

    /// Does a piece and records the result. If recording fails, the piece is repeated after its lease.
    fn perform(
        &self,
        process: &Process,
        claimed: Self::Claimed,
        now: UnixMillis,
    ) -> impl Future<Output = ()> + Send;
}

/// Runs one kind of work in a process.
#[derive(Clone, Debug)]
pub(crate) struct Worker<W> {
    process: Process,
    work: W,
    wake: Arc<Notify>,
}

impl<W: Work> Worker<W> {
    /// Polls once run, and whenever woken.
    pub(crate) fn new(process: Process, work: W, wake: Arc<Notify>) -> Self {
        Self {
            process,
            work,
            wake,
        }
    }

    /// Works until `shutdown`, then finishes pieces in progress.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let what = W::NAME;
        // A previous process may have died with leases.
        if !self.process.store.has_workers()
            && let Err(error) = self.work.forget_leases().await
        {
            tracing::warn!(%error, what, "cannot release the leases of the last run");
        }
        let mut said: Option<std::time::Instant> = None;
        let mut under_way = JoinSet::new();
        while !shutdown.is_cancelled() {
            if let Err(error) = self.round(&mut under_way).await
                && said.is_none_or(|said| said.elapsed() >= SAID_AGAIN)
            {
                said = Some(std::time::Instant::now());
                tracing::warn!(%error, what, "cannot look for work");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.wake.notified() => {}
                Some(_) = under_way.join_next() => {}
                () = shutdown.cancelled() => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Starts due pieces.
    async fn round(&self, under_way: &mut JoinSet<()>) -> Result<(), StoreError> {
        if !self.work.is_due(self.process.look_at()).await? {
            return Ok(());
        }
        self.work.prepare(&self.process).await?;
        while under_way.try_join_next().is_some() {}
        while under_way.len() < W::AT_ONCE {
            let now = self.process.now().await?;
            let claimed = self.work.claim(&self.process, now).await?;
            let Some(claimed) = claimed else { break };
            let (work, process) = (self.work.clone(), self.process.clone());
            under_way.spawn(async move { work.perform(&process, claimed, now).await });
        }
        Ok(())
    }

    /// Does everything that is due.
    #[cfg(test)]
    pub(crate) async fn work_once(&self) {
        let mut under_way = JoinSet::new();
        self.round(&mut under_way).await.unwrap();
        while let Some(done) = under_way.join_next().await {
            done.unwrap();
        }
    }
}

/// Returns a duration in milliseconds, varied by a tenth, so that simultaneous failures are not retried simultaneously.
pub(crate) fn jittered(pause: Duration) -> UnixMillis {
    let factor = 0.9 + fastrand::f64() / 5.0;
    UnixMillis::try_from(pause.mul_f64(factor).as_millis()).unwrap_or(UnixMillis::MAX)
}
