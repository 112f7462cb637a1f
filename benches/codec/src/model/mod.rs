//! The types that frames use.

#[path = "../../../../src/model/job.rs"]
pub mod job;

/// The types of `model::progress`.
pub mod progress {
    use serde::Serialize;

    /// How the server stands to the price monitor.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub enum UpstreamState {
        /// The socket is open.
        Connected,
    }

    /// The data of the event `upstream`.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct UpstreamEvent {
        /// How the server stands to the price monitor.
        pub state: UpstreamState,
    }
}
