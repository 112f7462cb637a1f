//! How the browser stands to the progress stream.

/// How the browser stands to the progress stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Connection {
    /// Nothing is open, and nothing will be: the job is over.
    #[default]
    Closed,
    /// The first connection is being made.
    Connecting,
    /// The stream is open and alive.
    Open,
    /// The stream has been lost for three seconds or more; the browser, or the hook, is getting it back.
    Reconnecting,
    /// Nothing comes at once, the newest state is asked for every few seconds: by the server, which has no
    /// live connection to the price monitor, or by the hook, where something on the way holds the stream
    /// back.
    Polling,
    /// The server said what ends it for good: signed out, or no such import.
    Refused,
}
