//! The types that the server and the browser share. They know nothing of the rest of the crate but the languages.

pub mod account;
pub mod audit;
pub mod base_path;
pub mod bundle;
pub mod changes;
#[cfg(feature = "ssr")]
pub mod clock;
pub mod error;
pub mod import_extras;
pub mod imports_filter;
pub mod job;
#[cfg(feature = "ssr")]
pub mod job_state;
pub mod page;
pub mod passkey;
pub mod product;
pub mod progress;
pub mod role;
pub mod secret;
pub mod session;
pub mod status;
pub mod team;
pub mod token;
pub mod upload;
