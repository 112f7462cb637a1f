//! Limits open streams. A new stream never evicts an open one, because evicted clients reconnect and evict
//! others.

use std::{collections::HashMap, fmt::Debug, hash::Hash, net::IpAddr};

use crate::sync::{Arc, AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};

/// The session or token that a stream was opened with.
pub trait Pass: Clone + Debug + Eq + Hash {
    /// Its user.
    type User: Clone + Debug + Eq + Hash;

    /// Returns its user.
    fn user(&self) -> &Self::User;
}

/// Counts open streams.
#[derive(Debug)]
pub struct StreamLimits<P: Pass>(Arc<Shared<P>>);

impl<P: Pass> Clone for StreamLimits<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Debug)]
struct Shared<P: Pass> {
    most: MostStreams,
    open: Mutex<Open<P>>,
}

/// Maximum open streams.
#[derive(Clone, Copy, Debug)]
pub struct MostStreams {
    /// In total.
    pub of_all: usize,
    /// Per user.
    pub of_user: usize,
    /// Per address.
    pub of_address: usize,
}

#[derive(Debug)]
struct Open<P: Pass> {
    total: usize,
    by_user: HashMap<P::User, OfUser<P>>,
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct OfUser<P> {
    open: usize,
    by_pass: HashMap<P, OfPass>,
}

#[derive(Debug)]
struct OfPass {
    open: usize,
    /// Set to end the streams that are open now.
    revoked: Arc<AtomicBool>,
}

/// The right to one open stream. Dropping it releases it.
#[derive(Debug)]
pub struct Permit<P: Pass> {
    limits: StreamLimits<P>,
    pass: P,
    address: IpAddr,
    revoked: Arc<AtomicBool>,
}

impl<P: Pass> Permit<P> {
    /// Returns whether it was revoked.
    pub fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }
}

impl<P: Pass> StreamLimits<P> {
    /// Returns limits with nothing open.
    pub fn new(most: MostStreams) -> Self {
        let open = Mutex::new(Open {
            total: 0,
            by_user: HashMap::new(),
            by_address: HashMap::new(),
        });
        Self(Arc::new(Shared { most, open }))
    }

    /// Acquires a permit for a user and address, or `None` at a limit.
    pub fn acquire(&self, pass: P, address: IpAddr) -> Option<Permit<P>> {
        let user = pass.user();
        let MostStreams {
            of_all,
            of_user,
            of_address,
        } = self.0.most;
        let mut open = self.open();
        let users = open.by_user.get(user).map_or(0, |of_user| of_user.open);
        let here = open.by_address.get(&address).copied().unwrap_or_default();
        if open.total >= of_all || users >= of_user || here >= of_address {
            return None;
        }
        open.total += 1;
        *open.by_address.entry(address).or_default() += 1;
        let of_user = open.by_user.entry(user.clone()).or_insert_with(|| OfUser {
            open: 0,
            by_pass: HashMap::new(),
        });
        of_user.open += 1;
        let of_pass = of_user
            .by_pass
            .entry(pass.clone())
            .or_insert_with(OfPass::new);
        of_pass.open += 1;
        let revoked = of_pass.revoked.clone();
        Some(Permit {
            limits: self.clone(),
            pass,
            address,
            revoked,
        })
    }

    /// Revokes a user's permits. `false` if there are none.
    pub fn revoke(&self, user: &P::User) -> bool {
        let mut open = self.open();
        let Some(of_user) = open.by_user.get_mut(user) else {
            return false;
        };
        for of_pass in of_user.by_pass.values_mut() {
            of_pass.revoke();
        }
        true
    }

    /// Revokes the permits of a session or token.
    pub fn revoke_pass(&self, pass: &P) {
        let mut open = self.open();
        let of_user = open.by_user.get_mut(pass.user());
        if let Some(of_pass) = of_user.and_then(|of_user| of_user.by_pass.get_mut(pass)) {
            of_pass.revoke();
        }
    }

