use loom::thread;

use super::{
    ordered::{Listener, Ordered},
    sync::{Arc, Mutex},
};

/// The price monitor: whether the job is joined.
#[derive(Default)]
struct Upstream(Arc<Mutex<bool>>);

impl Listener<bool> for Upstream {
    fn hear(&self, joins: bool) {
        *self.0.lock().unwrap() = joins;
    }
}

/// A subscriber returns while its room is closed: the price monitor ends up with the last decision.
pub fn a_room_is_joined_while_somebody_is_in_it() {
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
}
