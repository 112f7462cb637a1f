//! Announces started jobs to streams of unfinished jobs, from this and other instances.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::broadcast,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::records::JobRecords;
use crate::{
    model::{
        clock::now,
        job::{JobId, ProductImportJob, UnixMillis},
    },
    server::identity::job_scope::JobOwner,
};

/// Starts that a stream may lag before it queries the database.
const KEPT: usize = 64;
const SKEW: UnixMillis = 60_000;
const MOST: u64 = 500;

#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) user: JobOwner,
    pub(super) job: ProductImportJob,
}

#[derive(Clone, Debug)]
pub(super) struct Starts(broadcast::Sender<Arc<Started>>);

impl Starts {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Started>> {
        self.0.subscribe()
    }

    pub(super) fn tell(&self, user: JobOwner, job: ProductImportJob) {
        let _ = self.0.send(Arc::new(Started { user, job }));
    }

    /// Announces jobs started by other instances: one query for all streams, at a random time.
    pub(super) async fn tell_of_others(
        self,
        records: Arc<dyn JobRecords>,
        every: Duration,
        shutdown: CancellationToken,
    ) {
        let first = Instant::now() + every.mul_f64(fastrand::f64());
        let mut ticks = interval_at(first, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told: HashMap<JobId, UnixMillis> = HashMap::new();
        let mut since = now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.cancelled() => return,
            }
            let at = now();
            // A new receiver has queried the database itself.
            if self.0.receiver_count() == 0 {
                since = at;
                continue;
            }
            match records.started_since(since - SKEW, MOST).await {
                Ok(started) => {
                    for (user, job) in started {
                        if told.insert(job.id.clone(), at).is_none() {
                            self.tell(user, job);
                        }
                    }
                    told.retain(|_, told_at| *told_at + 4 * SKEW > at);
                    since = at;
                }
                Err(error) => tracing::warn!(%error, "cannot look for new jobs"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{job::ImportMode, role::Role},
        server::store::{test_database::TestDatabase, users::NewUser},
    };

    #[tokio::test]
    async fn what_another_instance_starts_is_told_once() {
        let (_database, store) = TestDatabase::opened().await;
        let user = NewUser {
            email: "ada@example.com",
            name: "Ada",
            role: Role::Staff,
            password_hash: String::new().into(),
        };
        let user = store.create_user(user).await.unwrap().unwrap();
        let (starts, shutdown) = (Starts::new(), CancellationToken::new());
        let mut heard = starts.listen();
        let every = Duration::from_millis(20);
        let telling = starts.tell_of_others(Arc::new(store.clone()), every, shutdown.clone());
        let telling = tokio::spawn(telling);
        for name in ["a", "b"] {
            let id: JobId = name.parse().unwrap();
            store
                .create_job(&user.id, &id, "shop.csv", ImportMode::Import)
                .await
                .unwrap();
            let start = tokio::time::timeout(Duration::from_secs(20), heard.recv());
            let start = start.await.expect("it is heard of").unwrap();
            let owner = JobOwner::User(user.id.clone());
            assert_eq!((&start.user, &start.job.id), (&owner, &id));
        }
        shutdown.cancel();
        telling.await.unwrap();
        assert!(heard.try_recv().is_err(), "each is told once");
    }
}
