//! Import Relay takes a product file, has a *price monitor* service import it, and relays the
//! import's progress to any number of browsers.
//!
//! The modules, in the order in which data flows through them:
//!
//! - [`server`] (feature `ssr`): talks to the price monitor, keeps the newest snapshot of every job
//!   and streams it out as Server-Sent Events; accounts, storage, the embedded price monitor.
//! - [`api`]: the server functions, the only door between client code and server code.
//! - [`hooks`]: [`use_product_import_progress`](hooks::use_product_import_progress), which turns the
//!   stream into signals.
//! - `components` and `pages`: what a person sees.
//! - [`model`] and [`i18n`]: the types and languages that all of them share.

// The types of the views nest deeply.
#![recursion_limit = "512"]

#[cfg(not(any(erase_components, doc, doctest)))]
compile_error!(
    "built without scripts/rustc.sh, which .cargo/config.toml names: is RUSTC_WRAPPER set to another one?"
);

pub mod api;
pub mod app;
mod components;
pub mod hooks;
#[cfg(any(feature = "hydrate", test))]
mod hydration;
pub mod i18n;
pub mod model;
mod pages;
#[cfg(feature = "ssr")]
pub mod server;

/// Takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    // A page has one base path for as long as it is there. It fails only where somebody has set it before.
    let _ = server_fn::client::try_set_server_url(
        model::base_path::base_path().as_str().to_owned().leak(),
    );
    hydration::start(app::App);
}
