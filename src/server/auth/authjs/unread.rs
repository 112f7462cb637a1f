//! Logs why a session cookie of Auth.js was rejected.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use thiserror::Error;

/// Minimum time between equal log lines, because anybody can send any cookie.
const PAUSE: Duration = Duration::from_secs(60);

/// Why a session cookie was rejected. Reveals nothing of its content.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Unread {
    /// It is no sealed token.
    #[error(
        "an Auth.js session cookie contains no encrypted token: the installation keeps its sessions in \
         its database (session strategy \"database\"), or encodes them in its own way; set its strategy \
         to \"jwt\", the only one that can be read here"
    )]
    NoToken,
    /// It is sealed with another secret.
    #[error(
        "an Auth.js session cookie is encrypted with another secret than AUTH_SECRET or \
         NEXTAUTH_SECRET: set the installation's own; AUTH_SECRET_1 to _3 accept older ones"
    )]
    OtherSecret,
    /// The role that it gives is not known here.
    #[error(
        "a user is signed in through Auth.js with an unknown role and gets no access: known are owner \
         or admin, staff or editor, viewer or guest; user, member or no role counts as AUTH_DEFAULT_ROLE"
    )]
    Role,
    /// It gives no role, and there is none for such.
    #[error(
        "a user is signed in through Auth.js without a role and gets no access, as AUTH_DEFAULT_ROLE is \
         none; the owner can only give roles on the Team page to users who have signed in before"
    )]
    NoRole,
}

/// Logs each reason at most once a minute. Clones share the limit.
#[derive(Clone, Debug, Default)]
pub(in crate::server::auth) struct Seldom(Arc<Mutex<[Option<Instant>; 4]>>);

impl Seldom {
    pub(in crate::server::auth) fn say(&self, what: Unread) {
        if self.is_due(what, Instant::now()) {
            tracing::warn!("{what}");
        }
    }

    fn is_due(&self, what: Unread, now: Instant) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = said.get_mut(what as usize) else {
            return true;
        };
        let is_due = last.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_said_once_a_minute_however_often_it_happens() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        assert!(seldom.is_due(Unread::NoToken, now));
        assert!(!seldom.is_due(Unread::NoToken, now + PAUSE / 2));
        assert!(seldom.is_due(Unread::NoRole, now + PAUSE / 2));
        assert!(seldom.is_due(Unread::NoToken, now + PAUSE));
    }
}
