//! Models of what threads share, run in every order of threads by loom: `--release --features loom`.
#![allow(missing_docs, clippy::unwrap_used)] // a test may panic

use std::{
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    task::{Context, Poll, Waker},
};

use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use relay_sync::{
    admission::{AdmissionQueue, AdmissionQueues},
    limits::{MostStreams, Pass, Permit, StreamLimits},
    ordered::{Listener, Ordered},
};

/// Explores all orders with up to three preemptions, which finds what there is to find
/// (<https://docs.rs/loom/0.7/loom/#large-models>) within seconds.
fn model(of: impl Fn() + Send + Sync + 'static) {
    let mut checker = loom::model::Builder::new();
    checker.preemption_bound = Some(3);
    checker.check(of);
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Session;

impl Pass for Session {
    type User = &'static str;

    fn user(&self) -> &Self::User {
        &"a"
    }
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn of_one_user(most: usize) -> StreamLimits<Session> {
    StreamLimits::new(MostStreams {
        of_all: 9,
        of_user: most,
        of_address: 9,
    })
}

fn acquire(limits: &StreamLimits<Session>) -> Option<Permit<Session>> {
    limits.acquire(Session, HERE)
}

/// Several threads open and close streams: the limit holds, and closed permits can be reused.
#[test]
fn streams_stay_within_their_limits() {
    model(|| {
        let limits = of_one_user(1);
        let open = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (limits, open) = (limits.clone(), open.clone());
                thread::spawn(move || {
                    if let Some(permit) = acquire(&limits) {
                        assert_eq!(
                            open.fetch_add(1, Ordering::SeqCst),
                            0,
                            "more than there may be"
                        );
                        open.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(acquire(&limits).is_some(), "a place was lost");
    });
}

/// Permits are revoked while a stream is opened: it is revoked or came after; the next one is not.
#[test]
fn who_comes_after_a_revocation_stays() {
    model(|| {
        let limits = of_one_user(9);
        let before = acquire(&limits).unwrap();
        let comer = {
            let limits = limits.clone();
            thread::spawn(move || acquire(&limits).unwrap())
        };
        limits.revoke(&"a");
        assert!(before.is_revoked());
        let after = acquire(&limits).unwrap();
        assert!(!after.is_revoked());
        drop(comer.join().unwrap());
        drop((before, after));
        assert!(!acquire(&limits).unwrap().is_revoked());
    });
}

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
#[test]
fn each_connection_is_served() {
    for capacity in [1, 9] {
        model(move || {
            let shards = Shards::new(capacity);
            let comers = [admit(&shards), admit(&shards)];
            shards.admit();
            for comer in comers {
                comer.join().unwrap();
            }
            shards.expect_served(3);
        });
    }
}

/// A connection arrives while a shard closes: that shard admits it, or it gets another one.
#[test]
fn a_connection_that_comes_at_the_end_is_served() {
    model(|| {
        let shards = Shards::new(9);
        let queue = shards.queues.admit(Connection).unwrap();
        let comer = admit(&shards);
        shards.serve(&queue);
        shards.queues.close(&queue);
        shards.serve(&queue);
        comer.join().unwrap();
        shards.expect_served(2);
    });
}

/// The price monitor: whether the job is joined.
#[derive(Default)]
struct Upstream(Arc<Mutex<bool>>);

impl Listener<bool> for Upstream {
    fn hear(&self, joins: bool) {
        *self.0.lock().unwrap() = joins;
    }
}

/// A subscriber returns while its room is closed: the price monitor ends up with the last decision.
#[test]
fn a_room_is_joined_while_somebody_is_in_it() {
    model(|| {
        let joined = Arc::new(Mutex::new(true));
        // Number of subscribers; at 0 the room may be closed.
        let rooms = Arc::new(Ordered::new(None::<u32>, Upstream(joined.clone())));
        rooms.change(|viewers| {
            *viewers = Some(0);
            ((), [true])
        });
        let comer = {
            let rooms = rooms.clone();
            thread::spawn(move || {
                rooms.change(|viewers| {
                    let joins = viewers.is_none();
                    *viewers = Some(viewers.unwrap_or_default() + 1);
                    ((), joins.then_some(true))
                });
            })
        };
        // The sweep.
        rooms.change(|viewers| {
            let leaves = *viewers == Some(0);
            if leaves {
                *viewers = None;
            }
            ((), leaves.then_some(false))
        });
        comer.join().unwrap();
        assert_eq!(*rooms.lock(), Some(1));
        assert!(
            *joined.lock().unwrap(),
            "a room was left that somebody is in"
        );
    });
}
