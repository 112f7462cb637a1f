//! Throttles password attempts.
//!
//! Three counters: one client at one account, one client at all accounts, all clients at one account. Each allows some
//! failures, then requires a delay that doubles up to a maximum. Failing on purpose does not lock out an account's
//! owner:
//!
//! - A trusted device has a counter of its own, wherever it connects from.
//! - While an account is under attack, clients from networks without failures there still have an attempt.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const MEMORY: Duration = Duration::from_secs(3600);
/// Maximum counters. A client uses three per account it names.
const MAX_COUNTS: usize = 100_000;

/// A counter. Accounts are keyed hashes, because clients choose their length.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Key {
    Known(u64),
    Both(IpAddr, u64),
    Client(IpAddr),
    /// A network at one account, for clients with many addresses.
    Near(IpAddr, u64),
    Account(u64),
}

impl Key {
    fn limit(self) -> (u32, Duration) {
        match self {
            Self::Known(_) | Self::Both(..) => (5, Duration::from_secs(15 * 60)),
            Self::Client(_) => (30, Duration::from_secs(5 * 60)),
            // Only decides whether the account's counter applies to a client.
            Self::Near(..) => (u32::MAX, Duration::ZERO),
            Self::Account(_) => (50, Duration::from_secs(60)),
        }
    }
}

/// Returns the network of an address: /24 for IPv4, /48 for IPv6 (RFC 6177, section 2).
fn neighbourhood(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    last: Instant,
}

impl Count {
    fn wait(self, key: Key, now: Instant) -> Duration {
        let (free, longest) = key.limit();
        let Some(excess) = self.failures.checked_sub(free) else {
            return Duration::ZERO;
        };
        let wait = Duration::from_secs(1 << excess.min(20)).min(longest);
        (self.last + wait).saturating_duration_since(now)
    }

    fn is_forgotten(self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= MEMORY
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Throttle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<HashMap<Key, Count>>,
    hasher: RandomState,
}

/// A permitted attempt. Counts as a failure until [`succeeded`](Self::succeeded), so that concurrent attempts count.
#[must_use]
#[derive(Debug)]
pub(super) struct Try {
    throttle: Throttle,
    keys: Vec<Key>,
}

impl Throttle {
    /// Begins an attempt, or returns the delay. `known` is the ID of a trusted device.
    pub(super) fn begin(
        &self,
        client: IpAddr,
        account: &str,
        known: Option<&str>,
    ) -> Result<Try, Duration> {
        self.begin_at(client, account, known, Instant::now())
    }

