#[path = "../../../../../../src/server/relay/delivery/admission.rs"]
mod admission;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use loom::{sync::atomic::AtomicUsize, thread};

use self::admission::{AdmissionQueue, AdmissionQueues};
use crate::server::relay::sync::{Arc, Ordering};

struct Connection;

struct Shards {
    queues: AdmissionQueues<Connection>,
    served: AtomicUsize,
}

impl Shards {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            queues: AdmissionQueues::new(capacity),
            served: AtomicUsize::new(0),
        })
    }

    /// Admits a connection; runs the shard of a new queue to its end.
    fn admit(&self) {
        if let Some(queue) = self.queues.admit(Connection) {
            self.run(&queue);
        }
    }

    fn run(&self, queue: &Arc<AdmissionQueue<Connection>>) {
        loop {
            self.serve(queue);
            if self.queues.close_if_empty(queue) {
                return;
            }
            wait(queue.admitted());
        }
    }

    fn serve(&self, queue: &Arc<AdmissionQueue<Connection>>) {
        for Connection in queue.take() {
            self.served.fetch_add(1, Ordering::SeqCst);
            queue.left();
        }
    }

    fn expect_served(&self, connections: usize) {
        assert_eq!(self.served.load(Ordering::SeqCst), connections);
        assert!(
            self.queues.admit(Connection).is_some(),
            "a queue was left open"
        );
    }
}

fn wait(future: impl Future<Output = ()>) {
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(pin!(future).poll(&mut context), Poll::Ready(()));
}

fn admit(shards: &Arc<Shards>) -> thread::JoinHandle<()> {
    let shards = shards.clone();
    thread::spawn(move || shards.admit())
}

/// Connections arrive while the last one of a shard leaves: each is served by one shard, and none is left in
/// a queue.
pub fn each_connection_is_served(capacity: usize) {
    let shards = Shards::new(capacity);
    let comers = [admit(&shards), admit(&shards)];
    shards.admit();
    for comer in comers {
        comer.join().unwrap();
    }
    shards.expect_served(3);
}

/// A connection arrives while a shard closes: that shard admits it, or it gets another one.
pub fn a_connection_that_comes_at_the_end_is_served() {
    let shards = Shards::new(9);
    let queue = shards.queues.admit(Connection).unwrap();
    let comer = admit(&shards);
    shards.serve(&queue);
    shards.queues.close(&queue);
    shards.serve(&queue);
    comer.join().unwrap();
    shards.expect_served(2);
}