    /// Lists sessions and tokens with open streams.
    pub fn passes(&self) -> Vec<P> {
        let open = self.open();
        let of_users = open.by_user.values();
        of_users
            .flat_map(|of_user| of_user.by_pass.keys().cloned())
            .collect()
    }

    fn open(&self) -> MutexGuard<'_, Open<P>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OfPass {
    fn new() -> Self {
        Self {
            open: 0,
            revoked: Arc::new(AtomicBool::new(false)),
        }
    }

    fn revoke(&mut self) {
        let revoked = std::mem::replace(&mut self.revoked, Arc::new(AtomicBool::new(false)));
        revoked.store(true, Ordering::Relaxed);
    }
}

impl<P: Pass> Drop for Permit<P> {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        open.total = open.total.saturating_sub(1);
        if let Some(of_user) = open.by_user.get_mut(self.pass.user()) {
            of_user.open = of_user.open.saturating_sub(1);
            if let Some(of_pass) = of_user.by_pass.get_mut(&self.pass) {
                of_pass.open = of_pass.open.saturating_sub(1);
                if of_pass.open == 0 {
                    of_user.by_pass.remove(&self.pass);
                }
            }
            if of_user.open == 0 {
                open.by_user.remove(self.pass.user());
            }
        }
        if let Some(here) = open.by_address.get_mut(&self.address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Eq, Hash, PartialEq)]
    struct Session {
        user: &'static str,
        id: &'static str,
    }

    impl Pass for Session {
        type User = &'static str;

        fn user(&self) -> &Self::User {
            &self.user
        }
    }

    fn pass(user: &'static str, id: &'static str) -> Session {
        Session { user, id }
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn limits(of_all: usize, of_user: usize, of_address: usize) -> StreamLimits<Session> {
        StreamLimits::new(MostStreams {
            of_all,
            of_user,
            of_address,
        })
    }

    #[test]
    fn a_stream_over_a_limit_is_not_let_in_until_one_ends() {
        let limits = limits(3, 2, 9);
        let [a, b] = ["a", "b"].map(|user| pass(user, "1"));
        let first = limits.acquire(a.clone(), HERE).unwrap();
        let _second = limits.acquire(pass("a", "2"), HERE).unwrap();
        assert!(limits.acquire(a, HERE).is_none(), "over the user's limit");
        let _third = limits.acquire(b.clone(), HERE).unwrap();
        assert!(
            limits.acquire(b.clone(), HERE).is_none(),
            "over the limit of all"
        );
        drop(first);
        assert!(limits.acquire(b, HERE).is_some());
    }

    #[test]
    fn one_address_cannot_take_the_streams_of_the_others() {
        let limits = limits(9, 9, 1);
        let acquire = |address| limits.acquire(pass("a", "1"), address);
        let here = acquire(HERE).unwrap();
        assert!(acquire(HERE).is_none());
        assert!(acquire(THERE).is_some());
        drop(here);
        assert!(acquire(HERE).is_some());
    }

    #[test]
    fn only_the_streams_open_at_that_moment_are_revoked() {
        let limits = limits(9, 9, 9);
        let acquire = |user| limits.acquire(pass(user, "1"), HERE).unwrap();
        let (before, of_another) = (acquire("a"), acquire("b"));
        assert!(limits.revoke(&"a"));
        assert!(!limits.revoke(&"c"));
        let after = acquire("a");
        assert!(before.is_revoked());
        assert!(!of_another.is_revoked() && !after.is_revoked());
    }

    #[test]
    fn what_was_opened_with_another_session_goes_on_and_nothing_is_left_in_the_end() {
        let limits = limits(9, 9, 9);
        let acquire = |session| limits.acquire(pass("a", session), HERE).unwrap();
        let (one, other) = (acquire("1"), acquire("2"));
        assert_eq!(limits.passes().len(), 2);
        limits.revoke_pass(&pass("a", "1"));
        assert!(one.is_revoked() && !other.is_revoked());
        drop((one, other));
        assert!(limits.passes().is_empty());
    }
}
