//! The pages.
//!
//! A page requests what its components show.

#![allow(unreachable_pub)] // `#[component]` makes its structs public, whoever may see the function

mod account;
mod audit;
mod confirm;
mod correct_rows;
mod delete_imports;
mod import_changes;
mod import_details;
mod import_extras;
mod imports;
mod join;
mod not_found;
mod passkey;
mod product;
mod products;
mod query;
mod shared;
mod sign_in;
mod source;
mod source_form;
mod sources;
mod status;
#[cfg(feature = "styleguide")]
mod styleguide;
mod team;
mod tokens;
mod webhook;
mod webhooks;

pub(crate) use account::AccountPage;
pub(crate) use audit::AuditPage;
pub(crate) use confirm::ConfirmPage;
pub(crate) use correct_rows::CorrectRowsPage;
pub(crate) use delete_imports::DeleteImportsPage;
pub(crate) use import_changes::ImportChangesPage;
pub(crate) use import_details::ImportDetailsPage;
pub(crate) use imports::ImportsPage;
pub(crate) use join::JoinPage;
pub(crate) use not_found::NotFoundPage;
#[cfg(not(feature = "styleguide"))]
pub(crate) use not_found::NotFoundPage as StyleguidePage;
pub(crate) use passkey::PasskeyPage;
pub(crate) use product::ProductPage;
pub(crate) use products::ProductsPage;
pub(crate) use shared::SharedPage;
pub(crate) use sign_in::SignInPage;
pub(crate) use source::SourcePage;
pub(crate) use source_form::{EditSourcePage, NewSourcePage};
pub(crate) use sources::SourcesPage;
pub(crate) use status::StatusPage;
#[cfg(feature = "styleguide")]
pub(crate) use styleguide::StyleguidePage;
pub(crate) use team::TeamPage;
pub(crate) use tokens::TokensPage;
pub(crate) use webhook::WebhookPage;
pub(crate) use webhooks::WebhooksPage;

/// Answers with status 404.
fn set_not_found_status() {
    if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
}