    fn begin_at(
        &self,
        client: IpAddr,
        account: &str,
        known: Option<&str>,
        now: Instant,
    ) -> Result<Try, Duration> {
        let of_account = self.0.hasher.hash_one(account);
        let near = Key::Near(neighbourhood(client), of_account);
        let keys = match known {
            Some(known) => vec![Key::Known(self.0.hasher.hash_one((account, known)))],
            None => vec![
                Key::Both(client, of_account),
                Key::Client(client),
                near,
                Key::Account(of_account),
            ],
        };
        let mut counts = self.counts();
        let has_failed_near = counts
            .get(&near)
            .is_some_and(|count| count.failures > 0 && !count.is_forgotten(now));
        let wait = keys
            .iter()
            .filter(|key| has_failed_near || !matches!(key, Key::Account(_)))
            .filter_map(|key| Some(counts.get(key)?.wait(*key, now)))
            .max()
            .unwrap_or_default();
        if wait > Duration::ZERO {
            return Err(wait);
        }
        make_room(&mut counts, now);
        for key in &keys {
            let count = counts.entry(*key).or_insert(Count {
                failures: 0,
                last: now,
            });
            if count.is_forgotten(now) {
                count.failures = 0;
            }
            count.failures = count.failures.saturating_add(1);
            count.last = now;
        }
        Ok(Try {
            throttle: self.clone(),
            keys,
        })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Evicts old counters, then those with the fewest failures.
fn make_room(counts: &mut HashMap<Key, Count>, now: Instant) {
    if counts.len() < MAX_COUNTS {
        return;
    }
    counts.retain(|_, count| !count.is_forgotten(now));
    if counts.len() >= MAX_COUNTS {
        counts.retain(|key, count| match key {
            // Needed while its account is under attack.
            Key::Near(..) => false,
            key => count.failures >= key.limit().0,
        });
    }
    if counts.len() >= MAX_COUNTS {
        counts.clear();
    }
}

impl Try {
    /// Clears the client's failures at this account only: otherwise an own account would buy attempts at all others.
    pub(super) fn succeeded(self) {
        let mut counts = self.throttle.counts();
        for key in &self.keys {
            match key {
                Key::Known(_) | Key::Both(..) => {
                    counts.remove(key);
                }
                Key::Client(_) | Key::Near(..) | Key::Account(_) => {
                    if let Some(count) = counts.get_mut(key) {
                        count.failures = count.failures.saturating_sub(1);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Fails until delayed; returns the number of attempts and the delay.
    fn fail(throttle: &Throttle, client: IpAddr, account: &str, now: Instant) -> (u32, Duration) {
        for tries in 0.. {
            if let Err(wait) = throttle.begin_at(client, account, None, now).map(drop) {
                return (tries, wait);
            }
        }
        unreachable!()
    }

    #[test]
    fn the_wait_doubles_and_ends() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(fail(&throttle, client(1), "ada", start), (5, second));
        let later = start + second;
        assert_eq!(fail(&throttle, client(1), "ada", later), (1, 2 * second));
        let much_later = start + MEMORY + second;
        assert_eq!(fail(&throttle, client(1), "ada", much_later).0, 5);
    }

    #[test]
    fn a_success_forgets_the_failures_of_this_client_at_this_account_alone() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let mut tries = 0;
        while let Ok(right) = throttle.begin_at(client(1), "ada", None, now) {
            right.succeeded();
            for _ in 0..4 {
                tries += u32::from(throttle.begin_at(client(1), "ada", None, now).is_ok());
            }
        }
        // More than five for one account, and at most the client's total.
        assert!((6..=30).contains(&tries), "{tries}");
    }

    #[test]
    fn strangers_do_not_keep_out_whoever_was_there_before() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for stranger in 0..200 {
            let _ = fail(&throttle, client(stranger), "ada", now);
        }
        // Even from the same address, behind the same proxy.
        for _ in 0..5 {
            assert!(
                throttle
                    .begin_at(client(1), "ada", Some("a browser"), now)
                    .is_ok()
            );
        }
        let guessed = throttle.begin_at(client(1), "ada", Some("a browser"), now);
        assert!(guessed.is_err(), "it gets to guess no more than others");
        assert!(
            throttle
                .begin_at(client(1), "ada", Some("another"), now)
                .is_ok()
        );
        assert!(throttle.begin_at(client(250), "bob", None, now).is_ok());
    }

    #[test]
    fn however_many_strangers_fail_a_new_device_has_a_try() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let stranger = |n: u32| IpAddr::from([10, (n >> 8) as u8, n as u8, 1]);
        for minute in 0..10_u32 {
            let now = start + Duration::from_secs(60) * minute;
            for n in 0..300 {
                let _ = fail(&throttle, stranger(minute * 300 + n), "ada", now);
            }
            // Networks with failures wait.
            let again = throttle.begin_at(stranger(minute * 300), "ada", None, now);
            assert!(again.is_err());
            let IpAddr::V4(one) = stranger(minute * 300) else {
                unreachable!()
            };
            let [a, b, c, _] = one.octets();
            let neighbour = throttle.begin_at(IpAddr::from([a, b, c, 2]), "ada", None, now);
            assert!(neighbour.is_err_and(|wait| wait <= Duration::from_secs(60)));
            let device = IpAddr::from([192, 0, 2, 1]);
            let owner = throttle.begin_at(device, "ada", None, now);
            owner.expect("the owner at a new device").succeeded();
        }
    }

    #[test]
    fn one_client_does_not_go_from_account_to_account() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let accounts = (0..100).map(|number| format!("user{number}"));
        let tried = accounts
            .map(|account| throttle.begin_at(client(1), &account, None, now))
            .take_while(Result::is_ok)
            .count();
        assert_eq!(tried, 30);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for number in 0..MAX_COUNTS as u32 {
            let client = IpAddr::from(number.to_be_bytes());
            let _ = throttle.begin_at(client, &number.to_string(), None, now);
        }
        assert!(throttle.counts().len() <= MAX_COUNTS + 4);
    }
}
