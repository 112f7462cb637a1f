//! Options of the hooks.

use std::{sync::Arc, time::Duration};

use crate::model::base_path;

/// Two and a half times the longest heartbeat interval, 15 s.
const SILENCE: Duration = Duration::from_millis(37_500);

/// How a hook keeps its stream. All hooks of a page with the same options share one.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use import_relay_hook::hooks::UseProgressOptions;
///
/// let options = UseProgressOptions::default()
///     .reconnect(Duration::from_secs(2), Duration::from_secs(60))
///     .stale_after(Duration::from_secs(90))
///     .share_tabs(false);
/// assert_ne!(options, UseProgressOptions::default());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct UseProgressOptions {
    pub(super) first_delay: Duration,
    pub(super) longest_delay: Duration,
    pub(super) stale_after: Duration,
    pub(super) with_credentials: bool,
    pub(super) server: Option<Arc<str>>,
    pub(super) share_tabs: bool,
    pub(super) immediate: bool,
}

impl Default for UseProgressOptions {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            stale_after: SILENCE,
            with_credentials: false,
            server: None,
            share_tabs: true,
            immediate: true,
        }
    }
}

impl UseProgressOptions {
    /// Sets the delay before a refused stream is opened again: `first`, doubling up to `longest`, of which up
    /// to half is subtracted at random. Default: 1 s and 30 s. The clock ticks once a second.
    ///
    /// After a broken connection the browser reconnects itself, after the server's `retry:`.
    pub fn reconnect(mut self, first: Duration, longest: Duration) -> Self {
        self.first_delay = first;
        self.longest_delay = longest.max(first);
        self
    }

    /// Sets after how much silence a stream counts as dead, and the server is asked for the state. Default:
    /// 37.5 s, two and a half heartbeats.
    pub fn stale_after(mut self, silence: Duration) -> Self {
        self.stale_after = silence;
        self
    }

    /// Sets where the server is, as `https://relay.example` or `/relay`. Default: where the page says that the
    /// app is (`<meta name="base-path">`), else the root of the page's own origin. A server on another origin
    /// has to list that of the page in `CORS_ORIGINS`.
    pub fn server(mut self, address: &str) -> Self {
        self.server = Some(address.trim_end_matches('/').into());
        self
    }

    /// Sets whether cookies are sent to a server on another origin. Default: false. On the page's own origin they
    /// always are.
    pub fn with_credentials(mut self, with_credentials: bool) -> Self {
        self.with_credentials = with_credentials;
        self
    }

    /// Sets whether all tabs of a browser share one stream, if it has Web Locks. Default: true.
    pub fn share_tabs(mut self, share_tabs: bool) -> Self {
        self.share_tabs = share_tabs;
        self
    }

    /// Sets whether the import is followed from the start. Otherwise it is followed from
    /// [`open`](super::UseProductImportProgressReturn::open) on. Default: true.
    pub fn immediate(mut self, immediate: bool) -> Self {
        self.immediate = immediate;
        self
    }

    /// Returns the address of a path of the server.
    pub(super) fn address(&self, path: &str) -> String {
        match &self.server {
            Some(server) => format!("{server}{path}"),
            None => base_path::address(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_asked_there() {
        for server in [
            "https://relay.example/import",
            "https://relay.example/import/",
        ] {
            let options = UseProgressOptions::default().server(server);
            assert_eq!(
                options.address("/api/jobs/1/progress"),
                "https://relay.example/import/api/jobs/1/progress"
            );
        }
        assert_eq!(UseProgressOptions::default().address("/api"), "/api");
    }
}
