//! How many streams may be open at once. An open one is never ended for a new one: evicted clients
//! come back and evict others.

use std::{collections::HashMap, net::IpAddr};

use super::sync::{Arc, AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};
use crate::server::store::users::UserId;

/// The open streams, counted.
#[derive(Clone, Debug)]
pub(crate) struct StreamLimits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: MostStreams,
    open: Mutex<Open>,
}

/// How many streams there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MostStreams {
    /// In all.
    pub(crate) of_all: usize,
    /// Of one user.
    pub(crate) of_user: usize,
    /// From one address.
    pub(crate) of_address: usize,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_user: HashMap<UserId, OfUser>,
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug, Default)]
struct OfUser {
    open: usize,
    /// Set when the streams open now are to end.
    revoked: Arc<AtomicBool>,
}

/// The right to one open stream. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: StreamLimits,
    user: UserId,
    address: IpAddr,
    revoked: Arc<AtomicBool>,
}

impl Permit {
    /// Returns whether the right was taken back.
    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }
}

impl StreamLimits {
    pub(crate) fn new(most: MostStreams) -> Self {
        Self(Arc::new(Shared {
            most,
            open: Mutex::default(),
        }))
    }

    /// Gives a user the right to one more stream to an address, or `None` at a limit.
    pub(crate) fn acquire(&self, user: &UserId, address: IpAddr) -> Option<Permit> {
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
        let of_user = open.by_user.entry(user.clone()).or_default();
        of_user.open += 1;
        let revoked = of_user.revoked.clone();
        Some(Permit {
            limits: self.clone(),
            user: user.clone(),
            address,
            revoked,
        })
    }

    /// Takes back the rights that a user's streams have now.
    pub(crate) fn revoke(&self, user: &UserId) {
        if let Some(of_user) = self.open().by_user.get_mut(user) {
            std::mem::take(&mut of_user.revoked).store(true, Ordering::Relaxed);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        open.total = open.total.saturating_sub(1);
        if let Some(of_user) = open.by_user.get_mut(&self.user) {
            of_user.open = of_user.open.saturating_sub(1);
            if of_user.open == 0 {
                open.by_user.remove(&self.user);
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

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn limits(of_all: usize, of_user: usize, of_address: usize) -> StreamLimits {
        StreamLimits::new(MostStreams {
            of_all,
            of_user,
            of_address,
        })
    }

    #[test]
    fn a_stream_over_a_limit_is_not_let_in_until_one_ends() {
        let limits = limits(3, 2, 9);
        let [a, b] = ["a", "b"].map(UserId::for_tests);
        let first = limits.acquire(&a, HERE).unwrap();
        let _second = limits.acquire(&a, HERE).unwrap();
        assert!(limits.acquire(&a, HERE).is_none(), "over the user's limit");
        let _third = limits.acquire(&b, HERE).unwrap();
        assert!(limits.acquire(&b, HERE).is_none(), "over the limit of all");
        drop(first);
        assert!(limits.acquire(&b, HERE).is_some());
    }

    #[test]
    fn one_address_cannot_take_the_streams_of_the_others() {
        let limits = limits(9, 9, 1);
        let user = UserId::for_tests("a");
        let here = limits.acquire(&user, HERE).unwrap();
        assert!(limits.acquire(&user, HERE).is_none());
        assert!(limits.acquire(&user, THERE).is_some());
        drop(here);
        assert!(limits.acquire(&user, HERE).is_some());
    }

    #[test]
    fn only_the_streams_open_at_that_moment_are_revoked() {
        let limits = limits(9, 9, 9);
        let [a, b] = ["a", "b"].map(UserId::for_tests);
        let acquire = |user| limits.acquire(user, HERE).unwrap();
        let (before, of_another) = (acquire(&a), acquire(&b));
        limits.revoke(&a);
        let after = acquire(&a);
        assert!(before.is_revoked());
        assert!(!of_another.is_revoked() && !after.is_revoked());
    }
}
