//! Reactive hooks.

mod connection;
mod desk;
mod event_source;
mod feed;
mod follower;
mod tabs;
mod use_product_import_progress;
mod use_unfinished_imports;

pub use connection::Connection;
pub use use_product_import_progress::{
    UseProductImportProgressReturn, use_product_import_progress,
};
pub use use_unfinished_imports::{LiveImport, use_unfinished_imports};
