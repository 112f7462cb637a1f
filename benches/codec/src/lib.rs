//! The relay's pure modules, from their own files, with the few words of the app that they use.
#![allow(dead_code)] // the modules are whole, and not all of them is used here

pub mod server;

#[path = "../../../src/job.rs"]
pub mod job;

/// The words of `api` that frames use.
pub mod api {
    /// The words of `api::progress`.
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
}
