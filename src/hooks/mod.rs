//! Reactive hooks.

mod event_source;
mod follower;
mod use_product_import_progress;

pub use use_product_import_progress::{
    Connection, UseProductImportProgressReturn, use_product_import_progress,
};
