//! The words of the server that the relay's pure modules use, and these modules.

pub mod relay;

/// The words of `store`.
pub mod store {
    /// The words of `store::jobs`.
    pub mod jobs {
        use crate::model::job::{ImportStatus, UnixMillis};

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
            pub failed_product_skus: Option<std::sync::Arc<Vec<String>>>,
            /// When the import ended.
            pub completed_at: Option<UnixMillis>,
        }
    }
}
