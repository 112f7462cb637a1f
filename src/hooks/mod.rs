//! Reactive hooks.

mod answer;
mod connection;
mod desk;
mod early;
mod event_source;
mod feed;
mod follower;
mod options;
mod progress_error;
mod refusal;
mod tabs;
mod use_product_import_progress;
mod use_shared_import;
mod use_unfinished_imports;

pub(crate) use answer::read as read_answer;
pub use connection::Connection;
pub use options::UseProgressOptions;
pub use progress_error::ProgressError;
#[cfg(feature = "ssr")]
pub(crate) use tabs::NAME as SHARED_BY_TABS;
pub use use_product_import_progress::{
    UseProductImportProgressReturn, use_product_import_progress,
    use_product_import_progress_with_options,
};
pub(crate) use use_shared_import::use_shared_import;
pub use use_unfinished_imports::{
    LiveImport, use_unfinished_imports, use_unfinished_imports_with_options,
};
