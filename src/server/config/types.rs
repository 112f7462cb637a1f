//! Settings that several modules take.

use std::{collections::BTreeSet, fmt, time::Duration};

use url::Host;

/// Lifetime of sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    /// In total.
    pub absolute: Duration,
    /// Without use.
    pub idle: Duration,
}

/// How long what is not kept for ever is kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retention {
    /// A product file after its import, to be imported again.
    pub uploads: Duration,
    /// What is said of the rows of an import, after its end.
    pub rows: Option<Duration>,
    /// What an import changed of products, after its beginning; none of it is noted where this is zero.
    pub changes: Option<Duration>,
    /// An import after its end.
    pub imports: Option<Duration>,
    /// That an import was deleted.
    pub deleted: Option<Duration>,
    /// An event in the audit log.
    pub audit: Option<Duration>,
}

/// How much room product files may take.
#[derive(Clone, Copy, Debug)]
pub struct SpaceLimits {
    /// The most bytes of one user.
    pub of_user: u64,
    /// The most bytes of all users together.
    pub of_all: u64,
    /// How many bytes of the disk stay free.
    pub free: u64,
}

/// The hosts that files may be fetched from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RemoteHosts {
    /// Whether any host will do that is on the public internet.
    any_public: bool,
    /// Those that will do wherever they are.
    named: BTreeSet<String>,
}

impl RemoteHosts {
    /// Reads host names with commas between; `*` is any on the public internet.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut hosts = Self::default();
        for host in text.split(',').map(str::trim) {
            if host == "*" {
                hosts.any_public = true;
            } else {
                hosts.named.insert(Host::parse(host).ok()?.to_string());
            }
        }
        Some(hosts)
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.any_public && self.named.is_empty()
    }

    /// Returns whether any host on the public internet will do.
    pub(in crate::server) fn any_public(&self) -> bool {
        self.any_public
    }

    /// Returns whether a host will do wherever it is.
    pub(in crate::server) fn is_named(&self, host: &str) -> bool {
        self.named.contains(host)
    }
}

impl fmt::Display for RemoteHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = self.any_public.then_some("*");
        let all: Vec<_> = any
            .into_iter()
            .chain(self.named.iter().map(String::as_str))
            .collect();
        f.write_str(&all.join(", "))
    }
}
