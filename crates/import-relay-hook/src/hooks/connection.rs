//! The connection state of a hook.

/// The state of the connection to the progress stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Connection {
    /// Closed: the job has ended.
    #[default]
    Closed,
    /// Connecting for the first time.
    Connecting,
    /// Connected.
    Open,
    /// Disconnected for three seconds or more; reconnecting.
    Reconnecting,
    /// Polling every few seconds: the server has no live connection to the price monitor, or a proxy holds
    /// the stream back.
    Polling,
    /// Refused for good: signed out, or no such import.
    Refused,
}
