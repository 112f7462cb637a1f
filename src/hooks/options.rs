//! Options of the hooks.

use std::time::Duration;

/// Two and a half times the longest heartbeat interval, 15 s.
const SILENCE: Duration = Duration::from_millis(37_500);

/// How a hook keeps its stream. All hooks of a page with the same options share one.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use import_relay::hooks::UseProgressOptions;
///
/// let options = UseProgressOptions::default()
///     .reconnect(Duration::from_secs(2), Duration::from_secs(60))
///     .stale_after(Duration::from_secs(90))
///     .share_tabs(false);
/// assert_ne!(options, UseProgressOptions::default());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct UseProgressOptions {
    pub(super) first_delay: Duration,
    pub(super) longest_delay: Duration,
    pub(super) stale_after: Duration,
    pub(super) with_credentials: bool,
    pub(super) share_tabs: bool,
}

impl Default for UseProgressOptions {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            stale_after: SILENCE,
            with_credentials: false,
            share_tabs: true,
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

    /// Sets `withCredentials` of the `EventSource`, for a stream on another origin (by a document's
    /// `<base>`). Default: false. On the page's own origin cookies are always sent.
    pub fn with_credentials(mut self, with_credentials: bool) -> Self {
        self.with_credentials = with_credentials;
        self
    }

    /// Sets whether all tabs of a browser share one stream, if it has Web Locks. Default: true.
    pub fn share_tabs(mut self, share_tabs: bool) -> Self {
        self.share_tabs = share_tabs;
        self
    }
}
