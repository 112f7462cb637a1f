//! Leptos hooks that follow the progress of product imports over Server-Sent Events, from any Leptos app: one that is
//! rendered in the browser, one that is hydrated, or one of islands.
//!
//! - [`hooks`]: [`use_product_import_progress`](hooks::use_product_import_progress) follows one import,
//!   [`use_unfinished_imports`](hooks::use_unfinished_imports) all that run.
//! - [`model`]: the import, its progress, and its errors.
//!
//! ```toml
//! [dependencies]
//! import-relay-hook = { git = "https://github.com/import-relay/import-relay" }
//! leptos = { version = "0.8", features = ["csr"] } # or hydrate, and ssr on the server
//! ```
//!
//! The crate has no features: it follows those of `leptos`. On the server a hook returns what is known and opens
//! nothing, and it exports nothing to JavaScript.

pub mod hooks;
pub mod model;
