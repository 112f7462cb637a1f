//! Types that server and browser share. Of the crate they use the languages only.

pub use import_relay_hook::model::{base_path, job, progress};

pub mod account;
pub mod activity;
pub mod audit;
pub mod bundle;
pub mod changes;
#[cfg(feature = "ssr")]
pub mod clock;
pub mod error;
pub mod import_extras;
pub mod import_options;
pub mod imports_filter;
#[cfg(feature = "ssr")]
pub mod job_state;
pub mod page;
pub mod passkey;
pub mod product;
pub mod products_filter;
pub mod query;
pub mod reason;
#[cfg(feature = "ssr")]
pub mod refused_form;
#[cfg(feature = "ssr")]
pub mod rhythm;
pub mod role;
pub mod secret;
pub mod session;
pub mod share_link;
pub mod source;
pub mod status;
pub mod team;
pub mod token;
pub mod upload;
pub mod webhook;
