//! Logs why an Auth.js session cookie gives no access. `authjs-session` reads the cookies.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use authjs_session::Rejected;

/// Minimum interval of equal log lines, because anyone can send any cookie.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub(super) enum NoAccess {
    Rejected(Rejected),
    UnknownRole,
    /// It has no role, and there is no default.
    NoRole,
}

impl NoAccess {
    fn index(self) -> usize {
        match self {
            Self::Rejected(Rejected::NotEncrypted) => 0,
            Self::Rejected(Rejected::OtherSecret) => 1,
            Self::UnknownRole => 2,
            Self::NoRole => 3,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Rejected(Rejected::NotEncrypted) => {
                "an Auth.js session cookie contains no encrypted token: the installation keeps its sessions in \
                 its database (session strategy \"database\"), or encodes them in its own way; set its strategy \
                 to \"jwt\", the only one that can be read here"
            }
            Self::Rejected(Rejected::OtherSecret) => {
                "an Auth.js session cookie is encrypted with another secret than AUTH_SECRET or \
                 NEXTAUTH_SECRET: set the installation's own; AUTH_SECRET_1 to _3 accept older ones"
            }
            Self::UnknownRole => {
                "a user is signed in through Auth.js with an unknown role and gets no access: known are owner \
                 or admin, staff or editor, viewer or guest; user, member or no role counts as AUTH_DEFAULT_ROLE"
            }
            Self::NoRole => {
                "a user is signed in through Auth.js without a role and gets no access, as AUTH_DEFAULT_ROLE is \
                 none; the owner can only give roles on the Team page to users who have signed in before"
            }
        }
    }
}

/// Logs each reason at most once a minute. Clones share the limit.
#[derive(Clone, Debug, Default)]
pub(super) struct AccessLog(Arc<Mutex<[Option<Instant>; 4]>>);

impl AccessLog {
    pub(super) fn warn(&self, what: NoAccess) {
        if self.is_due(what, Instant::now()) {
            tracing::warn!("{}", what.advice());
        }
    }

    fn is_due(&self, what: NoAccess, now: Instant) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = logged.get_mut(what.index()) else {
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
    fn each_is_logged_once_a_minute_however_often_it_happens() {
        let (log, now) = (AccessLog::default(), Instant::now());
        let other_secret = NoAccess::Rejected(Rejected::OtherSecret);
        assert!(log.is_due(other_secret, now));
        assert!(!log.is_due(other_secret, now + PAUSE / 2));
        assert!(log.is_due(NoAccess::NoRole, now + PAUSE / 2));
        assert!(log.is_due(other_secret, now + PAUSE));
    }
}
