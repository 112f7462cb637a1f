//! Hooks that follow imports.

mod connection;
mod early;
mod event_source;
mod feed;
mod follower;
mod options;
mod post;
mod progress_error;
mod refusal;
mod tab_channel;
mod tab_leader;
mod use_product_import_progress;
mod use_progress_stream;
mod use_unfinished_imports;
mod wire;

pub use connection::Connection;
pub use options::UseProgressOptions;
pub use progress_error::ProgressError;
#[doc(hidden)]
pub use tab_channel::NAME as SHARED_BY_TABS;
pub use use_product_import_progress::{
    UseProductImportProgressReturn, use_product_import_progress,
    use_product_import_progress_with_options,
};
pub use use_progress_stream::use_progress_stream;
pub use use_unfinished_imports::{
    LiveImport, UseUnfinishedImportsReturn, use_unfinished_imports,
    use_unfinished_imports_with_options,
};
