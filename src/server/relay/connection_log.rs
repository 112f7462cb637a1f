//! Records in followed imports when the connection to the price monitor was lost and restored.

use std::{mem, sync::Arc, time::Duration};

use tokio_util::task::TaskTracker;

use super::records::ActivityLog;
use crate::model::{activity::ActivityKind, job::JobId, progress::UpstreamState};

const MOST: usize = 1_000;
/// Timeout of a record; losses do not matter.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct ConnectionLog {
    log: Arc<dyn ActivityLog>,
    tasks: TaskTracker,
    state: UpstreamState,
    cut: Vec<JobId>,
}

impl ConnectionLog {
    pub(super) fn new(log: Arc<dyn ActivityLog>, tasks: TaskTracker) -> Self {
        Self {
            log,
            tasks,
            state: UpstreamState::default(),
            cut: Vec::new(),
        }
    }

    pub(super) fn stands<'a>(
        &mut self,
        state: UpstreamState,
        followed: impl Iterator<Item = &'a JobId>,
    ) {
        let before = mem::replace(&mut self.state, state);
        match (before, state) {
            (UpstreamState::Connected, UpstreamState::Polling | UpstreamState::Refused) => {
                self.cut = followed.take(MOST).cloned().collect();
                self.note(self.cut.clone(), ActivityKind::ConnectionLost);
            }
            (_, UpstreamState::Connected) => {
                let cut = mem::take(&mut self.cut);
                let back = followed.filter(|job| cut.contains(job)).cloned();
                self.note(back.collect(), ActivityKind::ConnectionBack);
            }
            _ => {}
        }
    }

    fn note(&self, jobs: Vec<JobId>, what: ActivityKind) {
        if jobs.is_empty() {
            return;
        }
        let log = Arc::clone(&self.log);
        self.tasks.spawn(async move {
            match tokio::time::timeout(PATIENCE, log.note(&jobs, what)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "cannot note a lost connection"),
                Err(_) => tracing::warn!("cannot record a lost connection in time"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::server::relay::records::Answer;

    #[derive(Debug, Default)]
    struct Notes(Mutex<Vec<(Vec<String>, ActivityKind)>>);

    impl ActivityLog for Notes {
        fn note<'a>(&'a self, jobs: &'a [JobId], what: ActivityKind) -> Answer<'a, ()> {
            let jobs = jobs.iter().map(JobId::to_string).collect();
            self.0.lock().unwrap().push((jobs, what));
            async { Ok(()) }.boxed()
        }
    }

    #[tokio::test]
    async fn those_that_lost_it_hear_that_it_is_back_and_nobody_else() {
        let (notes, tasks) = (Arc::new(Notes::default()), TaskTracker::new());
        let mut log = ConnectionLog::new(notes.clone(), tasks.clone());
        let jobs: Vec<JobId> = ["a", "b", "c"].map(|job| job.parse().unwrap()).into();
        // At the start nothing is lost.
        log.stands(UpstreamState::Polling, jobs.iter());
        log.stands(UpstreamState::Connected, jobs.iter());
        log.stands(UpstreamState::Polling, jobs[..2].iter());
        log.stands(UpstreamState::Polling, jobs.iter());
        log.stands(UpstreamState::Connected, jobs[1..].iter());
        log.stands(UpstreamState::Connected, jobs.iter());
        tasks.close();
        tasks.wait().await;
        let mut noted = notes.0.lock().unwrap().clone();
        noted.sort_by_key(|(_, what)| what.as_str());
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            noted,
            [
                (names(&["b"]), ActivityKind::ConnectionBack),
                (names(&["a", "b"]), ActivityKind::ConnectionLost),
            ]
        );
    }
}
