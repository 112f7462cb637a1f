//! Types of frames.

#[path = "../../../../src/model/job.rs"]
pub mod job;

/// Types of `model::progress`.
pub mod progress {
    use serde::Serialize;

    /// The state of the connection to the price monitor.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub enum UpstreamState {
        /// The socket is open.
        Connected,
    }

    /// The data of the event `upstream`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct UpstreamEvent {
        /// The state.
        pub state: UpstreamState,
    }
}
