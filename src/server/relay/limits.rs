//! Limits open streams. A new stream never evicts an open one, because evicted clients reconnect and evict
//! others.

use std::{collections::HashMap, net::IpAddr};

use super::sync::{Arc, AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};
use crate::server::identity::{credential::Pass, user::UserId};

/// Counts open streams.
#[derive(Clone, Debug)]
pub(crate) struct StreamLimits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: MostStreams,
    open: Mutex<Open>,
}

/// Maximum open streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MostStreams {
    /// In total.
    pub(crate) of_all: usize,
    /// Per user.
    pub(crate) of_user: usize,
    /// Per address.
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
    /// By the session or token that opened them.
    by_pass: HashMap<Pass, OfPass>,
}

#[derive(Debug, Default)]
struct OfPass {
    open: usize,
    /// Set to end the streams that are open now.
    revoked: Arc<AtomicBool>,
}

/// The right to one open stream. Dropping it releases it.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: StreamLimits,
    pass: Pass,
    address: IpAddr,
    revoked: Arc<AtomicBool>,
}

impl Permit {
    /// Returns whether it was revoked.
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

    /// Acquires a permit for a user and address, or `None` at a limit.
    pub(crate) fn acquire(&self, pass: Pass, address: IpAddr) -> Option<Permit> {
        let user = &pass.user;
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
        let of_pass = of_user.by_pass.entry(pass.clone()).or_default();
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
    pub(crate) fn revoke(&self, user: &UserId) -> bool {
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
    pub(crate) fn revoke_pass(&self, pass: &Pass) {
        let mut open = self.open();
        let of_user = open.by_user.get_mut(&pass.user);
        if let Some(of_pass) = of_user.and_then(|of_user| of_user.by_pass.get_mut(pass)) {
            of_pass.revoke();
        }
    }

    /// Lists sessions and tokens with open streams.
    pub(crate) fn passes(&self) -> Vec<Pass> {
        let open = self.open();
        let of_users = open.by_user.values();
        of_users
            .flat_map(|of_user| of_user.by_pass.keys().cloned())
            .collect()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OfPass {
    fn revoke(&mut self) {
        std::mem::take(&mut self.revoked).store(true, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        open.total = open.total.saturating_sub(1);
        if let Some(of_user) = open.by_user.get_mut(&self.pass.user) {
            of_user.open = of_user.open.saturating_sub(1);
            if let Some(of_pass) = of_user.by_pass.get_mut(&self.pass) {
                of_pass.open = of_pass.open.saturating_sub(1);
                if of_pass.open == 0 {
                    of_user.by_pass.remove(&self.pass);
                }
            }
            if of_user.open == 0 {
                open.by_user.remove(&self.pass.user);
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
    use crate::{
        model::role::Role,
        server::identity::credential::{Credential, SessionId},
    };

    fn pass(user: &str, session: &str) -> Pass {
        Pass {
            user: UserId::new(user),
            role: Role::Staff,
            credential: Credential::Session(SessionId::new(session)),
        }
    }

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
        assert!(limits.revoke(&UserId::new("a")));
        assert!(!limits.revoke(&UserId::new("c")));
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
