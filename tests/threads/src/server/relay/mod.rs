pub mod delivery;
#[path = "../../../../../src/server/relay/limits.rs"]
mod limits;
#[path = "../../../../../src/server/relay/ordered.rs"]
mod ordered;
pub mod orders;
mod sync;

use std::net::{IpAddr, Ipv4Addr};

use loom::{sync::atomic::AtomicUsize, thread};

use self::{
    limits::{MostStreams, Permit, StreamLimits},
    sync::{Arc, Ordering},
};
use crate::server::identity::{credential::Pass, user::UserId};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn of_one_user(most: usize) -> StreamLimits {
    StreamLimits::new(MostStreams {
        of_all: 9,
        of_user: most,
        of_address: 9,
    })
}

fn acquire(limits: &StreamLimits) -> Option<Permit> {
    let user = UserId("a");
    limits.acquire(Pass { user }, HERE)
}

/// Several threads open and close streams: the limit holds, and closed permits can be reused.
pub fn streams_stay_within_their_limits() {
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
}

/// Permits are revoked while a stream is opened: it is revoked or came after; the next one is not.
pub fn who_comes_after_a_revocation_stays() {
    let limits = of_one_user(9);
    let before = acquire(&limits).unwrap();
    let comer = {
        let limits = limits.clone();
        thread::spawn(move || acquire(&limits).unwrap())
    };
    limits.revoke(&UserId("a"));
    assert!(before.is_revoked());
    let after = acquire(&limits).unwrap();
    assert!(!after.is_revoked());
    drop(comer.join().unwrap());
    drop((before, after));
    assert!(!acquire(&limits).unwrap().is_revoked());
}
