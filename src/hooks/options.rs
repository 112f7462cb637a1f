//! What can be chosen of the hooks.

use std::time::Duration;

/// The server sends something at least every 15 s; two and a half times that is silence.
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
    /// Sets how long the hook waits before it opens a stream again that was refused: `first`, then
    /// twice as long each time, `longest` at most, of which up to half is left out by chance. One
    /// second and thirty where it is not set. A page looks at its clock once a second.
    ///
    /// A stream that merely broke is the browser's to get back, when the server says (`retry:`).
    pub fn reconnect(mut self, first: Duration, longest: Duration) -> Self {
        self.first_delay = first;
        self.longest_delay = longest.max(first);
        self
    }

    /// Sets how long a stream may say nothing before the hook takes it for dead and asks the server
    /// what is the matter. 37.5 seconds where it is not set, two and a half of the longest heartbeats
    /// of this server.
    pub fn stale_after(mut self, silence: Duration) -> Self {
        self.stale_after = silence;
        self
    }

    /// Sets whether cookies go along where the stream is at another origin, as a document's `<base>`
    /// can have it: `withCredentials` of the `EventSource`. At the page's own origin they always do.
    /// They do not where it is not set.
    pub fn with_credentials(mut self, with_credentials: bool) -> Self {
        self.with_credentials = with_credentials;
        self
    }

    /// Sets whether all tabs of a browser share one stream, where it has Web Locks. They do where it
    /// is not set.
    pub fn share_tabs(mut self, share_tabs: bool) -> Self {
        self.share_tabs = share_tabs;
        self
    }
}
