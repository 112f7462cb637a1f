//! Works on what is kept in the database and due at a time: each piece in one process, under a lease, which ends when
//! that process dies.
//!
//! Deliveries of notifications and runs of sources are such pieces.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{Store, StoreError};
use crate::model::{clock::now, job::UnixMillis};

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Minimum time between log lines for a continuing database error.
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// The clock that work is due by.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The database's, which all processes share.
    Shared,
    #[cfg(test)]
    Set(Arc<std::sync::atomic::AtomicI64>),
}

/// The process that works.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    name: Arc<str>,
    store: Store,
    clock: Clock,
}

impl Process {
    /// Names a process.
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        Self {
            name: Uuid::now_v7().simple().to_string().into(),
            store,
            clock,
        }
    }

    /// Returns the name that its leases have.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the time that leases and due times go by.
    pub(crate) async fn now(&self) -> Result<UnixMillis, StoreError> {
        match &self.clock {
            Clock::Shared => self.store.shared_clock().await,
            #[cfg(test)]
            Clock::Set(time) => Ok(time.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }

    /// Returns the time for a first look, for which the process's own clock will do.
    fn look_at(&self) -> UnixMillis {
        match &self.clock {
            Clock::Shared => now(),
            #[cfg(test)]
            Clock::Set(time) => time.load(std::sync::atomic::Ordering::SeqCst),
        }
    }
}

/// A kind of work.
pub(crate) trait Work: Clone + Send + Sync + 'static {
    /// A piece of it that this process has a lease of.
    type Claimed: Send + 'static;

    /// What it is called in the log.
    const NAME: &'static str;
    /// Maximum pieces that one process works on at once.
    const AT_ONCE: usize;

    /// Ends all leases; for a process that owns the database, at its start.
    fn forget_leases(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns whether there may be something to do, in one statement: most looks find nothing.
    fn is_due(&self, now: UnixMillis) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Makes what is due ready to be claimed.
    fn prepare(&self, process: &Process) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Claims a piece that is due.
    fn claim(
        &self,
        process: &Process,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Option<Self::Claimed>, StoreError>> + Send;

    /// Does a piece, and records what became of it. Where that cannot be recorded, it is done again once the lease has
    /// ended.
    fn perform(
        &self,
        process: &Process,
        claimed: Self::Claimed,
        now: UnixMillis,
    ) -> impl Future<Output = ()> + Send;
}

/// The worker of a process for one kind of work.
#[derive(Clone, Debug)]
pub(crate) struct Worker<W> {
    process: Process,
    work: W,
    wake: Arc<Notify>,
}

impl<W: Work> Worker<W> {
    /// Makes a worker, which looks for work once it is run, and whenever it is woken.
    pub(crate) fn new(process: Process, work: W, wake: Arc<Notify>) -> Self {
        Self {
            process,
            work,
            wake,
        }
    }

    /// Works until `shutdown`, and then lets what is under way end.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let what = W::NAME;
        // The process before this one may have died with its leases.
        if !self.process.store.has_workers()
            && let Err(error) = self.work.forget_leases().await
        {
            tracing::warn!(%error, what, "cannot take up the work of the last run at once");
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

    /// Begins to do what is due.
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

    /// Does all that is due now.
    #[cfg(test)]
    pub(crate) async fn work_once(&self) {
        let mut under_way = JoinSet::new();
        self.round(&mut under_way).await.unwrap();
        while let Some(done) = under_way.join_next().await {
            done.unwrap();
        }
    }
}

/// Returns a duration, give or take a tenth, in milliseconds: what failed at once is not tried again at once.
pub(crate) fn jittered(pause: Duration) -> UnixMillis {
    let factor = 0.9 + fastrand::f64() / 5.0;
    UnixMillis::try_from(pause.mul_f64(factor).as_millis()).unwrap_or(UnixMillis::MAX)
}
