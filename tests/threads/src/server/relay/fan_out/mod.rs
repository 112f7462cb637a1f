#[path = "../../../../../../src/server/relay/fan_out/door.rs"]
mod door;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use loom::{sync::atomic::AtomicUsize, thread};

use self::door::{Door, Doors, Enter};
use crate::server::relay::sync::{Arc, Ordering};

#[derive(Debug)]
struct Viewer;

impl Enter for Viewer {
    type Cell = ();

    fn cell(&self) {}

    fn looks_at(&self, (): &()) -> bool {
        true
    }
}

struct Job {
    doors: Doors<(), Viewer>,
    served: AtomicUsize,
}

impl Job {
    fn new(group_size: usize) -> Arc<Self> {
        Arc::new(Self {
            doors: Doors::new(group_size),
            served: AtomicUsize::new(0),
        })
    }

    /// A viewer comes; where a door is made, its group is served to its end.
    fn enter(&self) {
        if let Some(door) = self.doors.enter((), Viewer) {
            self.serve(&door);
        }
    }

    fn serve(&self, door: &Arc<Door<Viewer>>) {
        loop {
            self.let_in(door);
            if self.doors.close_if_empty(&(), door) {
                return;
            }
            wait(door.entered());
        }
    }

    fn let_in(&self, door: &Arc<Door<Viewer>>) {
        for Viewer in door.newcomers() {
            self.served.fetch_add(1, Ordering::SeqCst);
            door.left();
        }
    }

    fn expect_served(&self, viewers: usize) {
        assert_eq!(self.served.load(Ordering::SeqCst), viewers);
        assert!(
            self.doors.enter((), Viewer).is_some(),
            "a door was left open"
        );
    }
}

fn wait(future: impl Future<Output = ()>) {
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(pin!(future).poll(&mut context), Poll::Ready(()));
}

fn enter(job: &Arc<Job>) -> thread::JoinHandle<()> {
    let job = job.clone();
    thread::spawn(move || job.enter())
}

/// Viewers enter while the last one leaves: each is served by one group, and none is left at a door
/// behind which nobody is.
pub fn whoever_enters_is_served(group_size: usize) {
    let job = Job::new(group_size);
    let comers = [enter(&job), enter(&job)];
    job.enter();
    for comer in comers {
        comer.join().unwrap();
    }
    job.expect_served(3);
}

/// A viewer enters while a group closes for good: either the group still lets it in, or it gets
/// another.
pub fn whoever_enters_at_the_end_is_served() {
    let job = Job::new(9);
    let door = job.doors.enter((), Viewer).unwrap();
    let comer = enter(&job);
    job.let_in(&door);
    job.doors.close(&(), &door);
    job.let_in(&door);
    comer.join().unwrap();
    job.expect_served(2);
}
