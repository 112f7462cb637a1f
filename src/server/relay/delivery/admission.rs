//! Queues through which connections enter the shards that serve them. A shard that has ended admits
//! nothing: who comes then gets another.

use crate::server::relay::sync::{Arc, Mutex, MutexGuard, Notify, PoisonError};

/// The admission queues of all shards.
#[derive(Debug)]
pub(super) struct AdmissionQueues<P> {
    /// How many connections a shard has at most.
    capacity: usize,
    open: Mutex<Vec<Arc<AdmissionQueue<P>>>>,
}

/// The admission queue of one shard.
#[derive(Debug)]
pub(super) struct AdmissionQueue<P> {
    inner: Mutex<Inner<P>>,
    admitted: Notify,
}

#[derive(Debug)]
struct Inner<P> {
    pending: Vec<P>,
    /// The connections of the shard, the pending ones among them.
    members: usize,
}

impl<P> AdmissionQueues<P> {
    pub(super) fn new(capacity: usize) -> Self {
        let open = Mutex::new(Vec::new());
        Self { capacity, open }
    }

    /// Admits a connection to the first shard that has a place. Where none has, returns a new queue,
    /// with the connection in it: the caller starts its shard.
    pub(super) fn admit(&self, pending: P) -> Option<Arc<AdmissionQueue<P>>> {
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

    /// Closes the queue of a shard without connections, unless one was admitted meanwhile.
    pub(super) fn close_if_empty(&self, queue: &Arc<AdmissionQueue<P>>) -> bool {
        let mut open = self.open();
        let is_empty = queue.inner().members == 0;
        if is_empty {
            remove(&mut open, queue);
        }
        is_empty
    }

    /// Closes a queue for good. What was admitted before is among the pending.
    pub(super) fn close(&self, queue: &Arc<AdmissionQueue<P>>) {
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

    /// Waits until a connection was admitted. Safe to cancel.
    pub(super) async fn admitted(&self) {
        self.admitted.notified().await;
    }

    /// Takes the connections that were admitted since the last call.
    pub(super) fn take(&self) -> Vec<P> {
        std::mem::take(&mut self.inner().pending)
    }

    /// Takes note that a connection is gone.
    pub(super) fn left(&self) {
        self.inner().members -= 1;
    }

    fn inner(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
