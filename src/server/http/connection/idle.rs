//! Idle connections, which have not made a request yet: each has a time limit, and above a maximum the oldest are
//! closed, so that idle clients lock nobody out.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct IdleConnections {
    most: usize,
    longest: Duration,
    waiting: Mutex<VecDeque<Weak<State>>>,
}

#[derive(Debug, Default)]
struct State {
    has_spoken: AtomicBool,
    /// Wakes [`IdleConnection::too_long`] after a request, or to close the connection.
    evicted: Notify,
}

#[derive(Clone, Debug)]
pub(crate) struct IdleConnection {
    state: Arc<State>,
    longest: Duration,
}

impl IdleConnections {
    pub(crate) fn new(most: usize, longest: Duration) -> Self {
        Self {
            most,
            longest,
            waiting: Mutex::default(),
        }
    }

    /// Adds a connection; closes the oldest one above the maximum.
    pub(crate) fn watch(&self) -> IdleConnection {
        let state = Arc::new(State::default());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |state: &Weak<State>| {
            state
                .upgrade()
                .filter(|state| !state.has_spoken.load(Ordering::Relaxed))
        };
        while waiting.front().is_some_and(|it| is_idle(it).is_none()) {
            waiting.pop_front();
        }
        if waiting.len() >= self.most {
            // Connections in the middle that have made a request are removed only here.
            waiting.retain(|it| is_idle(it).is_some());
        }
        if waiting.len() >= self.most
            && let Some(oldest) = waiting.pop_front().and_then(|it| it.upgrade())
        {
            oldest.evicted.notify_one();
        }
        waiting.push_back(Arc::downgrade(&state));
        IdleConnection {
            state,
            longest: self.longest,
        }
    }
}

impl IdleConnection {
    pub(crate) fn has_spoken(&self) {
        self.state.has_spoken.store(true, Ordering::Relaxed);
    }

    /// Resolves when the connection has been idle for too long; never after a request.
    pub(crate) async fn too_long(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.longest) => {}
            () = self.state.evicted.notified() => {}
        }
        if self.state.has_spoken.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const LONGEST: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn who_says_nothing_is_let_go_and_who_speaks_stays() {
        let idle_connections = IdleConnections::new(10, LONGEST);
        let (mute, speaker) = (idle_connections.watch(), idle_connections.watch());
        speaker.has_spoken();
        mute.too_long().await;
        let stays = tokio::time::timeout(5 * LONGEST, speaker.too_long());
        assert!(stays.await.is_err());
    }

    #[tokio::test]
    async fn the_longest_silence_ends_where_there_are_too_many() {
        let idle_connections = IdleConnections::new(2, Duration::from_secs(3600));
        let [first, second, third] = [
            idle_connections.watch(),
            idle_connections.watch(),
            idle_connections.watch(),
        ];
        assert!(first.too_long().now_or_never().is_some());
        assert!(second.too_long().now_or_never().is_none());
        second.has_spoken();
        let _fourth = idle_connections.watch();
        assert!(third.too_long().now_or_never().is_none());
    }
}
