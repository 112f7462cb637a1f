//! What a person sees, page by page.
//!
//! A page asks the server for what its components draw.

#![allow(unreachable_pub)] // `#[component]` makes its structs public, whoever may see the function

mod import_details;
mod imports;
mod not_found;
mod products;
mod query;
mod sign_in;

pub(crate) use import_details::ImportDetailsPage;
pub(crate) use imports::ImportsPage;
pub(crate) use not_found::NotFoundPage;
pub(crate) use products::ProductsPage;
pub(crate) use sign_in::SignInPage;

/// Answers with status 404 where the page is rendered on the server.
fn set_not_found_status() {
    #[cfg(feature = "ssr")]
    if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
}
