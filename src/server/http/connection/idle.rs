//! Connections that have not made a request yet. Each may be silent for a while; where there are too
//! many, those that have been silent the longest go first, so that silence keeps nobody out.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// The connections that have not made a request yet.
#[derive(Debug)]
pub(crate) struct Silent {
    most: usize,
    longest: Duration,
    waiting: Mutex<VecDeque<Weak<State>>>,
}

#[derive(Debug, Default)]
struct State {
    broken: AtomicBool,
    /// Wakes [`Silence::too_long`]: to look whether the silence is broken, or to end.
    evicted: Notify,
}

/// One connection's silence.
#[derive(Clone, Debug)]
pub(crate) struct Silence {
    state: Arc<State>,
    longest: Duration,
}

impl Silent {
    pub(crate) fn new(most: usize, longest: Duration) -> Self {
        Self {
            most,
            longest,
            waiting: Mutex::default(),
        }
    }

    /// Begins to watch a connection, and ends the one that has been silent the longest where there
    /// are too many.
    pub(crate) fn watch(&self) -> Silence {
        let state = Arc::new(State::default());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_silent = |state: &Weak<State>| {
            state
                .upgrade()
                .filter(|state| !state.broken.load(Ordering::Relaxed))
        };
        while waiting.front().is_some_and(|it| is_silent(it).is_none()) {
            waiting.pop_front();
        }
        if waiting.len() >= self.most {
            // Those in the middle that spoke since are only now looked for.
            waiting.retain(|it| is_silent(it).is_some());
        }
        if waiting.len() >= self.most
            && let Some(oldest) = waiting.pop_front().and_then(|it| it.upgrade())
        {
            oldest.evicted.notify_one();
        }
        waiting.push_back(Arc::downgrade(&state));
        Silence {
            state,
            longest: self.longest,
        }
    }
}

impl Silence {
    /// Says that the connection has made a request.
    pub(crate) fn broken(&self) {
        self.state.broken.store(true, Ordering::Relaxed);
    }

    /// Resolves when the connection has been silent for too long; never once it has spoken.
    pub(crate) async fn too_long(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.longest) => {}
            () = self.state.evicted.notified() => {}
        }
        if self.state.broken.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn who_says_nothing_is_let_go_and_who_speaks_stays() {
        let silent = Silent::new(10, PATIENCE);
        let (mute, speaker) = (silent.watch(), silent.watch());
        speaker.broken();
        mute.too_long().await;
        let stays = tokio::time::timeout(5 * PATIENCE, speaker.too_long());
        assert!(stays.await.is_err());
    }

    #[tokio::test]
    async fn the_longest_silence_ends_where_there_are_too_many() {
        let silent = Silent::new(2, Duration::from_secs(3600));
        let [first, second, third] = [silent.watch(), silent.watch(), silent.watch()];
        assert!(first.too_long().now_or_never().is_some());
        assert!(second.too_long().now_or_never().is_none());
        second.broken();
        let _fourth = silent.watch();
        assert!(third.too_long().now_or_never().is_none());
    }
}
