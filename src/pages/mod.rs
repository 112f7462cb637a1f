//! The pages and their routes.
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

use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Redirect, Route},
    path,
};

#[cfg(not(feature = "styleguide"))]
use self::not_found::NotFoundPage as StyleguidePage;
#[cfg(feature = "styleguide")]
use self::styleguide::StyleguidePage;
use self::{
    account::AccountPage,
    audit::AuditPage,
    confirm::ConfirmPage,
    correct_rows::CorrectRowsPage,
    delete_imports::DeleteImportsPage,
    import_changes::ImportChangesPage,
    import_details::ImportDetailsPage,
    imports::ImportsPage,
    join::JoinPage,
    not_found::NotFoundPage,
    passkey::PasskeyPage,
    product::ProductPage,
    products::ProductsPage,
    shared::SharedPage,
    sign_in::SignInPage,
    source::SourcePage,
    source_form::{EditSourcePage, NewSourcePage},
    sources::SourcesPage,
    status::StatusPage,
    team::TeamPage,
    tokens::TokensPage,
    webhook::WebhookPage,
    webhooks::WebhooksPage,
};

/// Renders the page of the URL.
#[component]
pub(crate) fn Pages() -> impl IntoView {
    view! {
        <FlatRoutes fallback=NotFoundPage>
            <Route path=path!("/") view=|| view! { <Redirect path="/imports" /> } />
            <Route path=path!("/imports") view=ImportsPage ssr=SsrMode::Async />
            <Route path=path!("/imports/:id") view=ImportDetailsPage ssr=SsrMode::Async />
            <Route path=path!("/imports/:id/changes") view=ImportChangesPage ssr=SsrMode::Async />
            <Route path=path!("/imports/:id/correct") view=CorrectRowsPage ssr=SsrMode::Async />
            <Route path=path!("/delete-imports") view=DeleteImportsPage ssr=SsrMode::Async />
            <Route path=path!("/products/:identity") view=ProductPage ssr=SsrMode::Async />
            <Route path=path!("/products") view=ProductsPage ssr=SsrMode::Async />
            <Route path=path!("/sources") view=SourcesPage ssr=SsrMode::Async />
            <Route path=path!("/sources/new") view=NewSourcePage ssr=SsrMode::Async />
            <Route path=path!("/sources/:id") view=SourcePage ssr=SsrMode::Async />
            <Route path=path!("/sources/:id/edit") view=EditSourcePage ssr=SsrMode::Async />
            <Route path=path!("/status") view=StatusPage ssr=SsrMode::Async />
            <Route path=path!("/styleguide") view=StyleguidePage ssr=SsrMode::Async />
            <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
            <Route path=path!("/join/:token") view=JoinPage ssr=SsrMode::Async />
            <Route path=path!("/shared/:token") view=SharedPage ssr=SsrMode::Async />
            <Route path=path!("/confirm") view=ConfirmPage ssr=SsrMode::Async />
            <Route path=path!("/passkey") view=PasskeyPage ssr=SsrMode::Async />
            <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
            <Route path=path!("/tokens") view=TokensPage ssr=SsrMode::Async />
            <Route path=path!("/webhooks") view=WebhooksPage ssr=SsrMode::Async />
            <Route path=path!("/webhooks/:id") view=WebhookPage ssr=SsrMode::Async />
            <Route path=path!("/team") view=TeamPage ssr=SsrMode::Async />
            <Route path=path!("/audit") view=AuditPage ssr=SsrMode::Async />
        </FlatRoutes>
    }
}

/// Answers with status 404.
fn set_not_found_status() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
}
