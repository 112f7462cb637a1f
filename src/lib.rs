//! Import Relay takes a product file, has a *price monitor* service import it, and relays the
//! import's progress to any number of browsers.
//!
//! The modules, in the order in which data flows through them:
//!
//! - [`server`] (feature `ssr`): talks to the price monitor, keeps the newest snapshot of every job
//!   and streams it out as Server-Sent Events; accounts, storage, the embedded price monitor.
//! - [`api`]: the server functions, the only door between client code and server code.
//! - [`hooks`] (the crate `import-relay-hook`): [`use_product_import_progress`](hooks::use_product_import_progress), which turns the
//!   stream into signals.
//! - `islands`: the interactive parts of pages. They, the hooks and what they need are compiled for browsers.
//! - `components` and `pages` (feature `ssr`): the pages, rendered on the server alone.
//! - [`model`] and [`i18n`]: the types and languages that all of them share.

// The types of the views nest deeply.
#![recursion_limit = "512"]

#[cfg(not(any(erase_components, doc, doctest)))]
compile_error!(
    "built without scripts/rustc.sh, which .cargo/config.toml names: is RUSTC_WRAPPER set to another one?"
);

pub use import_relay_hook::hooks;

pub mod api;
#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
mod components;
pub mod i18n;
#[cfg(any(feature = "hydrate", feature = "ssr"))]
mod islands;
pub mod model;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
pub mod server;

/// Makes the bundle ready to hydrate islands (`components/bundle.js`).
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
