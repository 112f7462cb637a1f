//! Admission queues of shards. A shard that has ended admits nothing; later connections get another one.

use crate::sync::{Arc, Mutex, MutexGuard, Notify, PoisonError};

/// The admission queues of all shards.
#[derive(Debug)]
pub struct AdmissionQueues<P> {
    /// Maximum connections of a shard.
    capacity: usize,
    open: Mutex<Vec<Arc<AdmissionQueue<P>>>>,
}

/// The admission queue of one shard.
#[derive(Debug)]
pub struct AdmissionQueue<P> {
    inner: Mutex<Inner<P>>,
    admitted: Notify,
}

#[derive(Debug)]
struct Inner<P> {
    pending: Vec<P>,
    /// Connections of the shard, including pending ones.
    members: usize,
}

impl<P> AdmissionQueues<P> {
    /// Returns queues for shards of at most `capacity` connections.
    pub fn new(capacity: usize) -> Self {
        let open = Mutex::new(Vec::new());
        Self { capacity, open }
    }

    /// Admits a connection to the first shard with a free place, or returns a new queue with the connection
    /// in it: the caller then starts its shard.
    pub fn admit(&self, pending: P) -> Option<Arc<AdmissionQueue<P>>> {
        let mut open = self.open();
        let mut pending = Some(pending);
        if open
            .iter()
            .any(|queue| queue.admit(&mut pending, self.capacity))
        {
            return None;
        }
        let queue = Arc::new(AdmissionQueue::new(pending?));
        open.push(queue.clone());
        Some(queue)
    }

    /// Closes the queue of an empty shard, unless a connection was admitted meanwhile.
    pub fn close_if_empty(&self, queue: &Arc<AdmissionQueue<P>>) -> bool {
        let mut open = self.open();
        let is_empty = queue.inner().members == 0;
        if is_empty {
            remove(&mut open, queue);
        }
        is_empty
    }

    /// Closes a queue. Connections admitted before are still pending.
    pub fn close(&self, queue: &Arc<AdmissionQueue<P>>) {
        remove(&mut self.open(), queue);
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<AdmissionQueue<P>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove<P>(open: &mut Vec<Arc<AdmissionQueue<P>>>, queue: &Arc<AdmissionQueue<P>>) {
    open.retain(|other| !Arc::ptr_eq(other, queue));
}

impl<P> AdmissionQueue<P> {
    fn new(first: P) -> Self {
        Self {
            inner: Mutex::new(Inner {
                pending: vec![first],
                members: 1,
            }),
            admitted: Notify::new(),
        }
    }

    fn admit(&self, pending: &mut Option<P>, capacity: usize) -> bool {
        let mut inner = self.inner();
        let has_place = inner.members < capacity;
        if has_place {
            inner.pending.extend(pending.take());
            inner.members += 1;
            self.admitted.notify_one();
        }
        has_place
    }

    /// Waits for an admission. Cancel-safe.
    pub async fn admitted(&self) {
        self.admitted.notified().await;
    }

    /// Takes the pending connections.
    pub fn take(&self) -> Vec<P> {
        std::mem::take(&mut self.inner().pending)
    }

    /// Records that a connection has ended.
    pub fn left(&self) {
        self.inner().members -= 1;
    }

    fn inner(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
