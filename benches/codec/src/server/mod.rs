//! The words of the server that the relay's pure modules use, and these modules.

pub mod relay;

/// The words of `config`.
pub mod config {
    use secrecy::SecretString;
    use url::Url;

    /// Where a price monitor is, and the key it wants.
    #[derive(Clone, Debug)]
    pub struct MonitorEndpoint {
        /// The service's address.
        pub url: Url,
        /// What its socket speaks.
        pub protocol: SocketProtocol,
        /// The key.
        pub api_key: SecretString,
    }

    /// What the price monitor's socket speaks.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub enum SocketProtocol {
        /// Socket.IO 5 over Engine.IO 4.
        SocketIo,
        /// JSON text frames.
        WebSocket,
    }
}

/// The words of `store`.
pub mod store {
    /// The words of `store::jobs`.
    pub mod jobs {
        use crate::job::{ImportStatus, UnixMillis};

        /// The state of a job as it is recorded.
        #[derive(Clone, Debug)]
        pub struct JobState {
            /// Where the import stands.
            pub status: ImportStatus,
            /// Why it failed.
            pub error: Option<String>,
            /// Products in the file.
            pub total_products: u64,
            /// Products that are in the shop.
            pub processed_products: u64,
            /// Products that could not be imported.
            pub failed_products: u64,
            /// What the failed products are called.
            pub failed_product_skus: Option<Vec<String>>,
            /// When the import ended.
            pub completed_at: Option<UnixMillis>,
        }
    }
}
