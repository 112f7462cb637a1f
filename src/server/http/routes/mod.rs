//! Handlers, by subject.

pub(crate) mod body;
pub(crate) mod import_rows;
pub(crate) mod oidc;
pub(crate) mod progress;
pub(crate) mod rest;
mod shared;
mod sources;
pub(crate) mod uploads;
pub mod watch;

use std::time::Duration;

use axum::{http::StatusCode, routing::MethodRouter};
use tower_http::timeout::TimeoutLayer;

use super::{
    middleware::access::{Access, Kind, Rule},
    state::AppState,
};

/// Time limit for a request, except uploads and streams.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Route {
    pub(crate) rule: Rule,
    pub(crate) handler: fn() -> MethodRouter<AppState>,
}

impl Route {
    /// Declares a route that answers with data.
    pub(crate) const fn rest(
        method: &'static str,
        path: &'static str,
        access: Access,
        handler: fn() -> MethodRouter<AppState>,
    ) -> Self {
        let kind = Kind::Rest;
        Self {
            rule: Rule {
                method,
                path,
                kind,
                access,
            },
            handler,
        }
    }

    /// Declares a route that answers with a page or a redirect.
    pub(crate) const fn page(
        path: &'static str,
        access: Access,
        handler: fn() -> MethodRouter<AppState>,
    ) -> Self {
        let kind = Kind::Page;
        Self {
            rule: Rule {
                method: "GET",
                path,
                kind,
                access,
            },
            handler,
        }
    }
}

/// Returns every route except pages, server functions and monitoring.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    [
        rest::ROUTES,
        rest::OTHER_ROUTES,
        import_rows::ROUTES,
        oidc::ROUTES,
        shared::ROUTES,
        sources::ROUTES,
        uploads::receive::ROUTES,
        uploads::resumable::ROUTES,
    ]
    .into_iter()
    .flatten()
}

pub(crate) fn quick() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT)
}
