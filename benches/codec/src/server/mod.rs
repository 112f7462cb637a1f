//! The relay's pure modules, and the types of the server that they use.

pub mod relay;

/// Types of `store`.
pub mod store {
    /// Types of `store::jobs`.
    pub mod jobs {
        use crate::model::job::{ImportStatus, UnixMillis};

        /// The recorded state of a job.
        #[derive(Clone, Debug)]
        pub struct JobState {
            /// The status.
            pub status: ImportStatus,
            /// The error of a failed import.
            pub error: Option<String>,
            /// Products in the file.
            pub total_products: u64,
            /// Imported products.
            pub processed_products: u64,
            /// Failed products.
            pub failed_products: u64,
            /// Names of the failed products.
            pub failed_product_skus: Option<std::sync::Arc<Vec<String>>>,
            /// Time of the end.
            pub completed_at: Option<UnixMillis>,
        }
    }
}
